package session

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"go.uber.org/zap/zaptest"

	v1 "channelsync/api/v1"
	"channelsync/events/kv"
	"channelsync/handlers/internal/forwarded"
	"channelsync/test/harness"
	"channelsync/test/harness/clock"
	"channelsync/test/harness/sessions"
	"channelsync/test/harness/stores"
)

func TestMain(m *testing.M) { harness.Main(m) }

// env is what the instances of a service share.
type env struct {
	t      *testing.T
	table  Table
	sealer Sealer
	clock  *clock.Clock
}

// tables are both kinds of table: what holds of one holds of the other.
func tables(t *testing.T, test func(t *testing.T, e env)) {
	t.Run("in the store", func(t *testing.T) {
		table, err := stores.Open(t).Table(t.Context(), kv.Config{Name: "sessions", TTL: Idle + time.Minute})
		if err != nil {
			t.Fatal(err)
		}
		test(t, env{t, table, sessions.Ring(), clock.At(time.Date(2026, 11, 23, 15, 4, 5, 0, time.UTC))})
	})
	t.Run("in memory", func(t *testing.T) {
		test(t, env{t, sessions.NewMemory(), sessions.Ring(), clock.At(time.Date(2026, 11, 23, 15, 4, 5, 0, time.UTC))})
	})
}

func (e env) instance() *Store {
	return New(Config{Table: e.table, Sealer: e.sealer, Now: e.clock.Now, Log: zaptest.NewLogger(e.t)})
}

func (e env) begin(s *Store, id string) (cookie string) {
	e.t.Helper()
	cookie, err := s.Begin(e.t.Context(), Session{Who: v1.Identity{ID: id, Name: id, Role: v1.RoleViewer}, Agent: strings.Repeat("ä", 300)})
	if err != nil {
		e.t.Fatal(err)
	}
	return cookie
}

func (e env) opens(s *Store, cookie string, use bool) bool {
	e.t.Helper()
	_, ok, err := s.Find(e.t.Context(), cookie, use)
	if err != nil {
		e.t.Fatal(err)
	}
	return ok
}

func TestASessionIsKnownAndEndsOnEveryInstance(t *testing.T) {
	tables(t, func(t *testing.T, e env) {
		here, there := e.instance(), e.instance()
		cookie := e.begin(here, "ann")
		got, ok, err := there.Find(t.Context(), cookie, true)
		if err != nil || !ok || got.Who.Name != "ann" || len([]rune(got.Agent)) != maxAgent {
			t.Fatalf("%+v %v %v", got, ok, err)
		}
		list, err := there.List(t.Context())
		if err != nil || len(list) != 1 || list[0].Key != there.KeyOf(cookie) || strings.Contains(cookie, list[0].Key) {
			t.Fatalf("listed %+v: %v", list, err)
		}
		if err := here.End(t.Context(), got.Key); err != nil {
			t.Fatal(err)
		}
		if e.opens(here, cookie, true) {
			t.Error("it goes on where it was ended")
		}
		e.clock.Add(fresh)
		if e.opens(there, cookie, true) {
			t.Error("it goes on elsewhere")
		}
		if list, err := here.List(t.Context()); err != nil || len(list) != 0 {
			t.Errorf("listed %+v: %v", list, err)
		}
	})
}

func TestSessionsEndByTime(t *testing.T) {
	tables(t, func(t *testing.T, e env) {
		here, there := e.instance(), e.instance()
		idle, watched, used := e.begin(here, "idle"), e.begin(here, "watched"), e.begin(here, "used")
		for at := time.Duration(0); at < Lasting; at += 20 * time.Minute {
			if !e.opens(here, used, true) || at < Idle && !e.opens(there, used, false) {
				t.Fatalf("a session that is used ended after %s", at)
			}
			if got := e.opens(there, watched, false); got != (at < Idle) {
				t.Fatalf("a session that only watches, after %s: %v", at, got)
			}
			e.clock.Add(20 * time.Minute)
		}
		if e.opens(here, used, true) {
			t.Error("a session that is used lasts longer than 12 hours")
		}
		if e.opens(here, idle, true) {
			t.Error("a session is not idle after 12 hours without a request")
		}
		exact := e.begin(here, "exact")
		e.clock.Add(59 * time.Second)
		e.opens(here, exact, true) // less than a minute after the last: it is not written
		e.clock.Add(Idle - time.Second)
		if !e.opens(here, exact, false) {
			t.Error("idle a second before the hour")
		}
		e.clock.Add(time.Second)
		if e.opens(here, exact, true) {
			t.Error("not idle after an hour")
		}
	})
}

func TestTheUseOfASessionIsKnownElsewhere(t *testing.T) {
	tables(t, func(t *testing.T, e env) {
		here, there := e.instance(), e.instance()
		cookie := e.begin(here, "ann")
		e.clock.Add(50 * time.Minute)
		e.opens(here, cookie, true)
		e.clock.Add(50 * time.Minute)
		if !e.opens(there, cookie, true) {
			t.Error("what it asked the one instance for is not known to the other")
		}
	})
}

func TestAnEndedSessionIsNotBroughtBackByItsUse(t *testing.T) {
	tables(t, func(t *testing.T, e env) {
		here, there := e.instance(), e.instance()
		cookie := e.begin(here, "ann")
		e.opens(there, cookie, false)
		if err := here.EndCookie(t.Context(), cookie); err != nil {
			t.Fatal(err)
		}
		// there has read it this moment, and writes that it was used long after.
		there.note(t.Context(), found{Session: Session{Key: here.KeyOf(cookie), Used: e.clock.Now().Add(time.Hour)}, revision: 1, written: e.clock.Now()})
		e.clock.Add(fresh)
		if e.opens(here, cookie, true) || e.opens(there, cookie, true) {
			t.Error("it is back")
		}
	})
}

func TestSomebodyHasTwentySessionsAtMost(t *testing.T) {
	tables(t, func(t *testing.T, e env) {
		s := e.instance()
		other := e.begin(s, "bob")
		var all []string
		for range ofOne + 2 {
			all = append(all, e.begin(s, "ann"))
			e.clock.Add(time.Second)
		}
		list, err := s.List(t.Context())
		if err != nil || len(list) != ofOne+1 {
			t.Fatalf("%d sessions: %v", len(list), err)
		}
		for i, cookie := range all {
			if got := e.opens(s, cookie, true); got != (i >= 2) {
				t.Errorf("number %d: %v", i, got)
			}
		}
		if !e.opens(s, other, true) {
			t.Error("somebody else's ended with them")
		}
	})
}

func TestOnlyOurCookiesAndRowsOpen(t *testing.T) {
	tables(t, func(t *testing.T, e env) {
		s := e.instance()
		cookie := e.begin(s, "ann")
		key := s.KeyOf(cookie)
		outsider := New(Config{Table: e.table, Sealer: sessions.Ring(), Now: e.clock.Now})
		theirs, err := outsider.Begin(t.Context(), Session{Who: v1.Identity{ID: "eve", Role: v1.RoleAdmin}})
		if err != nil {
			t.Fatal(err)
		}
		for name, c := range map[string]string{
			"none": "", "not base64": "!!!", "the key of a row": key, "sealed by another": theirs, "cut": cookie[:len(cookie)-2], "long": strings.Repeat("A", 600),
		} {
			if e.opens(s, c, true) {
				t.Errorf("%s: it opens", name)
			}
		}
		if list, err := s.List(t.Context()); err != nil || len(list) != 1 || list[0].Who.ID != "ann" {
			t.Errorf("listed %+v: %v", list, err)
		}
		// A row of another session in the place of this one, by somebody who can write.
		second := e.begin(s, "bob")
		moved, err := e.table.Get(t.Context(), s.KeyOf(second))
		if err != nil {
			t.Fatal(err)
		}
		if err := e.table.Delete(t.Context(), key); err != nil {
			t.Fatal(err)
		}
		if _, err := e.table.Create(t.Context(), key, moved.Value); err != nil {
			t.Fatal(err)
		}
		e.clock.Add(fresh)
		if e.opens(s, cookie, true) {
			t.Error("a row that was moved opens")
		}
	})
}

// down is a table that does not answer.
type down struct{ Table }

var errDown = errors.New("no answer")

func (d *down) Get(context.Context, string) (kv.Entry, error) { return kv.Entry{}, errDown }

func TestWhileTheTableDoesNotAnswerKnownSessionsGoOn(t *testing.T) {
	e := env{t, sessions.NewMemory(), sessions.Ring(), clock.At(time.Date(2026, 11, 23, 15, 4, 5, 0, time.UTC))}
	s := e.instance()
	cookie, unread := e.begin(s, "ann"), e.begin(e.instance(), "bob")
	s.Table = &down{s.Table}
	e.clock.Add(time.Minute)
	if !e.opens(s, cookie, false) {
		t.Error("a session that is known ended")
	}
	if _, ok, err := s.Find(t.Context(), unread, true); ok || !errors.Is(err, errDown) {
		t.Errorf("one that is not: %v, %v", ok, err)
	}
	e.clock.Add(Idle)
	if e.opens(s, cookie, true) {
		t.Error("it is never idle")
	}
}

func TestCookiesOfTwoServicesOnOneHostHaveTheirOwnNames(t *testing.T) {
	for _, tc := range []struct {
		base, host string
		tls        bool
		want       string
	}{
		{"", "localhost:8081", false, "channelsync_session_8081"},
		{"", "localhost:9081", false, "channelsync_session_9081"},
		{"", "[::1]:8081", false, "channelsync_session_8081"},
		{"", "[::1]", false, "channelsync_session_80"},
		{"", "console.example", true, "__Host-channelsync_session_443"},
		{"https://console.example", "console.example", true, "__Host-channelsync_session_443"},
		{"https://console.example", "Console.example:8081", true, "__Host-channelsync_session_443"},
		{"https://console.example:8443", "console.example", true, "__Host-channelsync_session_8443"},
		{"https://console.example:8443", "localhost:8081", false, "channelsync_session_8081"},
		{"http://127.0.0.1:8081", "127.0.0.1:8081", false, "channelsync_session_8081"},
	} {
		r := httptest.NewRequest(http.MethodGet, "/", nil)
		r.Host = tc.host
		r = r.WithContext(forwarded.With(r.Context(), forwarded.Client{TLS: tc.tls}))
		w := httptest.NewRecorder()
		NewCookies(tc.base).Set(w, r, http.Cookie{Name: "session", Value: "x"})
		got := w.Result().Cookies()
		if len(got) != 1 || got[0].Name != tc.want || got[0].Secure != tc.tls || !got[0].HttpOnly || got[0].SameSite != http.SameSiteLaxMode || got[0].Path != "/" || got[0].Domain != "" {
			t.Errorf("%+v: got %v", tc, got)
			continue
		}
		r.AddCookie(got[0])
		if diff := cmp.Diff("x", NewCookies(tc.base).Get(r, "session")); diff != "" {
			t.Error(fmt.Sprint(tc), diff)
		}
	}
}

func FuzzFind(f *testing.F) {
	s := New(Config{Table: sessions.NewMemory(), Sealer: sessions.Ring()})
	f.Add("")
	f.Add(strings.Repeat("A", 75))
	f.Fuzz(func(t *testing.T, cookie string) {
		if _, ok, err := s.Find(t.Context(), cookie, true); ok || err != nil {
			t.Errorf("%q is a session of a store that never made one: %v", cookie, err)
		}
	})
}
