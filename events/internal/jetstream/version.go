package jetstream

import (
	"context"
	"fmt"
	"strconv"
	"strings"
)

// The oldest server that will do: 2.15 flushes atomic batches as one and fixed a
// row of skipped fsyncs; API level 4 has batches, schedules and batched reads.
var minVersion = [3]int{2, 15, 0}

const minAPILevel = 4

// checkVersion refuses a server that is too old to be relied on.
func checkVersion(version string, apiLevel int) error {
	got, err := parseVersion(version)
	if err != nil {
		return err
	}
	for i, want := range minVersion {
		if got[i] > want {
			break
		}
		if got[i] < want {
			return fmt.Errorf("nats server %s is too old: channelsync needs 2.15.0 or newer "+
				"(older ones skip or multiply flushes)", version)
		}
	}
	if apiLevel < minAPILevel {
		return fmt.Errorf("nats server %s is too old: its JetStream API level is %d, channelsync needs %d or newer "+
			"(batches and schedules come with it)", version, apiLevel, minAPILevel)
	}
	return nil
}

// parseVersion reads "2.15.2" and "v2.15.0-RC.1"; what follows the patch number is ignored.
func parseVersion(s string) ([3]int, error) {
	var v [3]int
	core, _, _ := strings.Cut(strings.TrimPrefix(s, "v"), "-")
	core, _, _ = strings.Cut(core, "+")
	parts := strings.Split(core, ".")
	if len(parts) != 3 {
		return v, fmt.Errorf("read nats server version %q: want major.minor.patch", s)
	}
	for i, p := range parts {
		n, err := strconv.ParseUint(p, 10, 31)
		if err != nil {
			return v, fmt.Errorf("read nats server version %q: want major.minor.patch", s)
		}
		v[i] = int(n)
	}
	return v, nil
}

func (l *Link) CheckServer(ctx context.Context) error {
	return l.Call(ctx, "ask the account", func(ctx context.Context) error {
		info, err := l.JS.AccountInfo(ctx)
		if err != nil {
			return err
		}
		return checkVersion(l.NC.ConnectedServerVersion(), info.API.Level)
	})
}
