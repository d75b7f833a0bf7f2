package kv

import (
	"context"
	"errors"
	"slices"
	"testing"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"
	"go.uber.org/zap"
	"go.uber.org/zap/zaptest/observer"

	js "channelsync/events/internal/jetstream"
	"channelsync/events/internal/natstest"
	"channelsync/test/harness"
	"channelsync/test/harness/codes"
)

// forge writes as somebody on the NATS network can, and returns the revision.
func forge(t testing.TB, l *js.Link, table, key, value string, headers ...string) uint64 {
	t.Helper()
	msg := nats.NewMsg("$KV." + table + "." + key)
	msg.Data = []byte(value)
	for i := 0; i < len(headers); i += 2 {
		msg.Header.Set(headers[i], headers[i+1])
	}
	ack, err := l.JS.PublishMsg(t.Context(), msg)
	harness.OK(t, err)
	return ack.Sequence
}

// stored is the last message of a key with its headers, as anybody can read it.
func stored(t testing.TB, l *js.Link, table, key string) *jetstream.RawStreamMsg {
	t.Helper()
	s, err := l.JS.Stream(t.Context(), "KV_"+table)
	harness.OK(t, err)
	msg, err := s.GetLastMsgForSubject(t.Context(), "$KV."+table+"."+key)
	harness.OK(t, err)
	return msg
}

// held is what a table holds of a key by each way to read it; they must agree. Empty: nothing.
func held(t testing.TB, tab *Table, key string) string {
	t.Helper()
	ctx, read := t.Context(), map[string]string{}
	for way, get := range map[string]func(context.Context, string) (Entry, error){"get": tab.Get, "leader": tab.GetFromLeader} {
		e, err := get(ctx, key)
		if err != nil && !errors.Is(err, ErrNotFound) {
			t.Fatal(err)
		}
		read[way] = string(e.Value)
	}
	many, err := tab.GetMany(ctx, []string{key})
	harness.OK(t, err)
	read["many"], read["each"] = string(many[key].Value), ""
	err = tab.Each(ctx, "", func(e Entry) error {
		if e.Key == key {
			read["each"] = string(e.Value)
		}
		return nil
	})
	harness.OK(t, err)
	for way, value := range read {
		if value != read["get"] {
			t.Errorf("%s: by %s %q, by get %q", key, way, value, read["get"])
		}
	}
	return read["get"]
}

// Whatever somebody without the key writes is as if it were not there; where the table
// still has what was there before, that stands.
func TestWhatOthersWriteToATableIsPassedOver(t *testing.T) {
	t.Parallel()
	for _, secure := range []bool{false, true} { // a secure table has the revisions before
		l := link(t)
		a := NewAuthenticator(AuthenticatorConfig{Keys: codes.Keys(t, 1)})
		tab := table(t, l, Config{Name: "t", Secure: secure, Authenticator: a})
		other := table(t, l, Config{Name: "u", Secure: secure, Authenticator: a})
		ctx := t.Context()
		for key, value := range map[string]string{"mine": "right", "other": "other's", "gone": "x"} {
			if _, err := tab.Put(ctx, key, []byte(value)); err != nil {
				t.Fatal(err)
			}
		}
		if _, err := other.Put(ctx, "mine", []byte("of another table")); err != nil {
			t.Fatal(err)
		}
		harness.OK(t, tab.Delete(ctx, "gone"))
		code := func(table, key string) []string {
			return []string{codeHeader, stored(t, l, table, key).Header.Get(codeHeader)}
		}
		want := ""
		if secure {
			want = "right"
		}
		for name, f := range map[string]struct {
			value   string
			headers []string
		}{
			"without a code":           {"forged", nil},
			"with a made-up code":      {"forged", []string{codeHeader, "AAAA"}},
			"with the value's code":    {"forged", code("t", "mine")},
			"moved from another key":   {"other's", code("t", "other")},
			"moved from another table": {"of another table", code("u", "mine")},
			"a deletion":               {"", []string{kvHeader, kvPurge}},
			"a deletion with a code":   {"right", append(code("t", "mine"), kvHeader, kvPurge)},
			"another one's deletion":   {"", append(code("t", "gone"), kvHeader, kvPurge)},
			"the server's own mark":    {"right", append(code("t", "mine"), jetstream.MarkerReasonHeader, "MaxAge")},
		} {
			revision := forge(t, l, "t", "mine", f.value, f.headers...)
			if got := held(t, tab, "mine"); got != want {
				t.Errorf("secure %v, %s: got %q, want %q", secure, name, got, want)
			}
			if _, err := tab.Create(ctx, "mine", []byte("right")); secure != errors.Is(err, ErrConflict) || !secure && err != nil {
				t.Errorf("secure %v, %s: create: %v", secure, name, err)
			}
			if secure { // it is at the revision of what was passed over, so that an update goes on from it
				if e, err := tab.Get(ctx, "mine"); err != nil || e.Revision != revision {
					t.Errorf("%s: got %+v, %v, want revision %d", name, e, err, revision)
				}
				if _, err := tab.Update(ctx, "mine", []byte("right"), revision); err != nil {
					t.Errorf("%s: %v", name, err)
				}
			}
			if got := held(t, tab, "mine"); got != "right" {
				t.Errorf("secure %v, %s: afterwards %q", secure, name, got)
			}
		}
		if got := held(t, tab, "gone"); got != "" {
			t.Errorf("what was deleted is there: %q", got)
		}
		if _, err := tab.Create(ctx, "gone", []byte("again")); err != nil {
			t.Error(err)
		}
	}
}

// A roll-up would take away what a table keeps from before.
func TestAMessageTakesNothingAwayFromATable(t *testing.T) {
	t.Parallel()
	l := link(t)
	tab := table(t, l, Config{Name: "t", Secure: true, Authenticator: NewAuthenticator(AuthenticatorConfig{Keys: codes.Keys(t, 1)})})
	if _, err := tab.Put(t.Context(), "mine", []byte("right")); err != nil {
		t.Fatal(err)
	}
	for _, kind := range []string{"sub", "all"} {
		msg := nats.NewMsg("$KV.t.mine")
		msg.Header.Set(jetstream.MsgRollup, kind)
		if _, err := l.JS.PublishMsg(t.Context(), msg); err == nil {
			t.Errorf("a roll-up %q was taken", kind)
		}
	}
	if got := held(t, tab, "mine"); got != "right" {
		t.Errorf("got %q", got)
	}
}

func TestWatchDoesNotTellOfWhatOthersWrite(t *testing.T) {
	t.Parallel()
	l := link(t)
	tab := table(t, l, Config{Name: "t", Authenticator: NewAuthenticator(AuthenticatorConfig{Keys: codes.Keys(t, 1)})})
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	if _, err := tab.Put(ctx, "a.1", []byte("right")); err != nil {
		t.Fatal(err)
	}
	events, done := make(chan Event, 10), make(chan error, 1)
	go func() { done <- tab.Watch(ctx, "a", func(e Event) { events <- e }) }()
	first := <-events
	forge(t, l, "t", "a.1", "forged")
	forge(t, l, "t", "a.1", "", kvHeader, kvPurge)
	harness.OK(t, tab.Delete(ctx, "a.1"))
	second := <-events
	if string(first.Value) != "right" || first.Deleted || !second.Deleted {
		t.Errorf("got %+v, then %+v", first, second)
	}
	cancel()
	harness.OK(t, <-done)
}

// A store from before authenticated tables: what was there up to a revision is believed and
// written again with a code. What comes later never is, whatever it looks like.
func TestWhatWasThereBeforeIsBelievedOnce(t *testing.T) {
	t.Parallel()
	l := link(t)
	ctx := t.Context()
	old := table(t, l, Config{Name: "t", Secure: true})
	for _, key := range []string{"a", "b", "gone"} {
		if _, err := old.Put(ctx, key, []byte("old "+key)); err != nil {
			t.Fatal(err)
		}
	}
	harness.OK(t, old.Delete(ctx, "gone"))
	last := stored(t, l, "t", "gone").Sequence
	forge(t, l, "t", "c", "too late")
	until := map[string]uint64{"t": last}
	a := NewAuthenticator(AuthenticatorConfig{Keys: codes.Keys(t, 1)})
	a.Believe(until)
	if a.Renewed("t") {
		t.Error("renewed before it was opened")
	}
	tab := table(t, l, Config{Name: "t", Secure: true, Authenticator: a})
	if !a.Renewed("t") {
		t.Error("not renewed")
	}
	for key, want := range map[string]string{"a": "old a", "b": "old b", "c": "", "gone": ""} {
		if got := held(t, tab, key); got != want {
			t.Errorf("%s: got %q, want %q", key, got, want)
		}
	}
	// With nothing to believe any more all of it stands by its code.
	again := table(t, l, Config{Name: "t", Secure: true, Authenticator: NewAuthenticator(AuthenticatorConfig{Keys: codes.Keys(t, 1)})})
	for key, want := range map[string]string{"a": "old a", "b": "old b", "c": ""} {
		if got := held(t, again, key); got != want {
			t.Errorf("%s afterwards: got %q, want %q", key, got, want)
		}
	}
}

// A new first key authenticates everything anew as tables are opened; then the old one can go.
func TestANewKeyAuthenticatesTablesAnew(t *testing.T) {
	t.Parallel()
	l := link(t)
	open := func(fills ...byte) *Table {
		return table(t, l, Config{Name: "t", Authenticator: NewAuthenticator(AuthenticatorConfig{Keys: codes.Keys(t, fills...)})})
	}
	if _, err := open(1).Put(t.Context(), "a", []byte("x")); err != nil {
		t.Fatal(err)
	}
	if got := held(t, open(2), "a"); got != "" {
		t.Errorf("another key reads %q", got)
	}
	if got := held(t, open(2, 1), "a"); got != "x" {
		t.Errorf("both keys read %q", got)
	}
	if got := held(t, open(2), "a"); got != "x" {
		t.Errorf("the new key alone reads %q", got)
	}
}

// Whoever writes without end makes no more noise than a line a minute, and is counted once for
// each write, however often it is read.
func TestRejectedWritesAreCountedAndLoggedWithMeasure(t *testing.T) {
	t.Parallel()
	l := link(t)
	core, logged := observer.New(zap.ErrorLevel)
	now, counted := time.Date(2026, 11, 23, 12, 0, 0, 0, time.UTC), 0
	a := NewAuthenticator(AuthenticatorConfig{
		Keys: codes.Keys(t, 1), Count: func(string) { counted++ }, Log: zap.New(core), Now: func() time.Time { return now },
	})
	tab := table(t, l, Config{Name: "t", Authenticator: a})
	for i := range 50 {
		forge(t, l, "t", "a", "forged")
		for range 3 {
			held(t, tab, "a")
		}
		if i == 48 {
			now = now.Add(time.Minute)
		}
	}
	if counted != 50 || logged.Len() != 2 {
		t.Errorf("counted %d, logged %d lines, want 50 and 2", counted, logged.Len())
	}
	if n := logged.All()[1].ContextMap()["count"]; n != int64(49) {
		t.Errorf("the second line stands for %v, want 49", n)
	}
	since := a.RejectedSince(now.Add(-time.Second))
	if len(since) != 1 || since[0].Table != "t" || since[0].Writes != 50 || !since[0].LastAt.Equal(now) {
		t.Errorf("got %+v", since)
	}
	if left := a.RejectedSince(now); len(left) != 0 {
		t.Errorf("after that got %+v", left)
	}
}

func TestHasAuthentic(t *testing.T) {
	t.Parallel()
	l := link(t)
	has := func(table string, fill byte) bool {
		t.Helper()
		found, err := HasAuthentic(t.Context(), l, codes.Keys(t, fill), table)
		harness.OK(t, err)
		return found
	}
	if _, err := table(t, l, Config{Name: "plain"}).Put(t.Context(), "a", nil); err != nil {
		t.Fatal(err)
	}
	coded := table(t, l, Config{Name: "coded", Authenticator: NewAuthenticator(AuthenticatorConfig{Keys: codes.Keys(t, 1)})})
	if _, err := coded.Put(t.Context(), "a", nil); err != nil {
		t.Fatal(err)
	}
	forge(t, l, "coded", "a", "forged over it")
	if _, err := coded.Put(t.Context(), "b", nil); err != nil {
		t.Fatal(err)
	}
	got := []bool{has("none", 1), has("plain", 1), has("coded", 2), has("coded", 1)}
	if want := []bool{false, false, false, true}; !slices.Equal(got, want) {
		t.Errorf("got %v, want %v", got, want)
	}
}

// A table that was opened by a former version took roll-ups.
func TestATableStopsTakingRollUps(t *testing.T) {
	t.Parallel()
	l, _ := natstest.Open(t, t.TempDir())
	table(t, l, Config{Name: "t"})
	tab := table(t, l, Config{Name: "t", Authenticator: NewAuthenticator(AuthenticatorConfig{Keys: codes.Keys(t, 1)})})
	if cfg := tab.Handle.CachedInfo().Config; cfg.AllowRollup {
		t.Error("it takes roll-ups")
	}
}
