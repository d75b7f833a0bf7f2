package offline

import (
	"context"
	"fmt"

	"go.uber.org/zap"

	"channelsync/cmd/channelsync/app"
	"channelsync/cmd/channelsync/config"
	"channelsync/events/backup"
	"channelsync/events/store"
)

// Migrate is an embedded store and the cluster that it moves to.
type Migrate struct {
	Config   config.Config // the data directory and everything about the cluster
	Log      *zap.Logger
	Progress func(backup.Restored) // called after each stream; may be nil
}

// Run copies the store, records that it has moved and returns what was copied. It needs no
// key: what is sealed stays so.
func (m Migrate) Run(ctx context.Context) ([]backup.Restored, error) {
	if _, err := store.Inspect(m.Config.DataDir); err != nil {
		return nil, fmt.Errorf("--data-dir: %w", err)
	}
	to := app.StoreConfig(m.Config)
	to.Log = m.Log
	var copied []backup.Restored
	err := backup.Migrate(ctx, store.Config{DataDir: m.Config.DataDir, Log: m.Log}, to, func(done backup.Restored) {
		copied = append(copied, done)
		if m.Progress != nil {
			m.Progress(done)
		}
	})
	return copied, err
}
