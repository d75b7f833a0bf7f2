package events

import (
	"testing"

	"github.com/nats-io/nats.go/jetstream"

	"channelsync/events/store"
)

// TestReplicatedJournalIsPlain: a replica that cuts its copy back while a block is being compressed cannot read it any
// more (decision 017). A journal that was made compressed is changed when it is opened.
func TestReplicatedJournalIsPlain(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		replicas int
		want     jetstream.StoreCompression
	}{{1, jetstream.S2Compression}, {3, jetstream.NoCompression}, {5, jetstream.NoCompression}} {
		if got := journalConfig(store.Config{Replicas: c.replicas}); got.Compression != c.want {
			t.Errorf("%d replicas: compression %v, want %v", c.replicas, got.Compression, c.want)
		}
	}
}
