package backup

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"strings"

	"github.com/nats-io/nats.go/jetstream"

	"channelsync/events/backup/archive"
	"channelsync/events/kv"
	"channelsync/events/store"
)

// Restored is what came of one part of a backup.
type Restored struct {
	Name     string `json:"name"`
	Messages uint64 `json:"messages"` // stored now
	Of       uint64 `json:"of"`       // how many there were at most when the backup was begun
	Last     uint64 `json:"last"`     // sequence of the last
}

// Archive is a backup that is to be restored.
type Archive struct {
	File     io.Reader
	Manifest archive.Manifest // what archive.Check returned of it
	// Streams are the streams as they must be made, by name. A table that has none, of a
	// build that knows more, is made with all of its revisions.
	Streams map[string]jetstream.StreamConfig
}

// config is how the stream of a part is made. Of the archive's own word only the name counts, so that a file makes no
// stream that copies from, or sends to, anywhere else.
func (a Archive) config(name string) (jetstream.StreamConfig, error) {
	if cfg, known := a.Streams[name]; known {
		return cfg, nil
	}
	table, isTable := strings.CutPrefix(name, "KV_")
	if isTable {
		if cfg, err := kv.StreamConfig(kv.Config{Name: table, Secure: true}); err == nil {
			return cfg, nil
		}
	}
	return jetstream.StreamConfig{}, fmt.Errorf("%w: part %s is no stream of channelsync", archive.ErrDamaged, name)
}

// Restore makes the streams of a backup that archive.Check has passed, in a
// store that has none of them. Progress, which may be nil, receives each. It fails
// when a stream does not end where it did.
func Restore(ctx context.Context, s *store.Store, from Archive, progress func(Restored)) error {
	if err := store.CheckFormat(from.Manifest.Store, from.Manifest.Version); err != nil {
		return err
	}
	err := archive.Read(from.File, from.Manifest, func(p archive.Part, content io.Reader) error {
		taken := snapshot{}
		if err := json.Unmarshal(p.State, &taken.State); err != nil {
			return fmt.Errorf("read state of %s: %w", p.Name, err)
		}
		var err error
		if taken.Config, err = from.config(p.Name); err != nil {
			return err
		}
		taken.Config.Replicas = s.Config().Replicas
		state, err := restoreStream(ctx, s, taken, content)
		if err != nil {
			return err
		}
		done, err := compared(taken, state)
		if err == nil && progress != nil {
			progress(done)
		}
		return err
	})
	if err != nil {
		return fmt.Errorf("restore: %w", err)
	}
	return nil
}

// compared fails when a restored stream cannot be what was taken.
func compared(taken snapshot, state jetstream.StreamState) (Restored, error) {
	done := Restored{Name: taken.Config.Name, Messages: state.Msgs, Of: taken.State.Msgs, Last: state.LastSeq}
	// Fewer messages are right: a snapshot leaves out those that were replaced meanwhile, and
	// delete markers that have expired.
	if state.LastSeq != taken.State.LastSeq || state.Msgs > taken.State.Msgs {
		return done, fmt.Errorf("compare stream %s: got %d messages up to sequence %d, want %d up to %d",
			done.Name, state.Msgs, state.LastSeq, taken.State.Msgs, taken.State.LastSeq)
	}
	return done, nil
}
