package lifecycle

import (
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	v1 "channelsync/api/v1"
	"channelsync/sync/notify"
	"channelsync/test/harness/service"
)

func TestSomebodyIsTold(t *testing.T) {
	t.Parallel()
	const (
		secret = "a-secret-of-this-test"
		quiet  = 2 * time.Second
	)
	got := make(chan notify.Event, 10)
	srv := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		body, err := io.ReadAll(r.Body)
		if want := notify.Sign(secret, r.Header.Get(notify.HeaderTimestamp), body); err != nil || r.Header.Get(notify.HeaderSignature) != want {
			t.Errorf("not signed: %v, %v", err, r.Header)
		}
		var e notify.Event
		if err := json.Unmarshal(body, &e); err != nil {
			t.Error(err)
		}
		got <- e
	}))
	t.Cleanup(srv.Close)
	next := func(in v1.Installation, typ string) notify.Event {
		t.Helper()
		select {
		case e := <-got:
			if e.Type != typ || e.Issue.Code != "credentials_refused" || e.Installation.ID != in.ID || e.Installation.Name != in.Name || e.Issue.Fix == "" {
				t.Errorf("got %+v, want %s", e, typ)
			}
			return e
		case <-time.After(soon):
			t.Fatalf("no %s", typ)
		}
		return notify.Event{}
	}
	w := service.New(t, service.Options{Quiet: quiet, Settings: map[string]string{"notify-url": srv.URL + "/hook", "notify-secret": secret}})
	in := w.Install()
	w.Autotask.SetSecret("Rotated-Secret-2")
	opened := next(in, notify.TypeOpened)
	if _, err := w.Admin.SetCredentials(t.Context(), in.ID, credentials("Rotated-Secret-2")); err != nil {
		t.Fatal(err)
	}
	if lasted := opened.At.Sub(opened.Issue.FirstAt); lasted < quiet {
		t.Errorf("told when it had been there for %s, want %s", lasted, quiet)
	}
	recovered := next(in, notify.TypeRecovered)
	if opened.ID == recovered.ID || !opened.Issue.FirstAt.Equal(recovered.Issue.FirstAt) {
		t.Errorf("opened %+v, recovered %+v", opened, recovered)
	}
	w.Eventually("both are counted", soon, func() error {
		req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, w.AdminURL+"/metrics", nil)
		if err != nil {
			return err
		}
		req.Close = true
		metrics, err := http.DefaultClient.Do(req)
		if err != nil {
			return err
		}
		defer func() { _ = metrics.Body.Close() }()
		text, err := io.ReadAll(metrics.Body)
		if err == nil && !strings.Contains(string(text), `channelsync_notifications_total{result="delivered"} 2`) {
			err = errors.New("not yet")
		}
		return err
	})
}
