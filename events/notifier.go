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
	// notifySweep is how often every installation with due entries is notified again: notifications get lost.
	notifySweep = 15 * time.Second
	// scheduleGrain is how often due schedules are looked for.
	scheduleGrain = time.Second
)

// notifier tells workers that entries may be due. A notification is only a hint: one
// may stand for many entries, and there may be none.
type notifier struct {
	origin string // distinguishes this process's notifications from others'

	mu        sync.Mutex
	chans     map[string]map[chan struct{}]struct{}
	scheduled map[int64]map[string]struct{} // Unix second → installations with a schedule then
}

func newNotifier() *notifier {
	return &notifier{
		origin:    nuid.Next(),
		chans:     make(map[string]map[chan struct{}]struct{}),
		scheduled: make(map[int64]map[string]struct{}),
	}
}

// Notifications returns a channel that holds a hint whenever the installation may have
// due entries: some were enqueued, here or in another process, or a schedule came due;
// while there are any, at least every 15 s. Unread hints become one. The returned
// function ends the subscription.
func (w *Worklist) Notifications(installation string) (<-chan struct{}, func()) {
	return w.notifier.subscribe(installation)
}

func (k *notifier) subscribe(installation string) (<-chan struct{}, func()) {
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

// notify hints to the workers of this process.
func (k *notifier) notify(installation string) {
	k.mu.Lock()
	defer k.mu.Unlock()
	k.hint(installation)
}

func (k *notifier) hint(installation string) {
	for ch := range k.chans[installation] {
		select {
		case ch <- struct{}{}:
		default:
		}
	}
}

// notifyAll hints to the workers of this process, and of the others as well as it can.
func (k *notifier) notifyAll(nc *nats.Conn, installation string) {
	k.notify(installation)
	_ = nc.Publish("wake."+installation, []byte(k.origin)) // lost ones are what notifySweep is for
}

// notifyAt hints when a schedule of this process is due. Schedules of others, or
// from before a restart, are found by the sweep.
func (k *notifier) notifyAt(installation string, at time.Time) {
	second := at.Unix() + 1
	k.mu.Lock()
	defer k.mu.Unlock()
	if k.scheduled[second] == nil {
		k.scheduled[second] = make(map[string]struct{})
	}
	k.scheduled[second][installation] = struct{}{}
}

// subscribePeers receives the hints of other processes.
func (k *notifier) subscribePeers(nc *nats.Conn) error {
	_, err := nc.Subscribe("wake.*", func(msg *nats.Msg) {
		if string(msg.Data) != k.origin {
			k.notify(strings.TrimPrefix(msg.Subject, "wake."))
		}
	})
	if err != nil {
		return fmt.Errorf("subscribe to notifications: %w", err)
	}
	return nil
}

// waiting lists the installations that somebody waits for.
func (k *notifier) waiting() []string {
	k.mu.Lock()
	defer k.mu.Unlock()
	return slices.Collect(maps.Keys(k.chans))
}

// sweep notifies installations with due entries whose notification may be lost. Most
// installations have none: they cost one small request.
func (k *notifier) sweep(ctx context.Context, due func(ctx context.Context, installation string) bool) error {
	for _, installation := range k.waiting() {
		if ctx.Err() == nil && due(ctx, installation) {
			k.notify(installation)
		}
	}
	return nil
}

// notifyDue notifies those whose schedule is due now.
func (k *notifier) notifyDue(context.Context) error {
	now := time.Now().Unix()
	k.mu.Lock()
	defer k.mu.Unlock()
	for second, installations := range k.scheduled {
		if second > now {
			continue
		}
		for installation := range installations {
			k.hint(installation)
		}
		delete(k.scheduled, second)
	}
	return nil
}
