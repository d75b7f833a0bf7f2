package events

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"strconv"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"channelsync/events/store"
	"channelsync/test/harness"
)

const childEnv = "EVENTS_TEST_CHILD"

// child opens the store and publishes until it is killed, telling on standard
// output what was acknowledged.
func child(dir string) {
	ctx := context.Background()
	b, err := Open(ctx, store.Config{DataDir: dir})
	if err != nil {
		fmt.Println("error", err)
		os.Exit(1)
	}
	go func() { _ = b.Dispatch(ctx) }()
	first, _ := strconv.ParseInt(os.Getenv(childEnv+"_FIRST"), 10, 64)
	var next atomic.Int64
	next.Store(first)
	var out sync.Mutex
	for range 63 {
		go publishForever(ctx, b, &next, &out)
	}
	publishForever(ctx, b, &next, &out)
}

func publishForever(ctx context.Context, b *Bus, next *atomic.Int64, out *sync.Mutex) {
	for {
		id := next.Add(1)
		if _, err := b.Journal().Publish(ctx, change(id), fmt.Sprintf("m%d", id)); err != nil {
			continue
		}
		out.Lock()
		fmt.Println("ack", id)
		out.Unlock()
	}
}

// TestKillLosesNothing kills a process with SIGKILL under load, more than once,
// and looks for every change that was acknowledged to it.
func TestKillLosesNothing(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	acked := make(map[int64]bool)
	var top int64
	for round := range 3 {
		for _, id := range killedUnderLoad(t, dir, top, 1500) {
			acked[id] = true
			top = max(top, id)
		}
		if len(acked) < (round+1)*1500 {
			t.Fatalf("round %d: %d acknowledged in all", round, len(acked))
		}
		top += 1000 // past whatever was in flight
	}
	b := open(t, func(c *store.Config) { c.DataDir = dir })
	stored := journalIDs(t, b)
	for id := range acked {
		if stored[id] == 0 {
			t.Errorf("change %d was acknowledged and is lost", id)
		}
	}
	for id := range acked { // the ids are remembered too: a repeat is a duplicate
		if r := publish(t, b, change(id), fmt.Sprintf("m%d", id)); !r.Duplicate {
			t.Errorf("repeat of %d was stored again", id)
		}
		break
	}
	dispatch(t, b)
	// Sooner than AckWait: what the dead process had been handed comes at once.
	harness.Until(t, "every change dispatched", 20*time.Second, func() bool {
		d, err := b.Worklist().Depth(t.Context(), inst)
		harness.OK(t, err)
		return d.Live == len(stored)
	})
}

// killedUnderLoad returns what a child process acknowledged before it was killed.
func killedUnderLoad(t *testing.T, dir string, first int64, enough int) []int64 {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), os.Args[0], "-test.run=^$")
	cmd.Env = append(os.Environ(), childEnv+"="+dir, fmt.Sprintf("%s_FIRST=%d", childEnv, first))
	out, err := cmd.StdoutPipe()
	harness.OK(t, err)
	cmd.Stderr = os.Stderr
	harness.OK(t, cmd.Start())
	var acked []int64
	lines := bufio.NewScanner(out)
	for lines.Scan() {
		var id int64
		if _, err := fmt.Sscanf(lines.Text(), "ack %d", &id); err != nil {
			t.Errorf("child: %s", lines.Text())
			continue
		}
		acked = append(acked, id)
		if len(acked) == enough {
			harness.OK(t, cmd.Process.Kill())
		}
	}
	var exit *exec.ExitError
	if err := cmd.Wait(); !errors.As(err, &exit) {
		t.Fatalf("child ended by itself: %v", err)
	}
	return acked
}
