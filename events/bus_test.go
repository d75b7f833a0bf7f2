package events

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"channelsync/events/kv"
	"channelsync/events/store"
	"channelsync/test/harness"
)

func TestRestartKeepsAll(t *testing.T) {
	t.Parallel()
	here := kept(t)
	b := open(t, here)
	publish(t, b, change(1), "m1")
	harness.OK(t, b.Worklist().Enqueue(t.Context(), []DueEntry{dueEntry(2)}))
	if _, err := b.DeadLetters().Put(t.Context(), DeadLetter{ID: "company-3", Installation: inst}); err != nil {
		t.Fatal(err)
	}
	if _, err := opened(t, b, kv.Config{Name: "t"}).Put(t.Context(), "k", []byte("v")); err != nil {
		t.Fatal(err)
	}
	shut(t, b)

	b = open(t, here)
	if !publish(t, b, change(1), "m1").Duplicate {
		t.Error("forgot the message id")
	}
	if got := idsOf(peek(t, b, LaneLive)); len(got) != 1 || got[0] != 2 {
		t.Errorf("due %v", got)
	}
	if _, err := b.DeadLetters().Get(t.Context(), inst, "company-3"); err != nil {
		t.Error(err)
	}
	if e, err := opened(t, b, kv.Config{Name: "t"}).Get(t.Context(), "k"); err != nil || string(e.Value) != "v" {
		t.Errorf("%+v, %v", e, err)
	}
}

func TestLostStreamIsNotCreatedAnew(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	b := open(t, func(c *store.Config) { c.DataDir = dir })
	publish(t, b, change(1), "")
	shut(t, b)
	meta := filepath.Join(dir, "nats", "jetstream", "$G", "streams", store.JournalStream, "meta.inf")
	harness.OK(t, os.WriteFile(meta, []byte("broken"), 0o600))
	_, err := Open(t.Context(), store.Config{DataDir: dir})
	if err == nil || !strings.Contains(err.Error(), "could not recover") {
		t.Errorf("got %v", err)
	}
	if _, err := os.Stat(filepath.Dir(meta)); err != nil {
		t.Errorf("what is left of it is gone: %v", err)
	}
}
