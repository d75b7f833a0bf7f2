// Package e2e proves the product's main job from the outside: the real service
// with the settings a user would give, between the two simulated vendors (see
// harness), held against an oracle that shares no line with it. It looks at nothing
// inside but the journal, and that only after a crash.
package e2e

import (
	"fmt"
	"strconv"
	"testing"
	"time"

	v1 "channelsync/api/v1"
	"channelsync/test/harness"
	"channelsync/test/harness/service"
	atsim "channelsync/test/sim/autotask/sim"
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

// company puts an active customer and returns its id.
func company(w *service.Harness, name string) int64 {
	return w.Autotask.Put("Companies", atsim.Row{
		"companyName": name, "companyType": 1, "isActive": true, "phone": "518-555-0100",
	})
}

// contact puts an active contact of a company and returns its id.
func contact(w *service.Harness, company int64, email string) int64 {
	return w.Autotask.Put("Contacts", atsim.Row{
		"companyID": company, "firstName": "Ann", "lastName": "Lee", "emailAddress": email, "isActive": 1,
	})
}

// edit changes a row at Autotask as a person would.
func edit(w *service.Harness, entity string, id int64, fields atsim.Row) {
	w.T.Helper()
	if err := w.Autotask.Edit(entity, id, fields); err != nil {
		w.T.Fatal(err)
	}
}

// named wants a client's name.
func named(name string) func(cpsim.ClientInput) bool {
	return func(c cpsim.ClientInput) bool { return c.Name == name }
}

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

// issueOf finds the issue of a code.
func issueOf(in v1.Installation, code string) (v1.Issue, bool) {
	for _, i := range in.Issues {
		if i.Code == code {
			return i, true
		}
	}
	return v1.Issue{}, false
}

// hasIssue waits until an installation names an issue, and returns how it stands then.
func hasIssue(w *service.Harness, installation, code string) v1.Installation {
	w.T.Helper()
	return w.Until(installation, "has the issue "+code, soon, func(in v1.Installation) bool {
		_, ok := issueOf(in, code)
		return ok
	})
}

// unlimited lifts the hourly threshold of callouts.
func unlimited() atsim.Config {
	return atsim.Config{Modes: atsim.Modes{CalloutsPerHour: -1, HourlyThreshold: -1}}
}

// settled waits until every callout is delivered and nothing is due any more.
func settled(w *service.Harness, id string) {
	w.T.Helper()
	w.DeliverAll(60 * time.Second)
	w.Idle(id, 30*time.Second)
}

// text is an id as our JSON has it.
func text(id int64) string { return strconv.FormatInt(id, 10) }
