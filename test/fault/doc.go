// Package fault brings the accidents of production on the real service, one after
// the other, while edits go on in a simulated Autotask, and holds the result
// against an account kept from the sender's side: which deliveries were
// acknowledged, and what became of each. It holds tests only; make fault runs the
// long form, the ordinary tests a short one of every fault.
//
// It looks at the service from outside, and at its journal once it has stopped.
// fsync-before-answer.sh beside it shows the same promise in a trace of system calls.
package fault
