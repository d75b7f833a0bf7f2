package callback

import (
	"context"
	"net/http"
	"testing"
	"time"

	"go.uber.org/zap"
	"go.uber.org/zap/zaptest/observer"

	v1 "channelsync/api/v1"
	"channelsync/handlers/internal/web"
)

// mine is a dependency of the handler that panics where the test wants it to.
type mine struct {
	*env
	at string
}

func (m *mine) step(name string) {
	if m.at == name {
		panic("poisoned " + name)
	}
}

func (m *mine) Receiver(id string) (Receiver, bool) {
	m.step("receiver")
	return m.env.Receiver(id)
}

func (m *mine) Keep(ctx context.Context, installation string, raw []byte, cause error) error {
	m.step("rejects")
	return m.env.Keep(ctx, installation, raw, cause)
}

func (m *mine) CheckSoon(installation string) {
	m.step("checks")
	m.env.CheckSoon(installation)
}

func (m *mine) SecretDoubted(ctx context.Context, installation, guid string) {
	m.step("doubts")
	m.env.SecretDoubted(ctx, installation, guid)
}

func (m *mine) Delivered(installation, guid string, seq *int64, at time.Time, result string) {
	m.step("observer")
	m.env.Delivered(installation, guid, seq, at, result)
}

// A panic is the failure of its own request: it is answered and logged, and what it
// held is free again, however many there are.
func TestPanicHarmsItsOwnRequestOnly(t *testing.T) {
	requests := map[string]func() *http.Request{
		"change":     func() *http.Request { return request(main(live), companySecret, envelope()) },
		"unreadable": func() *http.Request { return request(main(live), companySecret, "not json") },
		"hint":       func() *http.Request { return request(deactivated(live), "", "") },
		"forged":     func() *http.Request { return request(main(live), "typed by hand", envelope()) },
	}
	for _, tc := range []struct{ at, request string }{
		{"receiver", "change"},
		{"journal", "change"},
		{"rejects", "unreadable"},
		{"checks", "hint"},
		{"doubts", "forged"},
	} {
		t.Run(tc.at, func(t *testing.T) {
			w := newEnv()
			m := &mine{env: w, at: tc.at}
			w.publish = func(context.Context) error { m.step("journal"); return nil }
			cfg := w.config()
			cfg.Receivers, cfg.Rejects, cfg.Checks, cfg.Observer = m, m, m, m
			cfg.Limits = Limits{Unsigned: 2, Signed: 2, PerInstallation: 2, Authentic: 2}
			core, logs := observer.New(zap.ErrorLevel)
			h := web.Recover(zap.New(core))(w.handler(cfg))

			for i := range 5 {
				if got := serve(h, requests[tc.request]()).StatusCode; got != http.StatusInternalServerError {
					t.Fatalf("panic %d: answered %d, want 500", i+1, got)
				}
				w.now = w.now.Add(time.Minute) // each hint is the first of its minute
			}
			if n := logs.FilterField(zap.String(v1.LogCause, "poisoned "+tc.at)).Len(); n != 5 {
				t.Errorf("%d panics logged, want 5", n)
			}
			m.at = ""
			for name, want := range map[string]int{"change": 202, "unreadable": 400, "hint": 204} {
				if got := serve(h, requests[name]()).StatusCode; got != want {
					t.Errorf("%s after the panics: answered %d, want %d", name, got, want)
				}
			}
		})
	}
}

// What counts callbacks must not cost one: the change is stored and answered by then.
func TestPanicOfTheObserverDoesNotCostTheCallback(t *testing.T) {
	w := newEnv()
	m := &mine{env: w, at: "observer"}
	cfg := w.config()
	cfg.Observer = m
	core, logs := observer.New(zap.ErrorLevel)
	cfg.Log = zap.New(core)
	h := w.handler(cfg)
	if got := serve(h, request(main(live), companySecret, envelope())).StatusCode; got != http.StatusAccepted {
		t.Errorf("answered %d, want 202", got)
	}
	if logs.Len() != 1 {
		t.Errorf("logged %v, want the panic", logs.All())
	}
}
