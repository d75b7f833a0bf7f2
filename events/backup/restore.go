package backup

import (
	"context"
	"encoding/json"
	"fmt"
	"io"

	"github.com/nats-io/nats.go/jetstream"

	"channelsync/events/backup/archive"
	"channelsync/events/store"
)

// Restored is what came of one part of a backup.
type Restored struct {
	Name     string `json:"name"`
	Messages uint64 `json:"messages"` // stored now
	Of       uint64 `json:"of"`       // how many there were at most when the backup was begun
	Last     uint64 `json:"last"`     // sequence of the last
}

// Restore makes the streams of a backup that archive.Check has passed, in a
// store that has none of them. Told, which may be nil, hears of each. It fails
// when a stream does not end where it did.
func Restore(ctx context.Context, s *store.Store, from io.Reader, m archive.Manifest, told func(Restored)) error {
	if err := store.CheckFormat(m.Store, m.Version); err != nil {
		return err
	}
	err := archive.Read(from, m, func(p archive.Part, content io.Reader) error {
		taken := snapshot{}
		if err := json.Unmarshal(p.Config, &taken.Config); err != nil {
			return fmt.Errorf("read config of %s: %w", p.Name, err)
		}
		if err := json.Unmarshal(p.State, &taken.State); err != nil {
			return fmt.Errorf("read state of %s: %w", p.Name, err)
		}
		if taken.Config.Name != p.Name || !store.IsOurs(taken.Config) {
			return fmt.Errorf("%w: part %s is no stream of channelsync", archive.ErrDamaged, p.Name)
		}
		taken.Config.Replicas = s.Config().Replicas
		taken.Config.Metadata, taken.Config.Placement = ownMetadata(taken.Config.Metadata), nil
		state, err := restoreStream(ctx, s, taken, content)
		if err != nil {
			return err
		}
		done, err := compared(taken, state)
		if err == nil && told != nil {
			told(done)
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
	// Fewer is right: what was replaced meanwhile is not in a snapshot, and marks of
	// deletions whose time is over are left out.
	if state.LastSeq != taken.State.LastSeq || state.Msgs > taken.State.Msgs {
		return done, fmt.Errorf("compare stream %s: got %d messages up to sequence %d, want %d up to %d",
			done.Name, state.Msgs, state.LastSeq, taken.State.Msgs, taken.State.LastSeq)
	}
	return done, nil
}
