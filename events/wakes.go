package events

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nuid"
)

const (
	// wakeSweep is how often everybody who has marks is woken again: hints get lost.
	wakeSweep = 15 * time.Second
	// wakeGrain is how often due schedules are looked for.
	wakeGrain = time.Second
)

// wakes tells workers that there may be something to take. It is a hint in both
// ways: one wake may stand for many marks, and a wake may find nothing.
type wakes struct {
	origin string // tells our own wakes from other processes'

	mu    sync.Mutex
	chans map[string]map[chan struct{}]struct{}
	later map[int64]map[string]struct{} // Unix second → installations with a schedule then
}

func newWakes() *wakes {
	return &wakes{
		origin: nuid.Next(),
		chans:  make(map[string]map[chan struct{}]struct{}),
		later:  make(map[int64]map[string]struct{}),
	}
}

// Wakes returns a channel that holds a hint whenever the installation may have
// marks to take: some were made, here or in another process, a schedule came due, or
// there are some every 15 s. Hints that nobody reads become one. The returned function ends it.
func (w *Worklist) Wakes(installation string) (<-chan struct{}, func()) {
	return w.wakes.subscribe(installation)
}

func (k *wakes) subscribe(installation string) (<-chan struct{}, func()) {
	ch := make(chan struct{}, 1)
	k.mu.Lock()
	defer k.mu.Unlock()
	if k.chans[installation] == nil {
		k.chans[installation] = make(map[chan struct{}]struct{})
	}
	k.chans[installation][ch] = struct{}{}
	return ch, func() {
		k.mu.Lock()
		defer k.mu.Unlock()
		delete(k.chans[installation], ch)
		if len(k.chans[installation]) == 0 {
			delete(k.chans, installation)
		}
	}
}

// wake hints to the workers of this process.
func (k *wakes) wake(installation string) {
	k.mu.Lock()
	defer k.mu.Unlock()
	k.hint(installation)
}

func (k *wakes) hint(installation string) {
	for ch := range k.chans[installation] {
		select {
		case ch <- struct{}{}:
		default:
		}
	}
}

// wakeAll hints to the workers of this process, and of the others as well as it can.
func (k *wakes) wakeAll(nc *nats.Conn, installation string) {
	k.wake(installation)
	_ = nc.Publish("wake."+installation, []byte(k.origin)) // lost ones are what wakeSweep is for
}

// wakeAt hints when a schedule of this process is due. Schedules of others, or
// from before a restart, are found by the sweep.
func (k *wakes) wakeAt(installation string, at time.Time) {
	second := at.Unix() + 1
	k.mu.Lock()
	defer k.mu.Unlock()
	if k.later[second] == nil {
		k.later[second] = make(map[string]struct{})
	}
	k.later[second][installation] = struct{}{}
}

// listen takes the hints of other processes.
func (k *wakes) listen(nc *nats.Conn) error {
	_, err := nc.Subscribe("wake.*", func(msg *nats.Msg) {
		if string(msg.Data) != k.origin {
			k.wake(strings.TrimPrefix(msg.Subject, "wake."))
		}
	})
	if err != nil {
		return fmt.Errorf("listen for wakes: %w", err)
	}
	return nil
}

// waiting lists the installations that somebody waits for.
func (k *wakes) waiting() []string {
	k.mu.Lock()
	defer k.mu.Unlock()
	return slices.Collect(maps.Keys(k.chans))
}

// sweep wakes whoever has marks and may not have been told of them. Of many
// installations most have none: the question is all that they cost.
func (k *wakes) sweep(ctx context.Context, marked func(ctx context.Context, installation string) bool) error {
	for _, installation := range k.waiting() {
		if ctx.Err() == nil && marked(ctx, installation) {
			k.wake(installation)
		}
	}
	return nil
}

// wakeDue wakes those whose schedule is due now.
func (k *wakes) wakeDue(context.Context) error {
	now := time.Now().Unix()
	k.mu.Lock()
	defer k.mu.Unlock()
	for second, installations := range k.later {
		if second > now {
			continue
		}
		for installation := range installations {
			k.hint(installation)
		}
		delete(k.later, second)
	}
	return nil
}
