package callback

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	"go.uber.org/goleak"
	"go.uber.org/zap"

	callout "channelsync/api/autotask/callback"
	v1 "channelsync/api/v1"
	"channelsync/events"
	"channelsync/test/harness"
	autotask "channelsync/test/sim/autotask/callout"
)

func TestMain(m *testing.M) {
	// A refused connection stays half open for half a second, so that its client can read the answer.
	harness.Main(m, goleak.IgnoreAnyFunction("net/http.(*conn).closeWriteAndWait"))
}

const (
	live        = "01jxliveaaaaaaaaaaaaaaaaaa"
	stopped     = "01jxstoppedaaaaaaaaaaaaaaa"
	uninstalled = "01jxuninstalledaaaaaaaaaaa"
	nowhere     = "01jxnowhereaaaaaaaaaaaaaaa"

	companyGUID = "a1da62a4-2c49-40a8-8183-69994ce5b3eb"
	contactGUID = "b2db62a4-2c49-40a8-8183-69994ce5b3eb"

	companySecret v1.Secret = "enkmoj676nwh8"
	companyOld    v1.Secret = "the one before it"
	contactSecret v1.Secret = "another secret"
	pendingSecret v1.Secret = "of a webhook without a guid yet"
)

// env is everything around the handler, remembering what it was asked.
type env struct {
	mu        sync.Mutex
	receivers map[string]Receiver
	published []events.Change
	ids       map[string]bool
	messages  []string
	publish   func(ctx context.Context) error // nil stores
	rejected  []string
	rejectErr error
	checked   []string
	doubted   []string
	delivered []string
	now       time.Time
}

func newEnv() *env {
	r := Receiver{
		State: v1.StateLive,
		Uses:  map[v1.Kind]bool{v1.KindCompany: true, v1.KindContact: true},
		Registrations: []Registration{
			{GUID: strings.ToUpper(companyGUID), Secrets: []v1.Secret{companySecret, companyOld}},
			{GUID: contactGUID, Secrets: []v1.Secret{contactSecret}},
			{Secrets: []v1.Secret{pendingSecret}},
		},
	}
	w := &env{
		receivers: map[string]Receiver{live: r},
		ids:       map[string]bool{},
		now:       time.Date(2026, 11, 23, 12, 0, 0, 0, time.UTC),
	}
	r.State = v1.StateStopped
	w.receivers[stopped] = r
	r.State = v1.StateUninstalled
	w.receivers[uninstalled] = r
	return w
}

func (w *env) Receiver(id string) (Receiver, bool) {
	r, ok := w.receivers[id]
	return r, ok
}

func (w *env) Publish(ctx context.Context, c events.Change, msgID string) (events.Receipt, error) {
	if w.publish != nil {
		if err := w.publish(ctx); err != nil {
			return events.Receipt{}, err
		}
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.ids[msgID] {
		return events.Receipt{Sequence: 1, Duplicate: true}, nil
	}
	w.ids[msgID] = true
	w.published = append(w.published, c)
	w.messages = append(w.messages, msgID)
	return events.Receipt{Sequence: uint64(len(w.published))}, nil
}

func (w *env) Keep(_ context.Context, installation string, raw []byte, cause error) error {
	w.mu.Lock()
	defer w.mu.Unlock()
	if cause == nil {
		return errors.New("kept without a cause")
	}
	w.rejected = append(w.rejected, installation+" "+string(raw))
	return w.rejectErr
}

func (w *env) CheckSoon(installation string) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.checked = append(w.checked, installation)
}

func (w *env) SecretDoubted(_ context.Context, installation, guid string) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.doubted = append(w.doubted, installation+" "+guid)
}

func (w *env) Delivered(installation, guid string, seq *int64, _ time.Time, result string) {
	w.mu.Lock()
	defer w.mu.Unlock()
	n := "-"
	if seq != nil {
		n = fmt.Sprint(*seq)
	}
	w.delivered = append(w.delivered, strings.Join([]string{installation, guid, n, result}, " "))
}

// effects counts everything that a delivery can have caused.
func (w *env) effects() string {
	w.mu.Lock()
	defer w.mu.Unlock()
	return fmt.Sprintf("stored %d, rejected %d, checked %d", len(w.published), len(w.rejected), len(w.checked))
}

func (w *env) config() Config {
	return Config{
		Receivers: w, Journal: w, Rejects: w, Checks: w, Observer: w, Log: zap.NewNop(),
		Now: func() time.Time { w.mu.Lock(); defer w.mu.Unlock(); return w.now },
	}
}

func (w *env) handler(cfg Config) http.Handler {
	h := New(cfg)
	mux := http.NewServeMux()
	mux.Handle("/callbacks/autotask/{installation}", h.Changes())
	mux.Handle("/callbacks/autotask/{installation}/deactivated", h.Deactivated())
	return mux
}

func main(id string) string        { return "/callbacks/autotask/" + id }
func deactivated(id string) string { return main(id) + "/deactivated" }

// signature is the value that Autotask sends with a body.
func signature(secret v1.Secret, body []byte) string { return autotask.Sign(secret.Reveal(), body) }

// request is a delivery from 203.0.113.7; an empty secret leaves it unsigned.
func request(path string, secret v1.Secret, body string) *http.Request {
	r := httptest.NewRequest(http.MethodPost, path, strings.NewReader(body))
	r.RemoteAddr = "203.0.113.7:4444"
	r.Header.Set("Content-Type", "application/json")
	if secret != "" {
		r.Header.Set(callout.SignatureHeader, signature(secret, []byte(body)))
	}
	return r
}

func serve(h http.Handler, r *http.Request) *http.Response {
	w := httptest.NewRecorder()
	h.ServeHTTP(w, r)
	return w.Result()
}

func bodyOf(t *testing.T, resp *http.Response) string {
	t.Helper()
	b, err := io.ReadAll(resp.Body)
	harness.OK(t, err)
	return string(b)
}

// envelope is a callback of a company's update with single keys replaced; an
// empty replacement drops the key.
func envelope(replace ...string) string {
	keys := []string{
		`"Action":"Update"`, `"Guid":"` + companyGUID + `"`, `"EntityType":"Account"`, `"Id":1301`,
		`"Fields":{"CompanyName":"Acme Ltd"}`, `"EventTime":"2025-09-15T14:57:50Z"`, `"SequenceNumber":32`,
		`"PersonId":29682945`,
	}
	for _, r := range replace {
		name, value, _ := strings.Cut(r, "=")
		for i, k := range keys {
			if !strings.HasPrefix(k, `"`+name+`":`) {
				continue
			}
			keys = append(keys[:i:i], keys[i+1:]...)
			if value != "" {
				keys = append(keys, `"`+name+`":`+value)
			}
			break
		}
	}
	return "{" + strings.Join(keys, ",") + "}"
}

// sleep is a journal that takes its time, on a timer that ends with the request.
func sleep(d time.Duration) func(context.Context) error {
	return func(ctx context.Context) error {
		timer := time.NewTimer(d)
		defer timer.Stop()
		select {
		case <-timer.C:
			return nil
		case <-ctx.Done():
			return context.Cause(ctx)
		}
	}
}
