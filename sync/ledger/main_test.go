package ledger

import (
	"context"
	"testing"
	"time"

	v1 "channelsync/api/v1"
	"channelsync/events/kv"
	"channelsync/sync/seal"
	"channelsync/test/harness"
	"channelsync/test/harness/stores"
	"channelsync/test/harness/vaults"
)

func TestMain(m *testing.M) { harness.Main(m) }

const (
	inst  = "01hzx3q8r9k2m4n6p8s0t2v4w6"
	other = "01hzx3q8r9k2m4n6p8s0t2v4w7"
)

var at = time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)

// place is a real store with the tables that the ledger needs.
type place struct {
	table *kv.Table
	vault *seal.Vault
}

func open(t testing.TB) *place {
	t.Helper()
	b := stores.Open(t)
	return &place{table: stores.Table(t, b, "ledger"), vault: vaults.Open(t, stores.Table(t, b, "keys"))}
}

// ledger is one that knows nothing but what is stored, as after a restart.
func (p *place) ledger() *Ledger { return New(p.table, p.vault) }

func write(t testing.TB, l *Ledger, entries ...*Entry) {
	t.Helper()
	if err := l.Write(context.Background(), inst, entries); err != nil {
		t.Fatal(err)
	}
}

func company(id int64, name string, o v1.Outcome) *Entry {
	return &Entry{Kind: v1.KindCompany, ID: id, Name: name, Outcome: o, InScope: o == v1.OutcomePushed, ReconciledAt: at}
}

func must[T any](t testing.TB) func(T, error) T {
	return func(v T, err error) T {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
		return v
	}
}
