package events

import (
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	js "channelsync/events/internal/jetstream"
	"channelsync/test/harness"
)

func TestDeadLetters(t *testing.T) {
	t.Parallel()
	b := open(t)
	d, ctx := b.DeadLetters(), t.Context()
	at := time.Date(2026, 11, 23, 10, 0, 0, 0, time.UTC)
	deadLetter := func(i int) DeadLetter {
		return DeadLetter{
			ID: fmt.Sprintf("company-%d", i), Installation: inst, Kind: "company", RecordID: fmt.Sprint(i),
			Code: "too_many_attempts", Attempts: 8, FirstAt: at, LastAt: at.Add(time.Hour), Sealed: []byte{0, 1, 255},
		}
	}
	for i := range 7 {
		if _, err := d.Put(ctx, deadLetter(i)); err != nil {
			t.Fatal(err)
		}
	}
	again := deadLetter(2)
	again.Attempts = 9
	if _, err := d.Put(ctx, again); err != nil {
		t.Fatal(err)
	}
	foreign := deadLetter(1)
	foreign.Installation, foreign.ID = other, "callback-01HZX_a"
	if _, err := d.Put(ctx, foreign); err != nil {
		t.Fatal(err)
	}
	got, err := d.Get(ctx, inst, "company-2")
	harness.OK(t, err)
	again.Sequence, again.Size = got.Sequence, got.Size
	if diff := cmp.Diff(again, got); diff != "" {
		t.Error(diff)
	}
	if n, err := d.Count(ctx, inst); err != nil || n != 7 {
		t.Errorf("count %d, %v", n, err)
	}
	if n, err := d.Total(ctx); err != nil || n != 8 {
		t.Errorf("of all %d, %v", n, err)
	}
	var ids []string
	pages := 0
	for cursor, more := "", true; more; pages++ {
		page, next, err := d.List(ctx, inst, cursor, 3)
		harness.OK(t, err)
		for _, l := range page {
			ids = append(ids, l.RecordID)
		}
		cursor, more = next, next != ""
	}
	if s := strings.Join(ids, ""); s != "0134562" || pages != 3 {
		t.Errorf("listed %s on %d pages", s, pages)
	}
	put, err := d.Put(ctx, again) // it failed once more since it was read
	harness.OK(t, err)
	harness.OK(t, d.DeleteRead(ctx, got))
	newer, err := d.Get(ctx, inst, "company-2")
	if diff := cmp.Diff(newer, put); diff != "" {
		t.Errorf("what was put is not what was read: %s", diff)
	}
	if err != nil || newer.Sequence <= got.Sequence {
		t.Errorf("a dead letter put since then: %+v, %v", newer, err)
	}
	harness.OK(t, d.DeleteRead(ctx, newer))
	if _, err := d.Get(ctx, inst, "company-2"); !errors.Is(err, js.ErrNotFound) {
		t.Errorf("deleted as read: %v", err)
	}
	if _, err := d.Put(ctx, again); err != nil {
		t.Fatal(err)
	}
	harness.OK(t, d.Delete(ctx, inst, "company-2"))
	if _, err := d.Get(ctx, inst, "company-2"); !errors.Is(err, js.ErrNotFound) {
		t.Errorf("deleted: %v", err)
	}
	if err := d.Delete(ctx, inst, "company-2"); err != nil {
		t.Error(err)
	}
	harness.OK(t, d.PurgeInstallation(ctx, inst))
	if page, next, err := d.List(ctx, inst, "", 10); err != nil || len(page) != 0 || next != "" {
		t.Errorf("%v, %q, %v", page, next, err)
	}
	if n, err := d.Count(ctx, other); err != nil || n != 1 {
		t.Errorf("the other one's: %d, %v", n, err)
	}
}

func TestDeadLettersRefuse(t *testing.T) {
	t.Parallel()
	d := open(t).DeadLetters()
	ctx := t.Context()
	for _, id := range []string{"", "a.b", "a>", strings.Repeat("x", 65)} {
		if _, err := d.Put(ctx, DeadLetter{ID: id, Installation: inst}); !errors.Is(err, js.ErrBadName) {
			t.Errorf("put %q: %v", id, err)
		}
	}
	if _, _, err := d.List(ctx, inst, "x", 10); !errors.Is(err, js.ErrBadName) {
		t.Errorf("cursor: %v", err)
	}
	if _, _, err := d.List(ctx, inst, "", 501); err == nil {
		t.Error("limit of 501 taken")
	}
	if _, err := d.Put(ctx, DeadLetter{ID: "a", Installation: inst, Sealed: make([]byte, sealedMax+1)}); err == nil {
		t.Error("too much sealed")
	}
	if _, err := d.Put(ctx, DeadLetter{ID: "a", Installation: inst, Sealed: make([]byte, sealedMax)}); err != nil {
		t.Errorf("the most that fits: %v", err)
	}
}

// TestAForeignDeadLetterHidesNoOther: what somebody else writes there is left out.
func TestAForeignDeadLetterHidesNoOther(t *testing.T) {
	t.Parallel()
	b := open(t)
	d, ctx := b.DeadLetters(), t.Context()
	if _, err := b.JS.Publish(ctx, "dead."+inst+".junk", []byte("junk")); err != nil {
		t.Fatal(err)
	}
	if _, err := d.Put(ctx, DeadLetter{ID: "company-1", Installation: inst, Kind: "company", RecordID: "1", Code: "rejected"}); err != nil {
		t.Fatal(err)
	}
	page, _, err := d.List(ctx, inst, "", 10)
	if err != nil || len(page) != 1 || page[0].ID != "company-1" {
		t.Errorf("listed %+v, %v", page, err)
	}
}
