package offline

import (
	"context"
	"fmt"

	"go.uber.org/zap"

	"channelsync/cmd/channelsync/app"
	"channelsync/cmd/channelsync/config"
	"channelsync/events"
)

// Migrate is an embedded store and the cluster that it moves to.
type Migrate struct {
	Config config.Config // the data directory and everything about the cluster
	Log    *zap.Logger
	Told   func(events.Restored) // hears of each stream; may be nil
}

// Run copies the store, marks it as moved and returns what was copied. It needs no
// key: what is sealed stays so.
func (m Migrate) Run(ctx context.Context) ([]events.Restored, error) {
	if _, err := events.Inspect(m.Config.DataDir); err != nil {
		return nil, fmt.Errorf("--data-dir: %w", err)
	}
	to := app.StoreConfig(m.Config)
	to.Log = m.Log
	var copied []events.Restored
	err := events.Migrate(ctx, events.Config{DataDir: m.Config.DataDir, Log: m.Log}, to, func(done events.Restored) {
		copied = append(copied, done)
		if m.Told != nil {
			m.Told(done)
		}
	})
	return copied, err
}
