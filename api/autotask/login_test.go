package autotask

import (
	"context"
	"errors"
	"net/http"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	v1 "channelsync/api/v1"
	"channelsync/test/harness"
)

const counted = `{"queryCount":1}`

// tenant is a vendor whose database lives on one host and knows one secret; any
// other log-in is a 401, after the time a log-in takes.
type tenant struct {
	vendor
	mu     sync.Mutex
	host   string
	secret v1.Secret
	failed atomic.Int32
}

func newTenant(zone v1.Zone, secret v1.Secret) *tenant {
	tn := &tenant{host: strings.Split(zone.URL, "/")[2], secret: secret}
	tn.answer = func(w http.ResponseWriter, r *http.Request) {
		<-time.After(100 * time.Millisecond)
		tn.mu.Lock()
		defer tn.mu.Unlock()
		if r.URL.Host != tn.host || r.Header["Secret"][0] != tn.secret.Reveal() {
			tn.failed.Add(1)
			reply(w, 401, "")
			return
		}
		reply(w, 200, counted)
	}
	return tn
}

func (tn *tenant) set(host string, secret v1.Secret) {
	tn.mu.Lock()
	defer tn.mu.Unlock()
	tn.host, tn.secret = host, secret
}

// many makes n calls of different entities at once and returns their errors.
func many(t *testing.T, c *Client, n int) []error {
	t.Helper()
	errs := make([]error, n)
	var wg sync.WaitGroup
	for i := range n {
		wg.Go(func() { _, errs[i] = c.Count(t.Context(), "Links"+strings.Repeat("x", i)) })
	}
	wg.Wait()
	return errs
}

func TestABadSecretCostsOneLogin(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		tn := newTenant(zone3, "another secret")
		var asked, refused atomic.Int32
		c := newTestClient(t, &tn.vendor, func(cfg *Config) {
			cfg.Discover = func(_ context.Context, username string) (v1.Zone, error) {
				asked.Add(1)
				if username != testCredentials.Username {
					t.Errorf("asked for %q", username)
				}
				return v1.Zone{URL: zone3.URL + "/"}, nil
			}
			cfg.OnRefused = func(_ Credentials, err error) {
				refused.Add(1)
				if KindOf(err) != KindRefused {
					t.Errorf("OnRefused got %v", err)
				}
			}
		})
		for _, err := range append(many(t, c, 20), many(t, c, 5)...) {
			if KindOf(err) != KindRefused {
				t.Errorf("error %v, want refused", err)
			}
		}
		if tn.failed.Load() != 1 || asked.Load() != 1 || refused.Load() != 1 || len(tn.sent()) != 1 {
			t.Errorf("%d failed log-ins, %d zone checks, OnRefused ran %d times, want one each", tn.failed.Load(), asked.Load(), refused.Load())
		}

		good := testCredentials
		good.Secret = "another secret"
		c.SetCredentials(good, zone3)
		for _, err := range many(t, c, 5) {
			if err != nil {
				t.Errorf("with the right secret: %v", err)
			}
		}
	})
}

func TestARefusalNamesTheCallThatWasNotMade(t *testing.T) {
	c := newTestClient(t, always(401, `{"errors":["Authentication failed"]}`))
	_, _ = c.Count(t.Context(), "Links")
	_, err := Get[link](t.Context(), c, "Others", 5)
	if want := "get Others: refused (HTTP 401): Authentication failed"; err == nil || err.Error() != want {
		t.Errorf("error %v, want %s", err, want)
	}
}

func TestAMovedTenantIsFollowedOnce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		tn := newTenant(zone22, testSecret)
		var moves []v1.Zone
		c := newTestClient(t, &tn.vendor, func(cfg *Config) {
			cfg.Discover = func(context.Context, string) (v1.Zone, error) { return zone22, nil }
			cfg.OnZone = func(_ Credentials, z v1.Zone) { moves = append(moves, z) }
		})
		for _, err := range many(t, c, 20) {
			if err != nil {
				t.Errorf("error %v", err)
			}
		}
		if diff := cmp.Diff([]v1.Zone{zone22}, moves); diff != "" || tn.failed.Load() != 1 {
			t.Errorf("%d failed log-ins, moves (-want +got):\n%s", tn.failed.Load(), diff)
		}
	})
}

func TestAMovedTenantWithABadSecretCostsTwoLogins(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		tn := newTenant(zone22, "another secret")
		c := newTestClient(t, &tn.vendor, func(cfg *Config) {
			cfg.Discover = func(context.Context, string) (v1.Zone, error) { return zone22, nil }
		})
		for _, err := range many(t, c, 20) {
			if KindOf(err) != KindRefused {
				t.Errorf("error %v, want refused", err)
			}
		}
		if n := tn.failed.Load(); n != 2 {
			t.Errorf("%d failed log-ins, want 2", n)
		}
	})
}

func TestCredentialsThatStopWorking(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		tn := newTenant(zone3, testSecret)
		discovered := zone22
		var moves int
		c := newTestClient(t, &tn.vendor, func(cfg *Config) {
			cfg.Discover = func(context.Context, string) (v1.Zone, error) { return discovered, nil }
			cfg.OnZone = func(Credentials, v1.Zone) { moves++ }
		})
		for _, zone := range []v1.Zone{zone22, zone3, zone22} { // it moves, and much later again
			for _, err := range many(t, c, 4) {
				if err != nil {
					t.Fatalf("before the move to %s: %v", zone.URL, err)
				}
			}
			discovered = zone
			tn.set(strings.Split(zone.URL, "/")[2], testSecret)
			for _, err := range many(t, c, 4) {
				if err != nil {
					t.Fatalf("after the move to %s: %v", zone.URL, err)
				}
			}
		}
		before := tn.failed.Load()
		if moves != 3 {
			t.Errorf("%d moves, want 3", moves)
		}
		tn.set("webservices22.autotask.net", "changed at the vendor")
		for _, err := range append(many(t, c, 4), many(t, c, 4)...) {
			if KindOf(err) != KindRefused {
				t.Errorf("after the secret changed: %v", err)
			}
		}
		// Those under way when the first refusal came cannot be called back.
		if n := tn.failed.Load() - before; n > 5 {
			t.Errorf("%d failed log-ins after the secret changed, want at most 5", n)
		}
	})
}

func TestAZoneCheckThatFindsNothingNewEndsTheSession(t *testing.T) {
	for name, discover := range map[string]func(context.Context, string) (v1.Zone, error){
		"no zone check":        nil,
		"it fails":             func(context.Context, string) (v1.Zone, error) { return v1.Zone{}, ErrZoneUnknown },
		"a host not allowed":   func(context.Context, string) (v1.Zone, error) { return v1.Zone{URL: "https://evil.test"}, nil },
		"the same zone, other": func(context.Context, string) (v1.Zone, error) { return v1.Zone{URL: strings.ToUpper(zone3.URL)}, nil },
	} {
		v := always(401, "")
		c := newTestClient(t, v, func(cfg *Config) { cfg.Discover = discover })
		_, first := c.Count(t.Context(), "Links")
		_, second := c.Count(t.Context(), "Links")
		if KindOf(first) != KindRefused || KindOf(second) != KindRefused || len(v.sent()) != 1 {
			t.Errorf("%s: %v, %v after %d calls", name, first, second, len(v.sent()))
		}
	}
}

func TestAZoneCheckOutlivesTheCaller(t *testing.T) {
	tn := newTenant(zone22, testSecret)
	ctx, cancel := context.WithCancel(t.Context())
	c := newTestClient(t, &tn.vendor, func(cfg *Config) {
		cfg.Discover = func(ctx context.Context, _ string) (v1.Zone, error) {
			cancel()
			if _, bounded := ctx.Deadline(); !bounded {
				t.Error("the zone check has no deadline")
			}
			return zone22, ctx.Err()
		}
	})
	if _, err := c.Count(ctx, "Links"); !errors.Is(err, context.Canceled) {
		t.Errorf("the cancelled call: %v", err)
	}
	if _, err := c.Count(t.Context(), "Links"); err != nil || tn.failed.Load() != 1 {
		t.Errorf("the next call: %v after %d failed log-ins", err, tn.failed.Load())
	}
}

func TestRefusalsByTextEndTheSession(t *testing.T) {
	for _, text := range []string{"IntegrationCode is invalid.", "Zone information could not be determined", "The user account has been locked."} {
		v := always(500, `{"errors":["`+text+`"]}`)
		c := newTestClient(t, v, func(cfg *Config) {
			cfg.Discover = func(context.Context, string) (v1.Zone, error) {
				t.Error("the zone was looked up")
				return zone22, nil
			}
		})
		_, first := c.Count(t.Context(), "Links")
		_, second := c.Count(t.Context(), "Links")
		if KindOf(first) != KindRefused || KindOf(second) != KindRefused || len(v.sent()) != 1 {
			t.Errorf("%s: %v, %v after %d calls", text, first, second, len(v.sent()))
		}
	}
}

func TestOneCallAtATimeUntilTheFirstSuccess(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var under, most atomic.Int32
		var successes atomic.Int32
		v := &vendor{answer: func(w http.ResponseWriter, _ *http.Request) {
			n := under.Add(1)
			defer under.Add(-1)
			if successes.Load() == 0 && n > most.Load() {
				most.Store(n)
			}
			<-time.After(time.Second)
			if n := successes.Load(); n == 0 && time.Since(time.Date(2000, 1, 1, 0, 0, 0, 0, time.UTC)) < 3*time.Second {
				reply(w, 503, "") // proves nothing about the credentials
				return
			}
			successes.Add(1)
			reply(w, 200, counted)
		}}
		start := time.Now()
		for _, err := range many(t, newTestClient(t, v), 10) {
			if err != nil {
				t.Error(err)
			}
		}
		if most.Load() != 1 {
			t.Errorf("%d calls at a time before the first success", most.Load())
		}
		if took := time.Since(start); took > 5*time.Second {
			t.Errorf("took %s: calls went one by one after the first success too", took)
		}
	})
}

func TestAZoneThatIsNotAllowedIsNeverCalled(t *testing.T) {
	v := always(200, counted)
	c := newTestClient(t, v, func(cfg *Config) { cfg.Zone = v1.Zone{URL: "https://evil.test/atservicesrest"} })
	_, err := c.Count(t.Context(), "Links")
	var refused *ZoneError
	if KindOf(err) != KindInvalid || !errors.As(err, &refused) || len(v.sent()) != 0 {
		t.Errorf("error %v after %d calls", err, len(v.sent()))
	}
	c.SetCredentials(testCredentials, zone3)
	if _, err := c.Count(t.Context(), "Links"); err != nil {
		t.Error(err)
	}
}

func TestAnOldSuccessDoesNotOpenADoubtedSession(t *testing.T) {
	s := newSession(testCredentials, nil)
	old, _, _ := s.ticket()
	s.succeeded(old)
	if !s.doubt(old) || s.doubt(old) {
		t.Error("the first doubt of an epoch, and no other, is the first")
	}
	s.succeeded(old)
	if _, proven, _ := s.ticket(); proven {
		t.Error("an answer from before the doubt proved the credentials")
	}
}

func TestARefusalFromBeforeAMoveFollowsTheMove(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := newTestClient(t, always(200, counted), func(cfg *Config) {
			cfg.Discover = func(context.Context, string) (v1.Zone, error) {
				t.Error("the zone was looked up again")
				return zone3, nil
			}
		})
		s := c.current()
		ungated, _, _ := s.ticket()
		if err := s.takeGate(t.Context()); err != nil { // somebody else is settling a 401
			t.Fatal(err)
		}
		again := make(chan bool)
		go func() { again <- c.resolve(t.Context(), s, &ungated, &Error{Kind: KindRefused, Status: 401}) }()
		synctest.Wait()
		moved, err := Hosts{}.Check(zone22.URL)
		harness.OK(t, err)
		s.moveTo(moved)
		s.leave(ticket{gated: true})
		if !<-again || ungated.base != moved || !ungated.gated {
			t.Errorf("goes on with %+v", ungated)
		}
		s.leave(ungated)
	})
}
