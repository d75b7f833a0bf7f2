package installation

import (
	"bytes"
	"errors"
	"fmt"
	"path/filepath"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	v1 "channelsync/api/v1"
	"channelsync/events"
	"channelsync/events/kv"
	"channelsync/sync/seal"
	"channelsync/test/harness"
	"channelsync/test/harness/files"
	"channelsync/test/harness/stores"
	"channelsync/test/harness/vaults"
)

func TestMain(m *testing.M) { harness.Main(m) }

const (
	inst  = "01hzx3q8r9k2m4n6p8s0t2v4w6"
	other = "01hzx3q8r9k2m4n6p8s0t2v4w7"
)

// place is a real store on disk with the two tables that installations need.
type place struct {
	bus         *events.Bus
	dir         string
	table, keys *kv.Table
	close       func()
}

func open(t *testing.T) *place {
	t.Helper()
	p := &place{dir: t.TempDir()}
	b := stores.In(t, p.dir)
	p.close = sync.OnceFunc(func() { stores.Close(t, b) })
	t.Cleanup(p.close)
	p.bus, p.table, p.keys = b, stores.Authenticated(t, b, "installations"), stores.Authenticated(t, b, "keys")
	return p
}

func (p *place) vault(t *testing.T) *seal.Vault {
	t.Helper()
	return vaults.Open(t, p.keys)
}

// store opens the store as a process would at its start.
func (p *place) store(t *testing.T) *Store {
	t.Helper()
	s, err := Open(t.Context(), p.table, p.vault(t))
	harness.OK(t, err)
	return s
}

var at = time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)

func example(id string) *Installation {
	return &Installation{
		ID: id, Name: "Northwind MSP", Zone: v1.Zone{Name: "America East", URL: "https://webservices3.autotask.net/atservicesrest"},
		Syncs:   map[v1.Sync]*SyncSettings{v1.SyncActiveCustomers: {InstalledAt: at}},
		Options: v1.Options{OutOfScope: "archive", Include: []int64{0, 174}}, CreatedAt: at, ConnectionID: "connection-one",
		Registrations: []Registration{{Entity: "Companies", ID: 177, GUID: "a1da62a4-2c49-40a8-8183-69994ce5b3eb", Active: true}},
		Cursors:       Cursors{Companies: at.Add(time.Hour)},
		Secrets: Secrets{
			Username: "api-user@northwind.example", Secret: "S3cret-of-Northwind", TrackingIdentifier: "TRACK-0123456789", Token: "token-0123456789",
			Webhooks: map[string]Signer{"Companies": {Current: "webhook-secret-one", Previous: "webhook-secret-nil", Until: at}},
		},
	}
}

func create(t *testing.T, s *Store, in *Installation) {
	t.Helper()
	harness.OK(t, s.Create(t.Context(), in))
}

func get(t *testing.T, s *Store, id string) *Installation {
	t.Helper()
	in, err := s.Get(id)
	harness.OK(t, err)
	return in
}

func rename(name string) func(*Installation) error {
	return func(in *Installation) error {
		in.Name = name
		return nil
	}
}

func TestRoundTrip(t *testing.T) {
	p := open(t)
	s := p.store(t)
	create(t, s, example(inst))
	if diff := cmp.Diff(example(inst), get(t, s, inst)); diff != "" {
		t.Errorf("at once: %s", diff)
	}
	if diff := cmp.Diff(example(inst), get(t, p.store(t), inst)); diff != "" {
		t.Errorf("after a restart: %s", diff)
	}
	if err := s.Create(t.Context(), example(inst)); !errors.Is(err, kv.ErrConflict) {
		t.Errorf("created twice: got %v", err)
	}
	if _, err := s.Get(other); !errors.Is(err, ErrNotFound) {
		t.Errorf("another one: got %v", err)
	}
}

func TestReadersHoldCopies(t *testing.T) {
	s := open(t).store(t)
	mine := example(inst)
	create(t, s, mine)
	spoil := func(in *Installation) {
		in.Name = "spoilt"
		in.Syncs[v1.SyncActiveCustomers].Stopped = true
		in.Registrations[0].GUID = "spoilt"
		in.Secrets.Webhooks["Companies"] = Signer{}
	}
	spoil(mine)
	spoil(get(t, s, inst))
	spoil(s.List()[0])
	if diff := cmp.Diff(example(inst), get(t, s, inst)); diff != "" {
		t.Error(diff)
	}
}

func TestListIsOrderedByName(t *testing.T) {
	s := open(t).store(t)
	for i, name := range []string{"beta", "Alpha", "alpha"} {
		in := example(fmt.Sprintf("%s%d", inst[:25], i))
		in.Name = name
		create(t, s, in)
	}
	var got []string
	for _, in := range s.List() {
		got = append(got, in.Name)
	}
	if diff := cmp.Diff([]string{"Alpha", "alpha", "beta"}, got); diff != "" {
		t.Error(diff)
	}
}

func TestChangeIsAppliedToWhatAnotherProcessStored(t *testing.T) {
	p := open(t)
	one := p.store(t)
	create(t, one, example(inst))
	two := p.store(t)
	if _, err := one.Change(t.Context(), inst, rename("renamed by one")); err != nil {
		t.Fatal(err)
	}
	edits := 0
	got, err := two.Change(t.Context(), inst, func(in *Installation) error {
		edits++
		in.Stopped = true
		return nil
	})
	if err != nil || got.Name != "renamed by one" || !got.Stopped || edits != 2 {
		t.Fatalf("after %d edits: got %+v, %v", edits, got, err)
	}
	if kept := get(t, p.store(t), inst); kept.Name != "renamed by one" || !kept.Stopped {
		t.Fatalf("stored: %+v", kept)
	}
}

func TestConcurrentChangesAreAllKept(t *testing.T) {
	p := open(t)
	stores := []*Store{p.store(t)}
	in := example(inst)
	in.Registrations = nil
	create(t, stores[0], in)
	stores = append(stores, p.store(t))
	const each = 10
	errs := make(chan error)
	for _, s := range stores {
		for i := range each {
			go func() {
				_, err := s.Change(t.Context(), inst, func(in *Installation) error {
					in.Registrations = append(in.Registrations, Registration{ID: int64(i)})
					return nil
				})
				errs <- err
			}()
		}
	}
	for range each * len(stores) {
		if err := <-errs; err != nil {
			t.Error(err)
		}
	}
	if n := len(get(t, p.store(t), inst).Registrations); n != each*len(stores) {
		t.Fatalf("%d of %d changes were kept", n, each*len(stores))
	}
}

func TestRefusedChangeStoresNothing(t *testing.T) {
	p := open(t)
	s := p.store(t)
	create(t, s, example(inst))
	refusal := errors.New("no")
	if _, err := s.Change(t.Context(), inst, func(in *Installation) error {
		in.Name = "changed"
		return refusal
	}); !errors.Is(err, refusal) {
		t.Fatalf("got %v", err)
	}
	if name := get(t, s, inst).Name; name != "Northwind MSP" {
		t.Errorf("the name is %q", name)
	}
	if _, err := s.Change(t.Context(), other, rename("x")); !errors.Is(err, ErrNotFound) {
		t.Errorf("of none: got %v", err)
	}
}

func TestNothingOfAnInstallationLiesReadable(t *testing.T) {
	p := open(t)
	s := p.store(t)
	create(t, s, example(inst))
	if _, err := s.Change(t.Context(), inst, rename("Northwind Renamed")); err != nil {
		t.Fatal(err)
	}
	p.close()
	in := example(inst)
	n := files.Each(t, p.dir, func(path string, b []byte) {
		for _, clear := range []string{
			in.Secrets.Username, in.Secrets.Secret, in.Secrets.TrackingIdentifier, in.Secrets.Token, "webhook-secret", "Northwind", in.ConnectionID,
		} {
			if bytes.Contains(b, []byte(clear)) {
				t.Errorf("%s holds %q", filepath.Base(path), clear)
			}
		}
	})
	if n == 0 {
		t.Fatal("there were no files")
	}
}

func TestErasingCanBeFinishedAfterARestart(t *testing.T) {
	p := open(t)
	s := p.store(t)
	create(t, s, example(inst))
	create(t, s, example(other))
	harness.OK(t, s.Leave(t.Context(), inst))
	harness.OK(t, p.vault(t).Destroy(t.Context(), inst))
	for name, s := range map[string]*Store{"at once": s, "after a restart": p.store(t)} {
		if _, err := s.Get(inst); !errors.Is(err, ErrNotFound) {
			t.Errorf("%s: still found: %v", name, err)
		}
		if diff := cmp.Diff([]string{inst}, s.Leaving()); diff != "" {
			t.Errorf("%s: leaving: %s", name, diff)
		}
		if len(s.List()) != 1 {
			t.Errorf("%s: %d are listed", name, len(s.List()))
		}
	}
	again := p.store(t)
	harness.OK(t, again.Erase(t.Context(), inst))
	if len(again.Leaving()) != 0 || len(p.store(t).Leaving()) != 0 {
		t.Error("it is still leaving")
	}
	if _, err := p.table.Get(t.Context(), inst); !errors.Is(err, kv.ErrNotFound) {
		t.Errorf("it is still stored: %v", err)
	}
}

func TestChangeOfOneThatLeavesMeanwhileFails(t *testing.T) {
	p := open(t)
	one := p.store(t)
	create(t, one, example(inst))
	two := p.store(t)
	harness.OK(t, one.Leave(t.Context(), inst))
	if _, err := two.Change(t.Context(), inst, rename("back again")); !errors.Is(err, ErrNotFound) {
		t.Fatalf("got %v", err)
	}
	harness.OK(t, one.Erase(t.Context(), inst))
	if _, err := p.store(t).Change(t.Context(), inst, rename("back again")); !errors.Is(err, ErrNotFound) {
		t.Fatalf("after the erasure: got %v", err)
	}
}
