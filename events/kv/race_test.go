package kv

import (
	"fmt"
	"testing"

	"golang.org/x/sync/errgroup"

	"channelsync/test/harness"
)

// Two writers of one key both overwrite what they replaced; the second finds it gone.
func TestWritersOfOneKeyOfASecureTableOverwriteTheSameRevision(t *testing.T) {
	bus := link(t)
	tab, err := Open(t.Context(), bus, Config{Name: "raced", History: 1, Secure: true})
	harness.OK(t, err)
	for round := range 20 {
		g, ctx := errgroup.WithContext(t.Context())
		for writer := range 4 {
			g.Go(func() error {
				_, err := tab.Put(ctx, "key", fmt.Appendf(nil, "round %d writer %d", round, writer))
				return err
			})
		}
		if err := g.Wait(); err != nil {
			t.Fatalf("round %d: %v", round, err)
		}
	}
}
