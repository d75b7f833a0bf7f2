//go:build linux

package fault

import (
	"bytes"
	"context"
	"errors"
	"io"
	"net"
	"net/http"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"go.uber.org/zap"
	"go.uber.org/zap/zaptest/observer"

	v1 "channelsync/api/v1"
	"channelsync/events"
	"channelsync/handlers"
	"channelsync/handlers/callback"
	"channelsync/test/harness"
	"channelsync/test/harness/stores"
	"channelsync/test/sim/autotask/callout"
)

const (
	lone       = "01jxaaaaaaaaaaaaaaaaaaaaaa" // the only installation of a listener on its own
	loneGUID   = "0d6f8a4e-5a0f-4a57-9d0e-1f2b3c4d5e6f"
	loneSecret = "a-secret-of-a-webhook"
)

// poisoned is a journal that panics now and then, before it stores or after.
type poisoned struct {
	*events.Journal
	calls  atomic.Int64
	panics atomic.Int64
}

func (p *poisoned) Publish(ctx context.Context, c events.Change, id string) (events.Receipt, error) {
	n := p.calls.Add(1)
	if n%3 == 1 {
		p.panics.Add(1)
		panic("poisoned before it is stored")
	}
	receipt, err := p.Journal.Publish(ctx, c, id)
	if n%7 == 2 {
		p.panics.Add(1)
		panic("poisoned after it is stored")
	}
	return receipt, err
}

// loneReceivers knows the one installation.
type loneReceivers struct{}

func (loneReceivers) Receiver(id string) (callback.Receiver, bool) {
	return callback.Receiver{
		State: v1.StateLive, Uses: map[v1.Kind]bool{v1.KindCompany: true},
		Registrations: []callback.Registration{{GUID: loneGUID, Secrets: []v1.Secret{loneSecret}}},
	}, id == lone
}

// rejectsNothing stands where no body is unreadable.
type rejectsNothing struct{}

func (rejectsNothing) Keep(context.Context, string, []byte, error) error {
	return errors.New("no body of this test is unreadable")
}

// TestPanicsInTheHandlerLoseNothing: the handler of every third callback panics, with
// places for two. Each is repeated until it is answered 2xx, each time by several senders
// at once: all are stored once, and the listener serves on.
func TestPanicsInTheHandlerLoseNothing(t *testing.T) {
	t.Parallel()
	bus := stores.Open(t)
	core, logs := observer.New(zap.ErrorLevel)
	journal := &poisoned{Journal: bus.Journal()}
	url := listen(t, handlers.Public(handlers.PublicConfig{
		Log: zap.New(core),
		Callbacks: callback.New(callback.Config{
			Receivers: loneReceivers{}, Journal: journal, Rejects: rejectsNothing{}, Log: zap.NewNop(),
			Limits: callback.Limits{Unsigned: 2, Signed: 2, PerInstallation: 2, Authentic: 2},
		}),
	}))

	const n, senders = 60, 2
	p := newPoster(t)
	post := func(id int) (status int) {
		body := callout.Envelope{
			Action: "Update", GUID: loneGUID, EntityType: "Account", ID: int64(id), EventTime: time.Now(), Sequence: int64(id) + 1, // 0 is none: the body would be the key, and the two are not alike
		}.Encode()
		req, err := http.NewRequestWithContext(t.Context(), http.MethodPost, url+"/callbacks/autotask/"+lone, bytes.NewReader(body))
		if err != nil {
			t.Error(err)
			return 0
		}
		req.Header.Set(callout.SignatureHeader, callout.Sign(loneSecret, body))
		resp, err := p.Do(req)
		if err != nil {
			t.Error(err)
			return 0
		}
		_, _ = io.Copy(io.Discard, resp.Body)
		_ = resp.Body.Close()
		return resp.StatusCode
	}
	answers := map[int]int{}
	for id := range n {
		for round, done := 0, false; !done; round++ {
			if round == 20 {
				t.Fatalf("callback %d is not taken in 20 rounds: %v", id, answers)
			}
			got := make([]int, senders)
			var sending sync.WaitGroup
			for i := range senders {
				sending.Go(func() { got[i] = post(id) })
			}
			sending.Wait()
			for _, status := range got {
				answers[status]++
				done = done || status/100 == 2
			}
		}
	}
	for status := range answers {
		if status != 202 && status != 204 && status != 500 {
			t.Errorf("answers %v: want stored, repeated or failed", answers)
		}
	}
	if int64(answers[500]) != journal.panics.Load() || int64(logs.Len()) != journal.panics.Load() || answers[500] == 0 {
		t.Errorf("%d panics, %d answers 500, %d lines in the log", journal.panics.Load(), answers[500], logs.Len())
	}
	stored := map[int64]int{}
	err := bus.Journal().Read(t.Context(), events.ReadFrom{Installation: lone}, func(c events.StoredChange) error {
		stored[c.ID]++
		return nil
	})
	harness.OK(t, err)
	for id := range int64(n) {
		if stored[id] != 1 {
			t.Errorf("change %d is stored %d times", id, stored[id])
		}
	}
}

// listen serves a handler as the public listener does, until the test ends.
func listen(t *testing.T, h http.Handler) (url string) {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	harness.OK(t, err)
	srv := handlers.NewPublicServer(l.Addr().String(), h, zap.NewNop())
	served := make(chan error, 1)
	go func() { served <- srv.Serve(l) }()
	t.Cleanup(func() {
		_ = srv.Close()
		if err := <-served; !errors.Is(err, http.ErrServerClosed) {
			t.Error(err)
		}
	})
	return "http://" + l.Addr().String()
}
