// Package panics makes errors of panics. Work for one record, one installation or one
// request may fail, and then that record, installation or request has failed; it may not
// end the process, which works for all of them. Whoever starts a goroutine runs what it
// does through Try; nothing else recovers there. Every layer may use it; it logs nothing.
package panics

import (
	"errors"
	"fmt"
	"runtime/debug"

	"go.uber.org/zap"
)

// Error is a panic that was recovered.
type Error struct {
	Value any    // what it was called with
	Stack []byte // of the goroutine that panicked
}

// Error names what the panic was called with. The stack is for the log alone: what an
// error says may be shown to users. It does not unwrap to an error that the panic was
// called with: that one's meaning is lost with the work it was about.
func (e *Error) Error() string { return fmt.Sprintf("panicked: %v", e.Value) }

// Try runs fn and returns its error. A panic of fn is an *Error.
func Try(fn func() error) (err error) {
	defer func() {
		if v := recover(); v != nil {
			err = &Error{Value: v, Stack: debug.Stack()}
		}
	}()
	return fn()
}

// Guard is fn run through Try, for an errgroup.
func Guard(fn func() error) func() error {
	return func() error { return Try(fn) }
}

// Of returns the panic that an error stems from; nil when it stems from none.
func Of(err error) *Error {
	e, _ := errors.AsType[*Error](err)
	return e
}

// Stack is the log field of the stack of the panic that an error stems from, and nothing for
// any other error. Whoever logs an error that work returned adds it.
func Stack(err error) zap.Field {
	if p := Of(err); p != nil {
		return zap.ByteString("stack", p.Stack)
	}
	return zap.Skip()
}
