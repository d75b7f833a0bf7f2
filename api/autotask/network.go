package autotask

import (
	"context"
	"errors"
	"fmt"
	"net/url"
	"time"
)

// timeout is the cause of a deadline of ours. The error around it names the operation.
type timeout struct{ after time.Duration }

func (t timeout) Error() string { return fmt.Sprintf("timed out after %.0fs", t.after.Seconds()) }

// Unwrap lets errors.Is find context.DeadlineExceeded.
func (t timeout) Unwrap() error { return context.DeadlineExceeded }

// networkCause takes the URL out of an error of net/http, as it may hold a user
// name, and names the deadline that was missed when it was one.
func networkCause(ctx context.Context, err error) error {
	if ctx.Err() != nil {
		return context.Cause(ctx)
	}
	if wrapped, ok := errors.AsType[*url.Error](err); ok {
		return wrapped.Err
	}
	return err
}
