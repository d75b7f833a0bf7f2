package callback

import (
	"context"
	"errors"
	"io"

	callout "channelsync/api/autotask/callback"
	"channelsync/handlers/internal/crowd"
)

// errCrowded is the cause of the end of a request that was cut off.
var errCrowded = errors.New("cut off before it had arrived: its client has too much on the way")

// arrival is a request that is not known to be authentic yet. It is not rejected for
// what others send: the oldest arrival of whoever has the most on the way is cut off
// instead, so only one that takes too long is lost.
type arrival struct {
	ctx  context.Context // ends when it is cut off
	end  context.CancelCauseFunc
	slot *crowd.Slot
}

// arrive counts the request under its client. Those that could not be authentic have a
// smaller share of their own.
func (d *delivery) arrive() *arrival {
	group, most := "unsigned ", d.Limits.Unsigned
	if _, ok := callout.ParseSignature(d.r.Header.Get(callout.SignatureHeader)); ok {
		group, most = "signed ", d.Limits.Signed
	}
	a := &arrival{}
	a.ctx, a.end = context.WithCancelCause(d.r.Context())
	a.slot, _ = d.arrivals.Enter(group+d.client.Network(), most, func() { a.end(errCrowded) }) // no slot is kept, so there is room
	return a
}

// cut says whether others took its slot.
func (a *arrival) cut() bool { return errors.Is(context.Cause(a.ctx), errCrowded) }

// leave gives the slot back. What was not cut off by now is not any more.
func (a *arrival) leave() {
	a.slot.Leave()
	a.end(context.Canceled)
}

// counted reads from r and counts what is in memory then.
func (a *arrival) counted(r io.Reader) io.Reader { return counting{r, a.slot} }

type counting struct {
	io.Reader
	slot *crowd.Slot
}

func (c counting) Read(p []byte) (int, error) {
	n, err := c.Reader.Read(p)
	c.slot.Grow(n)
	return n, err //nolint:wrapcheck // io.EOF must stay what it is
}
