package identity

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"
	"testing"
	"time"

	"go.uber.org/zap/zaptest"

	v1 "channelsync/api/v1"
	"channelsync/events"
	"channelsync/events/kv"
	"channelsync/sync/seal"
	"channelsync/test/harness"
	"channelsync/test/harness/clock"
	"channelsync/test/harness/stores"
)

func TestMain(m *testing.M) { harness.Main(m) }

const rootToken v1.Secret = "root-token-of-this-test-0123456789"

// env is a table that several instances share, with one clock.
type env struct {
	t     *testing.T
	bus   *events.Bus
	table *kv.Table
	clock *clock.Clock
	ring  *seal.Ring
}

func newEnv(t *testing.T) *env {
	t.Helper()
	bus := stores.Open(t)
	return &env{t: t, bus: bus, table: stores.Table(t, bus, "tokens"), clock: clock.At(time.Now()), ring: ring(t, 1)}
}

func ring(t *testing.T, keys ...byte) *seal.Ring {
	t.Helper()
	var raws [][]byte
	for _, k := range keys {
		raws = append(raws, []byte(strings.Repeat(string(rune(k)), seal.KeySize)))
	}
	r, err := seal.NewRing(raws...)
	harness.OK(t, err)
	return r
}

// instance is one that runs until the test ends.
func (e *env) instance() *Store {
	e.t.Helper()
	s, err := Open(e.t.Context(), Config{Table: e.table, Sealer: e.ring, Root: rootToken, Now: e.clock.Now, Log: zaptest.NewLogger(e.t)})
	harness.OK(e.t, err)
	ctx, cancel := context.WithCancel(context.Background())
	var running sync.WaitGroup
	running.Go(func() { s.Run(ctx) })
	e.t.Cleanup(func() { cancel(); running.Wait() })
	return s
}

// within waits until something holds: what another instance wrote arrives by the watch.
func within(t *testing.T, what string, holds func() bool) {
	t.Helper()
	harness.Until(t, what, 5*time.Second, holds) // what the API promises
}

func (e *env) create(s *Store, in v1.CreateToken) v1.NewToken {
	e.t.Helper()
	made, err := s.Create(e.t.Context(), in)
	harness.OK(e.t, err)
	return made
}

func opens(s *Store, text string) bool { _, ok := s.Authenticate(v1.Secret(text)); return ok }

func TestATokenIsKnownAndEndsOnEveryInstance(t *testing.T) {
	e := newEnv(t)
	a, b := e.instance(), e.instance()
	made := e.create(a, v1.CreateToken{Name: "ops", Role: v1.RoleOperator, Installations: []string{"one"}})
	within(t, "the other instance knows it", func() bool { return opens(b, made.Token) })
	who, ok := b.Authenticate(v1.Secret(made.Token))
	if !ok || who.Name != "ops" || who.Role != v1.RoleOperator || !who.Sees("one") || who.Sees("two") || who.ID != made.ID {
		t.Errorf("it is %+v, %v", who, ok)
	}
	harness.OK(t, b.Delete(t.Context(), made.ID))
	if opens(b, made.Token) {
		t.Error("it opens where it was deleted")
	}
	within(t, "the other instance refuses it", func() bool { return !opens(a, made.Token) })
	if _, ok := a.Current(made.ID, who.Secret); ok {
		t.Error("its sessions go on")
	}
	if err := a.Delete(t.Context(), made.ID); problemOf(err).Status != 404 {
		t.Errorf("deleted again: %v", err)
	}
}

func TestNoTokenIsCalledAsAPerson(t *testing.T) {
	e := newEnv(t)
	s := e.instance()
	for _, name := range []string{"oidc:ann@msp.example", "OIDC:ann@msp.example", " \uff4fidc:ann", "oi\u200bdc:ann"} {
		_, err := s.Create(t.Context(), v1.CreateToken{Name: name, Role: v1.RoleViewer})
		if p := problemOf(err); p.Status != 422 || len(p.Errors) != 1 || p.Errors[0].Pointer != "#/name" {
			t.Errorf("%q: got %v", name, err)
		}
	}
	e.create(s, v1.CreateToken{Name: "oidc", Role: v1.RoleViewer})
}

func TestOnlyHashesAreStoredAndOnlyOurRowsOpen(t *testing.T) {
	e := newEnv(t)
	a := e.instance()
	made := e.create(a, v1.CreateToken{Name: "ops", Role: v1.RoleViewer})
	row, err := e.table.Get(t.Context(), made.ID)
	harness.OK(t, err)
	if strings.Contains(string(row.Value), made.Token) || strings.Contains(string(row.Value), "ops") {
		t.Errorf("the row is readable: %q", row.Value)
	}
	plain, err := e.ring.Open(place(made.ID), row.Value)
	if err != nil || strings.Contains(string(plain), made.Token) || !strings.Contains(string(plain), `"hash"`) {
		t.Errorf("the row says %s, %v", plain, err)
	}
	// Whoever can write to the store but has no key: a row of their own, and a copy of one under another id.
	for key, value := range map[string][]byte{
		"forged": []byte(`{"id":"forged","name":"x","role":"admin","secrets":[{"number":1,"hash":"AAAA"}]}`),
		"copied": row.Value, made.ID: []byte("x"),
	} {
		if _, err := e.table.Put(t.Context(), key, value); err != nil {
			t.Fatal(err)
		}
	}
	within(t, "a row that is not ours opens nothing", func() bool { return !opens(a, made.Token) })
	if all := e.instance().List(); len(all) != 0 {
		t.Errorf("tokens %+v", all)
	}
}

func TestARotatedTokenOverlapsForAnHour(t *testing.T) {
	e := newEnv(t)
	a, b := e.instance(), e.instance()
	made := e.create(a, v1.CreateToken{Name: "ops", Role: v1.RoleViewer})
	old, _ := a.Authenticate(v1.Secret(made.Token))
	again, err := a.Rotate(t.Context(), made.ID, false)
	if err != nil || again.ID != made.ID || again.Token == made.Token {
		t.Fatalf("%+v, %v", again, err)
	}
	within(t, "both open on both", func() bool { return opens(a, again.Token) && opens(b, again.Token) && opens(b, made.Token) })
	e.clock.Add(time.Hour - time.Second)
	if !opens(a, made.Token) || !opens(b, made.Token) {
		t.Error("the old one ended before its hour")
	}
	e.clock.Add(2 * time.Second)
	if opens(a, made.Token) || opens(b, made.Token) || !opens(b, again.Token) {
		t.Error("after the hour the old one opens, or the new one does not")
	}
	if _, ok := b.Current(old.ID, old.Secret); ok {
		t.Error("a session opened with the old one goes on")
	}
}

// TestRotatedTwiceLeavesTwoSecrets within the hour: the newest and the one before. With now there is one.
func TestRotatedTwiceLeavesTwoSecrets(t *testing.T) {
	for name, tc := range map[string]struct {
		rotations []bool // with now
		open      []bool // the secrets, the first of them first
	}{
		"once":            {[]bool{false}, []bool{true, true}},
		"twice":           {[]bool{false, false}, []bool{false, true, true}},
		"often":           {make([]bool, 12), append(make([]bool, 11), true, true)},
		"now":             {[]bool{true}, []bool{false, true}},
		"now after one":   {[]bool{false, true}, []bool{false, false, true}},
		"another, of now": {[]bool{true, false}, []bool{false, true, true}},
	} {
		t.Run(name, func(t *testing.T) {
			e := newEnv(t)
			a, b := e.instance(), e.instance()
			made := e.create(a, v1.CreateToken{Name: "ops", Role: v1.RoleViewer})
			texts := []string{made.Token}
			first, _ := a.Authenticate(v1.Secret(made.Token))
			for _, now := range tc.rotations {
				again, err := a.Rotate(t.Context(), made.ID, now)
				harness.OK(t, err)
				texts = append(texts, again.Token)
			}
			within(t, "the other instance knows the newest", func() bool { return opens(b, texts[len(texts)-1]) })
			for i, text := range texts {
				if opens(a, text) != tc.open[i] || opens(b, text) != tc.open[i] {
					t.Errorf("secret %d opens: %v, %v; want %v", i+1, opens(a, text), opens(b, text), tc.open[i])
				}
			}
			if _, ok := b.Current(made.ID, first.Secret); ok != tc.open[0] {
				t.Errorf("a session opened with the first goes on: %v", ok)
			}
		})
	}
}

func TestNoTokenIsCalledAsAnActor(t *testing.T) {
	e := newEnv(t)
	s := e.instance()
	for _, name := range []string{"api", "cli", "console", "system", "unauthenticated", "-", "CLI", " System ", "con\u200bsole", "\uff41pi"} {
		_, err := s.Create(t.Context(), v1.CreateToken{Name: name, Role: v1.RoleViewer})
		if p := problemOf(err); p.Status != 422 || len(p.Errors) != 1 || p.Errors[0].Pointer != "#/name" || p.Errors[0].Code != "reserved" {
			t.Errorf("%q: got %v", name, err)
		}
	}
	e.create(s, v1.CreateToken{Name: "api of the dashboard", Role: v1.RoleViewer})
}

func TestATokenExpires(t *testing.T) {
	e := newEnv(t)
	a := e.instance()
	until := e.clock.Now().Add(time.Hour)
	made := e.create(a, v1.CreateToken{Name: "ops", Role: v1.RoleViewer, ExpiresAt: &until})
	again, err := a.Rotate(t.Context(), made.ID, false)
	if err != nil || !opens(a, made.Token) || !opens(a, again.Token) {
		t.Fatalf("before its end: %v", err)
	}
	e.clock.Add(time.Hour)
	if opens(a, made.Token) || opens(a, again.Token) {
		t.Error("it opens after its end")
	}
	if who, ok := a.Authenticate(v1.Secret(again.Token)); ok || who.Name != "ops" {
		t.Errorf("the audit is told that it was %q's, %v", who.Name, ok)
	}
	if _, err := a.Rotate(t.Context(), made.ID, false); problemOf(err).Status != 409 {
		t.Errorf("rotated after its end: %v", err)
	}
	past := e.clock.Now()
	if _, err := a.Create(t.Context(), v1.CreateToken{Name: "x", Role: v1.RoleViewer, ExpiresAt: &past}); problemOf(err).Status != 422 {
		t.Errorf("made with an end in the past: %v", err)
	}
}

func TestNamesAreOneTokensEach(t *testing.T) {
	e := newEnv(t)
	a, b := e.instance(), e.instance()
	e.create(a, v1.CreateToken{Name: "Ops", Role: v1.RoleViewer})
	for _, name := range []string{"Ops", "ops", " OPS ", "root", "Root"} {
		if _, err := b.Create(t.Context(), v1.CreateToken{Name: name, Role: v1.RoleViewer}); problemOf(err).Status != 409 {
			t.Errorf("a second %q: %v", name, err)
		}
	}
	var made sync.WaitGroup
	for i := range 8 {
		made.Go(func() {
			_, _ = []*Store{a, b}[i%2].Create(t.Context(), v1.CreateToken{Name: "same", Role: v1.RoleViewer})
		})
	}
	made.Wait()
	names := 0
	for _, one := range e.instance().List() {
		if one.Name == "same" {
			names++
		}
	}
	if names > 1 {
		t.Errorf("%d tokens have one name", names)
	}
}

func TestWhenATokenWasUsedIsWrittenOnceAMinute(t *testing.T) {
	e := newEnv(t)
	a := e.instance()
	made := e.create(a, v1.CreateToken{Name: "ops", Role: v1.RoleViewer})
	revision := func() uint64 {
		row, err := e.table.Get(t.Context(), made.ID)
		harness.OK(t, err)
		return row.Revision
	}
	first := revision()
	note := func() {
		t.Helper()
		harness.OK(t, a.noteUse(t.Context()))
	}
	note()
	if revision() != first || a.List()[0].LastUsedAt != nil {
		t.Error("a token that nobody used is written")
	}
	opens(a, made.Token)
	note()
	second := revision()
	if at := a.List()[0].LastUsedAt; second == first || at == nil || !at.Equal(e.clock.Now()) {
		t.Errorf("used at %v, now it is %v", at, e.clock.Now())
	}
	e.clock.Add(59 * time.Second)
	opens(a, made.Token)
	note()
	if revision() != second || !a.List()[0].LastUsedAt.Equal(e.clock.Now()) {
		t.Error("it is written twice within a minute, or not shown")
	}
	e.clock.Add(time.Second)
	opens(a, made.Token)
	note()
	if revision() == second {
		t.Error("it is not written after a minute")
	}
	harness.OK(t, e.table.Delete(t.Context(), made.ID))
	e.clock.Add(time.Hour)
	opens(a, made.Token)
	note() // of one that was deleted elsewhere: it must not come back
	if _, err := e.table.Get(t.Context(), made.ID); !errors.Is(err, events.ErrNotFound) {
		t.Errorf("a deleted token is there again: %v", err)
	}
}

func TestRoot(t *testing.T) {
	e := newEnv(t)
	a := e.instance()
	who, ok := a.Authenticate(rootToken)
	if !ok || who.ID != "root" || who.Name != "root" || who.Role != v1.RoleAdmin || who.Scoped() {
		t.Errorf("it is %+v, %v", who, ok)
	}
	for _, text := range []string{"", "root", "cst_", "cst_" + strings.Repeat("A", 43), string(rootToken) + "x"} {
		if opens(a, text) {
			t.Errorf("%q opens", text)
		}
	}
	if err := a.Delete(t.Context(), "root"); problemOf(err).Status != 404 {
		t.Errorf("root deleted: %v", err)
	}
	rootless, err := Open(t.Context(), Config{Table: e.table, Sealer: e.ring, Now: e.clock.Now, Log: zaptest.NewLogger(t)})
	harness.OK(t, err)
	if _, ok := rootless.Current("root", 0); ok || opens(rootless, "") {
		t.Error("without --admin-token somebody is root")
	}
}

// TestAnotherAdminTokenEndsTheSessionsOfTheOneBefore: they have the number of its secret.
func TestAnotherAdminTokenEndsTheSessionsOfTheOneBefore(t *testing.T) {
	e := newEnv(t)
	before, ok := e.instance().Authenticate(rootToken)
	if !ok {
		t.Fatal("root is refused")
	}
	again := e.instance()
	if _, ok := again.Current(before.ID, before.Secret); !ok {
		t.Error("ended by a restart")
	}
	other, err := Open(t.Context(), Config{Table: e.table, Sealer: e.ring, Root: rootToken + "x", Now: e.clock.Now, Log: zaptest.NewLogger(t)})
	harness.OK(t, err)
	if _, ok := other.Current(before.ID, before.Secret); ok {
		t.Error("a session of the token before goes on")
	}
}

func TestANewMasterKeySealsTokensAnew(t *testing.T) {
	e := newEnv(t)
	made := e.create(e.instance(), v1.CreateToken{Name: "ops", Role: v1.RoleViewer})
	e.ring = ring(t, 2, 1)
	if !opens(e.instance(), made.Token) {
		t.Fatal("refused after the rotation")
	}
	e.ring = ring(t, 2)
	if !opens(e.instance(), made.Token) {
		t.Error("refused once the old key is gone")
	}
}

func problemOf(err error) v1.Problem {
	if p, ok := errors.AsType[*v1.Problem](err); ok {
		return *p
	}
	return v1.Problem{Detail: fmt.Sprint(err)}
}
