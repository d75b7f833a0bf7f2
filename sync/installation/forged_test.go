package installation

import (
	"errors"
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"

	"channelsync/test/harness"
)

// forge writes into a table as somebody on the NATS network can.
func (p *place) forge(t *testing.T, table, id, value string, headers ...string) {
	t.Helper()
	msg := nats.NewMsg("$KV." + table + "." + id)
	msg.Data = []byte(value)
	for i := 0; i < len(headers); i += 2 {
		msg.Header.Set(headers[i], headers[i+1])
	}
	if _, err := p.bus.JS.PublishMsg(t.Context(), msg); err != nil {
		t.Fatal(err)
	}
}

// A message from somebody on the NATS network begins no erasure, ends no installation and keeps none from being
// changed; a running service writes again what he wrote over or took away.
func TestNobodyElseErasesAnInstallation(t *testing.T) {
	for name, attack := range map[string]func(t *testing.T, p *place){
		"says that it is being erased": func(t *testing.T, p *place) {
			p.forge(t, "installations", inst, `{"id":"`+inst+`","leaving":true}`)
		},
		"deletes it":               func(t *testing.T, p *place) { p.forge(t, "installations", inst, "", "KV-Operation", "PURGE") },
		"writes what nobody reads": func(t *testing.T, p *place) { p.forge(t, "installations", inst, "garbage") },
		"puts another one in its place": func(t *testing.T, p *place) {
			msg, err := p.table.LastMsg(t.Context(), p.table.Prefix+other)
			harness.OK(t, err)
			p.forge(t, "installations", inst, string(msg.Data), "Channelsync-Mac", msg.Header.Get("Channelsync-Mac"))
		},
		"purges its record": func(t *testing.T, p *place) {
			harness.OK(t, p.table.Handle.Purge(t.Context(), jetstream.WithPurgeSubject(p.table.Prefix+inst)))
		},
	} {
		t.Run(name, func(t *testing.T) {
			p := open(t)
			s := p.store(t)
			create(t, s, example(inst))
			create(t, s, example(other))
			want := get(t, s, inst)
			attack(t, p)
			harness.OK(t, s.compare(t.Context()))
			if diff := cmp.Diff(want, get(t, s, inst)); diff != "" || len(s.Leaving()) > 0 {
				t.Errorf("leaving %v, and it is another one\n%s", s.Leaving(), diff)
			}
			attack(t, p)
			if _, err := s.Change(t.Context(), inst, rename("Changed")); err != nil {
				t.Errorf("it cannot be changed: %v", err)
			}
			again := p.store(t) // as after a restart
			if got, err := again.Get(inst); err != nil || got.Name != "Changed" || len(again.Leaving()) > 0 {
				t.Errorf("after a restart %+v, leaving %v, %v", got, again.Leaving(), err)
			}
		})
	}
}

// What was erased elsewhere stays erased, though it is known here, with its key in memory.
func TestWhatWasErasedIsNotWrittenAgain(t *testing.T) {
	p := open(t)
	here, there := p.store(t), (*Store)(nil)
	create(t, here, example(inst))
	there = p.store(t)
	harness.OK(t, there.Leave(t.Context(), inst))
	harness.OK(t, there.vault.Destroy(t.Context(), inst))
	harness.OK(t, there.Erase(t.Context(), inst))
	harness.OK(t, here.compare(t.Context()))
	if _, err := here.Get(inst); !errors.Is(err, ErrNotFound) {
		t.Errorf("got %v", err)
	}
	if again := p.store(t); len(again.List()) > 0 || len(again.Leaving()) > 0 {
		t.Errorf("it is there again: %v", again.List())
	}
}

// An installation whose key somebody destroyed keeps no other from working.
func TestAnInstallationWithoutItsKeyKeepsNoOtherBack(t *testing.T) {
	p := open(t)
	s := p.store(t)
	create(t, s, example(inst))
	create(t, s, example(other))
	harness.OK(t, p.keys.Handle.Purge(t.Context(), jetstream.WithPurgeSubject(p.keys.Prefix+inst)))
	again := p.store(t)
	ids := []string{}
	for _, in := range again.List() {
		ids = append(ids, in.ID)
	}
	if !slices.Equal(ids, []string{other}) || len(again.Unreadable()) != 1 {
		t.Errorf("opened %v, unreadable %v", ids, again.Unreadable())
	}
}

// Junk in the place of a key costs nothing: what was there before still is.
func TestNobodyElseReplacesAKey(t *testing.T) {
	p := open(t)
	create(t, p.store(t), example(inst))
	p.forge(t, "keys", inst, "junk")
	p.forge(t, "keys", inst, "", "KV-Operation", "PURGE")
	p.forge(t, "keys", "master", "junk")
	if again := p.store(t); again.Unreadable() != nil || get(t, again, inst).Name != "Northwind MSP" {
		t.Errorf("unreadable: %v", again.Unreadable())
	}
}
