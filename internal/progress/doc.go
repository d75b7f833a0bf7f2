// Package progress notices work that is due and does not move, so that nothing stalls
// unnoticed.
//
// Work reports its state through a Heartbeat: Busy when it has something to do, Move after each
// finished step, Idle when it waits for something to do. The context carries the Heartbeat, so
// that the clients of the vendors and of the store report moves for the work that calls them.
// None of its methods blocks or locks.
//
// The Watchdog observes all heartbeats every few seconds. It compares no clocks: it adds up the
// time between its observations, and counts a late observation as one that came in time. A
// machine that was suspended, or a process that got no processor, is therefore not a stall.
// Neither is waiting for an upstream: an exchange that ends, with any answer, is a move, and
// work that backs off from an upstream is idle.
//
// Work that has not moved for its limit is logged with the stacks of all goroutines, named
// by Check, counted, and restarted. If it stalls again after that, the process ends. Work that
// moves while each attempt fails for an internal cause is logged, named and counted, but not
// restarted: each attempt is a new start already.
package progress
