package callback

import (
	"errors"
	"io"
	"net/http"
	"sync"
	"time"

	callout "channelsync/api/autotask/callback"
	"channelsync/handlers/internal/crowd"
)

// errCrowded is the cause of the end of a request that was cut off.
var errCrowded = errors.New("cut off before it had arrived: its client has too much on the way")

// arrival is a request that is not known to be authentic yet. It is not rejected for
// what others send: the oldest arrival of whoever has the most on the way is cut off
// instead, so only one that takes too long is lost.
type arrival struct {
	slot *crowd.Slot

	mu    sync.Mutex
	ended bool // nothing of it is read any more: it cannot be cut off
	cut   bool
}

// arrive counts the request under its client. Those that could not be authentic have a
// smaller share of their own.
func (d *delivery) arrive() *arrival {
	group, most := "unsigned ", d.Limits.Unsigned
	if _, ok := callout.ParseSignature(d.r.Header.Get(callout.SignatureHeader)); ok {
		group, most = "signed ", d.Limits.Signed
	}
	a := &arrival{}
	a.slot, _ = d.arrivals.Enter(group+d.client.Network(), most, func() { a.cutOff(d.w) }) // no slot is kept, so there is room
	return a
}

// cutOff ends the reading of the body, unless it is over. The handler does not return meanwhile.
func (a *arrival) cutOff(w http.ResponseWriter) {
	a.mu.Lock()
	defer a.mu.Unlock()
	if !a.ended {
		a.cut = true
		_ = http.NewResponseController(w).SetReadDeadline(time.Unix(1, 0))
	}
}

// arrived ends the reading; false when the request was cut off before.
func (a *arrival) arrived() bool {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.ended = true
	return !a.cut
}

// leave gives the slot back. What was not cut off by now is not any more.
func (a *arrival) leave() {
	a.arrived()
	a.slot.Leave()
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
