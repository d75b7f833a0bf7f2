package callback

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strconv"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	callout "channelsync/api/autotask/callback"
)

func expectRetryAfter(t *testing.T, resp *http.Response) {
	t.Helper()
	if s, err := strconv.Atoi(resp.Header.Get("Retry-After")); err != nil || s < 5 || s > 15 {
		t.Errorf("Retry-After %q, want 5 to 15 seconds", resp.Header.Get("Retry-After"))
	}
}

func TestSize(t *testing.T) {
	pad := func(n int) string {
		e := envelope()
		return e[:len(e)-1] + `,"Pad":"` + strings.Repeat("x", n-len(e)-len(`,"Pad":""`)) + `"}`
	}
	for _, tc := range []struct {
		name   string
		body   string
		length int64 // said; -1 is chunked
		status int
	}{
		{"exactly 256 KiB", pad(256 << 10), 256 << 10, 202},
		{"exactly 256 KiB, chunked", pad(256 << 10), -1, 202},
		{"one byte more", pad(256<<10 + 1), 256<<10 + 1, 413},
		{"one byte more, chunked", pad(256<<10 + 1), -1, 413},
		{"one byte more, said to be less", pad(256<<10 + 1), 10, 413},
		{"said to be more", envelope(), 256<<10 + 1, 413},
	} {
		t.Run(tc.name, func(t *testing.T) {
			w := newEnv()
			r := request(main(live), companySecret, tc.body)
			r.ContentLength = tc.length
			if resp := serve(w.handler(w.config()), r); resp.StatusCode != tc.status {
				t.Errorf("got %d, want %d", resp.StatusCode, tc.status)
			}
		})
	}
}

func TestOrderOfChecks(t *testing.T) {
	w := newEnv()
	h := w.handler(w.config())
	large := `{"Action":"Deactivated","Pad":"` + strings.Repeat("x", 256<<10) + `"}`
	for _, tc := range []struct {
		name   string
		r      *http.Request
		status int
	}{
		{"method before installation", httptest.NewRequest("GET", main(nowhere), nil), 405},
		{"installation before size", request(main(nowhere), "", large), 404},
		{"size before the hint", request(main(live), "", large), 413},
		{"size before the hint's path", request(deactivated(live), "", large), 413},
		{"hint before signature", request(main(live), "forged", `{"Action":"Deactivated"}`), 204},
		{"signature before envelope", request(main(live), "forged", "not json"), 401},
	} {
		if resp := serve(h, tc.r); resp.StatusCode != tc.status {
			t.Errorf("%s: got %d, want %d", tc.name, resp.StatusCode, tc.status)
		}
	}
}

func TestHintsAreLimitedToOneAMinute(t *testing.T) {
	w := newEnv()
	h := w.handler(w.config())
	for _, step := range []struct {
		after time.Duration
		want  int
	}{{0, 1}, {time.Second, 1}, {58 * time.Second, 1}, {time.Second, 2}, {59 * time.Second, 2}, {time.Hour, 3}} {
		w.now = w.now.Add(step.after)
		for range 3 {
			serve(h, request(deactivated(live), "", "x"))
		}
		if len(w.checked) != step.want {
			t.Errorf("at %s: %d checks, want %d", w.now.Format(time.TimeOnly), len(w.checked), step.want)
		}
	}
	serve(h, request(deactivated(stopped), "", "x"))
	if last := w.checked[len(w.checked)-1]; last != stopped {
		t.Errorf("the hint of one installation held back another's: %s", last)
	}
}

// Only what names a registration of the installation, and is signed by something, tells that the secret may be another one.
func TestASecretIsDoubtedOnlyForItsOwnRegistration(t *testing.T) {
	w := newEnv()
	h := w.handler(w.config())
	for _, tc := range []struct {
		name string
		r    *http.Request
		want string
	}{
		{"signed by another secret", request(main(live), "typed by hand", envelope()), "[" + live + " " + strings.ToLower(companyGUID) + "]"},
		{"signed by ours", request(main(live), companySecret, envelope()), "[]"},
		{"not signed", request(main(live), "", envelope()), "[]"},
		{"of an unknown GUID", request(main(live), "typed by hand", strings.ReplaceAll(envelope(), companyGUID, "00000000-0000-0000-0000-000000000000")), "[]"},
		{"of no GUID", request(main(live), "typed by hand", `{"Action":"Update"}`), "[]"},
		{"no JSON", request(main(live), "typed by hand", "not json"), "[]"},
		{"deactivated", request(deactivated(live), "typed by hand", strings.ReplaceAll(envelope(), `"Update"`, `"Deactivated"`)), "[]"},
		{"of an uninstalled one", request(main(uninstalled), "typed by hand", envelope()), "[]"},
	} {
		w.doubted = nil
		serve(h, tc.r)
		if got := fmt.Sprint(w.doubted); got != tc.want {
			t.Errorf("%s: doubted %s, want %s", tc.name, got, tc.want)
		}
	}
}

func TestSlowJournal(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newEnv()
		w.publish = func(ctx context.Context) error { <-ctx.Done(); return ctx.Err() }
		start := time.Now()
		resp := serve(w.handler(w.config()), request(main(live), companySecret, envelope()))
		if took := time.Since(start); resp.StatusCode != 503 || took != 5*time.Second {
			t.Errorf("got %d after %s, want 503 after 5s", resp.StatusCode, took)
		}
		expectRetryAfter(t, resp)
	})
}

// slowBody gives its text only once it is let go.
type slowBody struct {
	io.Reader
	started chan<- struct{}
	goOn    <-chan struct{}
	once    sync.Once
}

func (s *slowBody) Read(p []byte) (int, error) {
	s.once.Do(func() {
		s.started <- struct{}{}
		<-s.goOn
	})
	return s.Reader.Read(p)
}

// hold starts n requests whose bodies do not arrive, and returns when all of
// them are being read.
func hold(t *testing.T, h http.Handler, n int, header string) {
	t.Helper()
	started, goOn := make(chan struct{}), make(chan struct{})
	var wg sync.WaitGroup
	t.Cleanup(func() { close(goOn); wg.Wait() })
	for range n {
		r := request(main(live), "", "")
		r.Body = io.NopCloser(&slowBody{Reader: strings.NewReader("x"), started: started, goOn: goOn})
		r.ContentLength = -1
		if header != "" {
			r.Header.Set(callout.SignatureHeader, header)
		}
		wg.Go(func() { serve(h, r) })
	}
	for range n {
		<-started
	}
}

// However many half requests an unauthenticated client has on the way, every request that arrives in
// full is judged for itself, those of his own address included.
func TestUnauthenticatedClientsUseUpTheirOwnShareOnly(t *testing.T) {
	wellFormed := signature("forged", []byte("x"))
	for _, tc := range []struct {
		name   string
		n      int
		header string
	}{
		{"64 unsigned", 64, ""},
		{"64 malformed", 64, "sha1=nonsense"},
		{"1023 well-formed", 1023, wellFormed},
		{"1024 well-formed", 1024, wellFormed},
		{"2000 well-formed", 2000, wellFormed},
	} {
		t.Run(tc.name, func(t *testing.T) {
			w := newEnv()
			h := w.handler(w.config())
			hold(t, h, tc.n, tc.header)
			if resp := serve(h, request(main(live), "", envelope())); resp.StatusCode != 401 {
				t.Errorf("unsigned: got %d, want 401", resp.StatusCode)
			}
			if resp := serve(h, request(main(live), companySecret, envelope())); resp.StatusCode != 202 {
				t.Errorf("authentic, same address: got %d, want 202", resp.StatusCode)
			}
			other := request(main(live), companySecret, envelope("SequenceNumber=99"))
			other.RemoteAddr = "198.51.100.1:1"
			if resp := serve(h, other); resp.StatusCode != 202 {
				t.Errorf("authentic, other address: got %d, want 202", resp.StatusCode)
			}
		})
	}
}

func TestPlacesAreGivenBack(t *testing.T) {
	w := newEnv()
	cfg := w.config()
	cfg.Limits = Limits{Unsigned: 1, Signed: 1, PerInstallation: 1, Authentic: 1}
	h := w.handler(cfg)
	for i := range 20 {
		if resp := serve(h, request(main(live), "", "x")); resp.StatusCode != 401 {
			t.Fatalf("stranger %d: got %d", i, resp.StatusCode)
		}
		body := envelope("SequenceNumber=" + strconv.Itoa(i))
		if resp := serve(h, request(main(live), companySecret, body)); resp.StatusCode != 202 {
			t.Fatalf("authentic %d: got %d", i, resp.StatusCode)
		}
	}
}

func TestOneInstallationCannotHoldAnotherBack(t *testing.T) {
	w := newEnv()
	started, goOn := make(chan struct{}), make(chan struct{})
	blocked := w.receivers[live]
	w.publish = func(context.Context) error {
		started <- struct{}{}
		<-goOn
		return nil
	}
	cfg := w.config()
	cfg.Limits = Limits{Signed: 1, PerInstallation: 8, Authentic: 9} // one unauthenticated request will do
	h := w.handler(cfg)
	w.receivers[nowhere] = blocked

	var wg sync.WaitGroup
	post := func(id string, seq int) {
		wg.Go(func() { serve(h, request(main(id), companySecret, envelope("SequenceNumber="+strconv.Itoa(seq)))) })
		<-started
	}
	for i := range 8 {
		post(live, i)
	}
	resp := serve(h, request(main(live), companySecret, envelope("SequenceNumber=100")))
	if resp.StatusCode != 503 {
		t.Errorf("ninth of the installation: got %d, want 503", resp.StatusCode)
	}
	expectRetryAfter(t, resp)
	post(stopped, 1) // takes the last place of all
	resp = serve(h, request(main(nowhere), companySecret, envelope()))
	if resp.StatusCode != 503 {
		t.Errorf("beyond the total: got %d, want 503", resp.StatusCode)
	}
	close(goOn)
	wg.Wait()
	if n := len(w.published); n != 9 {
		t.Errorf("stored %d, want the 9 that had a place", n)
	}
}

// An installation that sends too many bytes waits, and is rejected only
// when that takes too long. Others do not notice.
func TestBytesOfAnInstallationAreSlowedDown(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newEnv()
		cfg := w.config()
		cfg.Limits = Limits{Bytes: 1000, BytesAtOnce: 2000, BytesWait: 2 * time.Second}
		h := w.handler(cfg)
		post := func(id string, seq int) (status int, took time.Duration) {
			e := envelope("SequenceNumber=" + strconv.Itoa(seq))
			body := e[:len(e)-1] + `,"Pad":"` + strings.Repeat("x", 1000-len(e)-len(`,"Pad":""`)) + `"}`
			began := time.Now()
			resp := serve(h, request(main(id), companySecret, body))
			if resp.StatusCode == 503 {
				expectRetryAfter(t, resp)
			}
			return resp.StatusCode, time.Since(began)
		}
		var mu sync.Mutex
		took := map[string]int{}
		var wg sync.WaitGroup
		for i := range 6 {
			wg.Go(func() {
				status, d := post(live, i)
				mu.Lock()
				defer mu.Unlock()
				took[strconv.Itoa(status)+" after "+d.String()]++
			})
		}
		synctest.Wait()
		if status, d := post(stopped, 1); status != 202 || d != 0 {
			t.Errorf("another installation: %d after %s", status, d)
		}
		wg.Wait()
		want := map[string]int{"202 after 0s": 2, "202 after 1s": 1, "202 after 2s": 1, "503 after 0s": 2}
		if diff := cmp.Diff(want, took); diff != "" {
			t.Errorf("answers (-want +got):\n%s", diff)
		}
		if status, d := post(live, 7); status != 202 || d != time.Second {
			t.Errorf("what was turned away cost bytes: %d after %s", status, d)
		}
	})
}

func TestPaceForgetsInstallationsAtRest(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := newPace(Limits{}.orDefaults())
		for i := range 3 * remembered {
			if !p.wait(t.Context(), strconv.Itoa(i), 1000) {
				t.Fatal("an installation at rest has to wait")
			}
			<-time.After(time.Millisecond)
		}
		if len(p.of) > remembered {
			t.Errorf("it remembers %d installations", len(p.of))
		}
	})
}

// The largest body must fit, or it could never be answered.
func TestLargestBodyFitsAnyPace(t *testing.T) {
	p := newPace(Limits{Bytes: 1 << 20, BytesAtOnce: 1000}.orDefaults())
	if !p.wait(t.Context(), live, maxBody) {
		t.Error("a body of 256 KiB is turned away for ever")
	}
}
