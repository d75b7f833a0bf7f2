package notify

import (
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"go.uber.org/zap"

	v1 "channelsync/api/v1"
	"channelsync/test/harness"
	"channelsync/test/harness/stores"
)

const signedWith = "a-secret-of-the-test"

// receiver verifies as the documentation shows it, and drops what it has seen.
func receiver(t *testing.T, got chan<- map[string]any) *httptest.Server {
	t.Helper()
	srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, err := io.ReadAll(r.Body)
		timestamp := r.Header.Get("X-Channelsync-Timestamp")
		mac := hmac.New(sha256.New, []byte(signedWith))
		mac.Write([]byte(timestamp + "." + string(body)))
		signature, _ := hex.DecodeString(strings.TrimPrefix(r.Header.Get("X-Channelsync-Signature"), "sha256="))
		sent, _ := strconv.ParseInt(timestamp, 10, 64)
		if err != nil || !hmac.Equal(signature, mac.Sum(nil)) || time.Since(time.Unix(sent, 0)).Abs() > 5*time.Minute {
			t.Errorf("not signed: %v, %s, %v", err, timestamp, r.Header)
		}
		if r.Method != http.MethodPost || r.Header.Get("Content-Type") != "application/json" || r.UserAgent() != "channelsync/test" {
			t.Errorf("%s with %v", r.Method, r.Header)
		}
		var e map[string]any
		if err := json.Unmarshal(body, &e); err != nil {
			t.Error(err)
		}
		got <- e
	}))
	t.Cleanup(srv.Close)
	return srv
}

// TestEndToEnd notifies a real receiver, and remembers it on a real store: what was
// notified before the store was closed is not notified again, its recovery is.
func TestEndToEnd(t *testing.T) {
	got := make(chan map[string]any, 10)
	srv, w, dir := receiver(t, got), newEnv(), t.TempDir()
	first := time.Now().Add(-time.Hour).UTC().Truncate(time.Second)
	w.see = one(v1.StateLive, act("rejected", first))

	run := func(use func()) {
		b := stores.In(t, dir)
		defer stores.Close(t, b)
		n, err := Open(t.Context(), Config{
			URL: v1.Secret(srv.URL + "/hook?key=x"), Secret: signedWith, Source: w, Table: stores.Table(t, b, "notified"), Version: "test",
			Every: 10 * time.Millisecond, Quiet: 50 * time.Millisecond, Unseen: 200 * time.Millisecond, Now: time.Now, Log: zap.NewNop(),
		})
		harness.OK(t, err)
		ctx, cancel := context.WithCancel(t.Context())
		var wg sync.WaitGroup
		wg.Go(func() { n.Run(ctx) })
		defer func() {
			cancel()
			wg.Wait()
		}()
		use()
	}
	next := func(typ, detail string) (id string) {
		t.Helper()
		select {
		case e := <-got:
			id, _ = e["id"].(string)
			delete(e, "id")
			delete(e, "at")
			want := map[string]any{
				"type": typ, "installation": map[string]any{"id": "in1", "name": "Example MSP"},
				"issue": map[string]any{
					"code": "rejected", "severity": "act", "title": "T", "detail": detail, "fix": "F", "records": 2.0, "firstAt": first.Format(time.RFC3339),
				},
			}
			if diff := cmp.Diff(want, e); diff != "" || id == "" {
				t.Errorf("%s, id %q: %s", typ, id, diff)
			}
		case <-time.After(10 * time.Second):
			t.Fatalf("no %s", typ)
		}
		return id
	}
	var opened, recovered string
	run(func() { opened = next(TypeOpened, "D") })
	w.set(func() { w.see = one(v1.StateLive) })
	run(func() { recovered = next(TypeRecovered, recoveredDetail) })
	if opened == recovered || len(got) != 0 {
		t.Errorf("ids %s and %s, %d more notified", opened, recovered, len(got))
	}
}
