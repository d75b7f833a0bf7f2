package deadletter

import (
	"bytes"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	v1 "channelsync/api/v1"
	"channelsync/events"
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

// box is one on a real stream, whose clock goes a minute on with each look.
func box(t *testing.T) (*Box, *events.Bus, *seal.Vault) {
	t.Helper()
	bus := stores.Open(t)
	vault := vaults.Open(t, stores.Table(t, bus, "keys"))
	now := at
	return New(bus.DeadLetters(), vault, func() time.Time {
		now = now.Add(time.Minute)
		return now
	}), bus, vault
}

func record(id int64) v1.DeadLetter {
	return v1.DeadLetter{
		ID: RecordID(v1.KindCompany, id), Kind: string(v1.KindCompany), RecordID: fmt.Sprint(id), Code: "rejected",
		Detail: "Northwind Dental: name is too long", Attempts: 8, FirstAt: at, LastAt: at.Add(time.Hour),
	}
}

func put(t *testing.T, b *Box, id int64) {
	t.Helper()
	harness.OK(t, b.PutRecord(t.Context(), inst, record(id)))
}

func list(t *testing.T, b *Box, installation string) []v1.DeadLetter {
	t.Helper()
	page, err := b.List(t.Context(), installation, "", 500)
	if err != nil || page.NextCursor != nil {
		t.Fatalf("list: %+v, %v", page, err)
	}
	return page.Items
}

func TestDeadLetterComesBackAsItWas(t *testing.T) {
	b, _, _ := box(t)
	put(t, b, 174)
	got, err := b.Get(t.Context(), inst, "company-174")
	harness.OK(t, err)
	if diff := cmp.Diff(record(174), got); diff != "" {
		t.Error(diff)
	}
	if _, err := b.Get(t.Context(), inst, "company-175"); !errors.Is(err, events.ErrNotFound) {
		t.Errorf("of none: got %v", err)
	}
	if _, err := b.Get(t.Context(), other, "company-174"); !errors.Is(err, events.ErrNotFound) {
		t.Errorf("of another installation: got %v", err)
	}
}

func TestWhatDeadLettersSayLiesSealed(t *testing.T) {
	b, bus, vault := box(t)
	put(t, b, 174)
	harness.OK(t, b.Keep(t.Context(), inst, []byte(`{"CompanyName":"Northwind Dental"`), errors.New("not JSON")))
	found, _, err := bus.DeadLetters().List(t.Context(), inst, "", 10)
	if err != nil || len(found) != 2 {
		t.Fatalf("got %d, %v", len(found), err)
	}
	for _, d := range found {
		if shown := fmt.Sprintf("%+v", d); strings.Contains(shown, "Northwind") || bytes.Contains(d.Sealed, []byte("Northwind")) {
			t.Errorf("%s lies readable", d.ID)
		}
	}
	harness.OK(t, vault.Destroy(t.Context(), inst))
	if _, err := b.Get(t.Context(), inst, "company-174"); !errors.Is(err, seal.ErrWrongKey) {
		t.Errorf("after the key was destroyed: got %v", err)
	}
}

func TestSealedWordsBelongToTheirLetter(t *testing.T) {
	b, bus, _ := box(t)
	put(t, b, 174)
	d, err := bus.DeadLetters().Get(t.Context(), inst, "company-174")
	harness.OK(t, err)
	d.ID = "company-175"
	if _, err := bus.DeadLetters().Put(t.Context(), d); err != nil {
		t.Fatal(err)
	}
	if all := list(t, b, inst); len(all) != 2 || all[0].Detail != record(174).Detail || all[1].Detail == record(174).Detail {
		t.Errorf("listed are %+v", all)
	}
	if _, err := b.Get(t.Context(), inst, "company-175"); !errors.Is(err, seal.ErrWrongKey) {
		t.Errorf("got %v", err)
	}
}

func TestSameBodyIsOneLetterWithTwoAttempts(t *testing.T) {
	b, _, _ := box(t)
	body := []byte("not an envelope \x00\xff")
	for range 2 {
		harness.OK(t, b.Keep(t.Context(), inst, body, errors.New("not JSON")))
	}
	harness.OK(t, b.Keep(t.Context(), inst, []byte("another"), errors.New("not JSON")))
	all := list(t, b, inst)
	if len(all) != 2 {
		t.Fatalf("got %d letters", len(all))
	}
	want := v1.DeadLetter{
		ID: all[0].ID, Kind: KindCallback, Code: "callback_unreadable", Detail: "not JSON", Attempts: 2,
		FirstAt: at.Add(time.Minute), LastAt: all[0].LastAt, Raw: string(body),
	}
	if !all[0].LastAt.After(want.FirstAt) {
		t.Errorf("the last attempt is at %s", all[0].LastAt)
	}
	if diff := cmp.Diff(want, all[0]); diff != "" {
		t.Error(diff)
	}
}

func TestLargestBodyIsKeptWhateverItsBytes(t *testing.T) {
	b, _, _ := box(t)
	body := bytes.Repeat([]byte{0, '"', 0xff, '\\'}, 4<<10) // 16 KiB, the most that is kept
	harness.OK(t, b.Keep(t.Context(), inst, body, errors.New("not JSON")))
	if got := list(t, b, inst); len(got) != 1 || got[0].Raw != string(body) {
		t.Fatal("the body did not come back as it was")
	}
}

func TestListPages(t *testing.T) {
	b, _, _ := box(t)
	const n = 25
	for id := range n {
		put(t, b, int64(id))
	}
	seen := map[string]int{}
	cursor := ""
	for {
		page, err := b.List(t.Context(), inst, cursor, 10)
		harness.OK(t, err)
		for _, d := range page.Items {
			seen[d.RecordID]++
		}
		if page.NextCursor == nil {
			break
		}
		cursor = *page.NextCursor
	}
	if len(seen) != n {
		t.Fatalf("%d of %d were listed", len(seen), n)
	}
	for id, times := range seen {
		if times != 1 {
			t.Errorf("%s was listed %d times", id, times)
		}
	}
}

func TestDropAndPurge(t *testing.T) {
	b, _, _ := box(t)
	put(t, b, 1)
	put(t, b, 2)
	harness.OK(t, b.PutRecord(t.Context(), other, record(1)))
	for range 2 { // what is gone may be dropped again
		harness.OK(t, b.Drop(t.Context(), inst, RecordID(v1.KindCompany, 1)))
	}
	if got := list(t, b, inst); len(got) != 1 || got[0].RecordID != "2" {
		t.Errorf("after the drop: %+v", got)
	}
	harness.OK(t, b.Purge(t.Context(), inst))
	if got := list(t, b, inst); len(got) != 0 {
		t.Errorf("after the purge: %+v", got)
	}
	if got := list(t, b, other); len(got) != 1 {
		t.Errorf("the other installation has %+v", got)
	}
}
