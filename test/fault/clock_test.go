//go:build linux

package fault

import (
	"fmt"
	"sync/atomic"
	"testing"
	"time"

	"channelsync/test/harness/service"
)

// clock is the service's, which can be set.
type clock struct{ ahead atomic.Int64 }

func (c *clock) now() time.Time      { return time.Now().Add(time.Duration(c.ahead.Load())) }
func (c *clock) set(d time.Duration) { c.ahead.Store(int64(d)) }

// clockFaults set the clock of the service: the vendors' and the store's go on.
func clockFaults() []fault {
	var all []fault
	for _, jump := range []struct {
		name  string
		steps []time.Duration
	}{
		{"clock set back", []time.Duration{-3 * time.Hour}},
		{"clock set forward and back", []time.Duration{26 * time.Hour, 0}},
	} {
		c := &clock{}
		all = append(all, fault{
			name:    jump.name,
			options: func(_ *testing.T, o *service.Options) { o.Now = c.now },
			strike: func(tr *trial) string {
				for _, step := range jump.steps {
					c.set(step)
					tr.hold(during(2*time.Second, 10*time.Second))
					tr.acknowledged("after the jump", 10)
				}
				tr.over()
				return fmt.Sprintf("by %v from the true time", jump.steps)
			},
		})
	}
	return all
}
