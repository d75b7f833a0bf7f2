package peer

import (
	"context"
	"errors"
	"sync/atomic"
	"testing"
	"time"

	"github.com/nats-io/nats-server/v2/server"

	"channelsync/events/internal/natstest"
	"channelsync/test/harness"
	"channelsync/test/harness/servers"
	"channelsync/test/stress"
)

// TestAnswersStopUnderStress: a question that comes with the stop is either
// answered before the stop returns, or not begun.
func TestAnswersStopUnderStress(t *testing.T) {
	t.Parallel()
	srv := servers.Listening(t, &server.Options{StoreDir: t.TempDir()})
	link, _ := natstest.Reach(t, srv.ClientURL(), 1)
	b := New(link)
	ask := func() error {
		ctx, cancel := context.WithTimeout(context.Background(), 20*time.Millisecond)
		defer cancel()
		_, _ = b.Ask(ctx, "b", "echo", nil) // whether there is an answer depends on the moment
		return nil
	}
	answer := func() error {
		var over atomic.Bool
		stop, err := b.Answer("b", "echo", func(context.Context, []byte) []byte {
			if over.Load() {
				t.Error("a question is answered after the stop")
			}
			return nil
		})
		if err != nil {
			return err
		}
		for range 3 {
			_ = ask()
		}
		stop()
		over.Store(true)
		return nil
	}
	stress.Run(t, ask, ask, ask, ask, answer)
}

func TestAsk(t *testing.T) {
	t.Parallel()
	srv := servers.Listening(t, &server.Options{StoreDir: t.TempDir()})
	join := func() *Peers {
		link, _ := natstest.Reach(t, srv.ClientURL(), 1)
		return New(link)
	}
	a, b := join(), join()
	stop, err := b.Answer("b", "echo", func(_ context.Context, q []byte) []byte {
		if n := len(q); n > 0 && q[0] == '*' {
			return make([]byte, n<<10)
		}
		return q
	})
	harness.OK(t, err)
	harness.OK(t, b.link.NC.Flush())
	large := make([]byte, 1000)
	large[0] = '*'
	for _, c := range []struct {
		question []byte
		want     int
	}{{nil, 0}, {[]byte("hello"), 5}, {large, 1000 << 10}} {
		got, err := a.Ask(t.Context(), "b", "echo", c.question)
		if err != nil || len(got) != c.want {
			t.Errorf("%d bytes asked, %d answered: %v", len(c.question), len(got), err)
		}
	}
	if _, err := a.Ask(t.Context(), "b", "echo", make([]byte, 2<<20)); !errors.Is(err, ErrTooLarge) {
		t.Errorf("a large question: %v", err)
	}
	huge := make([]byte, 33<<10)
	huge[0] = '*'
	if _, err := a.Ask(t.Context(), "b", "echo", huge); !errors.Is(err, ErrTooLarge) {
		t.Errorf("a large answer: %v", err)
	}
	if _, err := a.Ask(t.Context(), "c", "echo", nil); !errors.Is(err, ErrNoInstance) {
		t.Errorf("nobody there: %v", err)
	}
	stop()
	if _, err := a.Ask(t.Context(), "b", "echo", nil); !errors.Is(err, ErrNoInstance) {
		t.Errorf("after it stopped: %v", err)
	}
	received := make(chan string, 1)
	harness.OK(t, a.Subscribe(t.Context(), "feed", "*", func(in string, data []byte) { received <- in + " " + string(data) }))
	harness.OK(t, a.link.NC.Flush())
	harness.OK(t, b.Publish("feed", natstest.Installation, []byte("x")))
	if got := <-received; got != natstest.Installation+" x" {
		t.Errorf("received %q", got)
	}
}
