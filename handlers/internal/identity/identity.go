// Package identity carries who asks along with a request, from where it was found
// out to where it matters: the roles, the lists, the audit. It finds out nothing by
// itself. Used by the packages under handlers only.
package identity

import (
	"context"
	"errors"
	"net/http"
	"sync"
	"time"

	v1 "channelsync/api/v1"
)

// Caller is who a request is served for. The zero one is nobody, who may do nothing.
type Caller struct {
	v1.Identity
	Actor   string // api, cli or console
	Address string // that the request came from
	Request string // the id of the request
	// valid says whether it may still be served; nil: it may, to its end.
	valid func() bool
}

// While returns the caller of a request that is served for as long as valid says.
func (c Caller) While(valid func() bool) Caller {
	c.valid = valid
	return c
}

// Valid says whether the token, or the session, has not ended since.
func (c Caller) Valid() bool { return c.valid == nil || c.valid() }

// CheckEvery is how often a stream without an end asks whether its caller is still valid.
const CheckEvery = time.Second

// Until returns a context that ends when the caller's token, or session, does. stop must be called.
func Until(ctx context.Context) (until context.Context, stop func()) {
	caller := Of(ctx)
	until, cancel := context.WithCancelCause(ctx)
	if caller.valid == nil {
		return until, func() { cancel(nil) }
	}
	var watching sync.WaitGroup
	watching.Go(func() {
		check := time.NewTicker(CheckEvery)
		defer check.Stop()
		for caller.Valid() {
			select {
			case <-until.Done():
				return
			case <-check.C:
			}
		}
		cancel(errEnded)
	})
	return until, func() { cancel(nil); watching.Wait() }
}

var errEnded = errors.New("the token of the request has ended")

// Bound ends requests with their callers' tokens, also those that are served at the moment.
func Bound(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		ctx, stop := Until(r.Context())
		defer stop()
		next.ServeHTTP(w, r.WithContext(ctx))
	})
}

type key struct{}

// With returns a context that carries a caller.
func With(ctx context.Context, c Caller) context.Context { return context.WithValue(ctx, key{}, c) }

// Of returns the caller that a context carries: nobody, when it carries none.
func Of(ctx context.Context) Caller {
	c, _ := ctx.Value(key{}).(Caller)
	return c
}
