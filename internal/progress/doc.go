// Package progress notices work that is due and does not move, so that nothing stalls in
// silence.
//
// Work says how it is through a Beat: Busy when it has something to do, Move with each step
// that ended, Idle when it waits for something to do. A Beat is found in the context, so
// that a client of a vendor or of the store moves the work that a call is made for. None of
// its methods blocks or locks.
//
// The Watchdog looks at all beats every few seconds. It compares no clocks: it adds up the
// time between its own looks, and counts a look that comes late as one that came in time. A
// machine that was suspended, or a process that got no processor, has therefore no stall.
// Waiting for an upstream is not one either: an exchange that ends, with whatever answer,
// is a move, and work that leaves an upstream alone for a while is idle.
//
// Work that has not moved for its limit is logged with the stacks of all goroutines, named
// by Check, counted, and started anew. If it stands still again after that, the process is
// given up. Work that moves while each of its attempts fails for a cause of our own is
// logged, named and counted, and not started anew: each attempt is that already.
package progress
