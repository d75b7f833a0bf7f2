// Package e2e proves the product's main job from the outside: the real service
// with the settings a user would give, between the two simulated vendors (see
// harness), held against an oracle that shares no line with it. It looks at nothing
// inside but the journal, and that only after a crash.
package e2e

import (
	"fmt"
	"testing"
	"time"

	v1 "channelsync/api/v1"
	"channelsync/test/harness"
	"channelsync/test/harness/service"
	cpsim "channelsync/test/sim/channelprogram/sim"
)

// TestMain lets many tests wait at once: most of what they do is waiting.
func TestMain(m *testing.M) {
	harness.Parallel(8)
	harness.Main(m)
}

// soon is how long anything may take that a user would call immediate; generous,
// since tests share their machine, but less than the first retry waits, a minute.
const soon = 45 * time.Second

// emails wants exactly a client's e-mail addresses, in order.
func emails(want ...string) func(cpsim.ClientInput) bool {
	return func(c cpsim.ClientInput) bool {
		got := make([]string, len(c.Emails))
		for i, e := range c.Emails {
			got[i] = e.Value
		}
		return fmt.Sprint(got) == fmt.Sprint(want)
	}
}

// hasIssue waits until an installation names an issue, and returns how it stands then.
func hasIssue(w *service.Harness, installation, code string) v1.Installation {
	w.T.Helper()
	return w.Until(installation, "has the issue "+code, soon, func(in v1.Installation) bool {
		_, ok := service.IssueOf(in, code)
		return ok
	})
}
