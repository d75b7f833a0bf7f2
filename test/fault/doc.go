// Package fault injects the faults of production into the real service, one after
// another, while edits continue in a simulated Autotask. It compares the result with
// the sender's account of the deliveries that were acknowledged. It holds tests only;
// make fault runs the long form, the ordinary tests a short form of every fault.
//
// It observes the service from outside, and reads its journal after it has stopped.
// fsync-before-answer.sh proves the same promise in a trace of system calls.
package fault
