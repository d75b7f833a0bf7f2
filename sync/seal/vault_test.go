package seal

import (
	"context"
	"errors"
	"strings"
	"testing"

	"channelsync/events/kv"
	"channelsync/test/harness"
)

func vault(t *testing.T, master *Ring, keys Keys) *Vault {
	t.Helper()
	v, err := OpenVault(t.Context(), master, keys)
	harness.OK(t, err)
	return v
}

func ring(t *testing.T, v *Vault, installation string) *Ring {
	t.Helper()
	r, err := v.Ring(t.Context(), installation)
	harness.OK(t, err)
	return r
}

func TestKeysOutliveTheProcess(t *testing.T) {
	keys := keysTable(t)
	sealed := ring(t, vault(t, ringOf(t, 1), keys), inst).Seal("a", []byte("secret"))
	plain, err := ring(t, vault(t, ringOf(t, 1), keys), inst).Open("a", sealed)
	if err != nil || string(plain) != "secret" {
		t.Fatalf("after a restart: got %q, %v", plain, err)
	}
}

func TestInstallationsDoNotShareAKey(t *testing.T) {
	v := vault(t, ringOf(t, 1), keysTable(t))
	sealed := ring(t, v, "one").Seal("a", []byte("secret"))
	if _, err := ring(t, v, "two").Open("a", sealed); !errors.Is(err, ErrWrongKey) {
		t.Fatalf("got %v", err)
	}
}

func TestTwoProcessesAgreeOnAKey(t *testing.T) {
	keys := keysTable(t)
	one, two := vault(t, ringOf(t, 1), keys), vault(t, ringOf(t, 1), keys)
	sealed := ring(t, one, inst).Seal("a", []byte("secret"))
	if _, err := ring(t, two, inst).Open("a", sealed); err != nil {
		t.Fatal(err)
	}
}

// raceKeys lets somebody else store a key after we found none.
type raceKeys struct {
	Keys
	before func()
}

func (r *raceKeys) GetOrCreate(ctx context.Context, key string, value func() []byte) (kv.Entry, error) {
	return r.Keys.GetOrCreate(ctx, key, func() []byte {
		if r.before != nil {
			r.before()
			r.before = nil
		}
		return value()
	})
}

func TestKeyOfAnotherProcessThatWasFirstIsTaken(t *testing.T) {
	table := keysTable(t)
	first := vault(t, ringOf(t, 1), table)
	race := &raceKeys{Keys: table}
	second := vault(t, ringOf(t, 1), race)
	var sealed []byte
	race.before = func() { sealed = ring(t, first, inst).Seal("a", []byte("secret")) }
	if _, err := ring(t, second, inst).Open("a", sealed); err != nil {
		t.Fatal(err)
	}
}

func TestWrongMasterIsRefusedBeforeAnything(t *testing.T) {
	keys := keysTable(t)
	ring(t, vault(t, ringOf(t, 1), keys), inst)
	before := entries(t, keys)
	_, err := OpenVault(t.Context(), ringOf(t, 2), keys)
	if err == nil || !strings.Contains(err.Error(), "--master-key") {
		t.Fatalf("got %v", err)
	}
	for key, e := range entries(t, keys) {
		if before[key].Revision != e.Revision {
			t.Errorf("%s was written", key)
		}
	}
}

func TestRotatedMasterCanLeaveTheRing(t *testing.T) {
	keys := keysTable(t)
	sealed := ring(t, vault(t, ringOf(t, 1), keys), inst).Seal("a", []byte("secret"))
	both := vault(t, ringOf(t, 2, 1), keys)
	if _, err := ring(t, both, inst).Open("a", sealed); err != nil {
		t.Fatalf("with both keys: %v", err)
	}
	if _, err := ring(t, vault(t, ringOf(t, 2), keys), inst).Open("a", sealed); err != nil {
		t.Fatalf("with the new key alone: %v", err)
	}
	if _, err := OpenVault(t.Context(), ringOf(t, 1), keys); err == nil {
		t.Fatal("the old key still opens the store")
	}
}

func TestDestroyMakesDataUnreadable(t *testing.T) {
	keys := keysTable(t)
	v := vault(t, ringOf(t, 1), keys)
	sealed, others := ring(t, v, inst).Seal("a", []byte("secret")), ring(t, v, "other").Seal("a", []byte("other"))
	for range 2 { // it may be repeated
		harness.OK(t, v.Destroy(t.Context(), inst))
	}
	if _, err := keys.Get(t.Context(), inst); !errors.Is(err, kv.ErrNotFound) {
		t.Fatalf("the key is still stored: %v", err)
	}
	for name, again := range map[string]*Vault{"at once": v, "after a restart": vault(t, ringOf(t, 1), keys)} {
		if _, err := ring(t, again, inst).Open("a", sealed); !errors.Is(err, ErrWrongKey) {
			t.Errorf("%s: got %v", name, err)
		}
		if _, err := ring(t, again, "other").Open("a", others); err != nil {
			t.Errorf("%s: the other installation: %v", name, err)
		}
	}
}

func entries(t *testing.T, keys *kv.Table) map[string]kv.Entry {
	t.Helper()
	all := map[string]kv.Entry{}
	if err := keys.Each(t.Context(), "", func(e kv.Entry) error {
		all[e.Key] = e
		return nil
	}); err != nil {
		t.Fatal(err)
	}
	return all
}
