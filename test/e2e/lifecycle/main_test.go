// Package lifecycle holds the end-to-end tests of installations that look after
// themselves: how one is set up and refused, how its webhooks are kept right, and
// how it comes through outages, stops, erasure and changed credentials. It drives
// a whole service between two simulated vendors (test/harness/service) from the outside.
package lifecycle

import (
	"fmt"
	"testing"
	"time"

	v1 "channelsync/api/v1"
	"channelsync/test/harness"
	"channelsync/test/harness/service"
	"channelsync/test/sim/autotask/callout"
	atsim "channelsync/test/sim/autotask/sim"
)

// TestMain lets many tests wait at once: most of what they do is waiting.
func TestMain(m *testing.M) {
	harness.Parallel(8)
	harness.Main(m)
}

// soon is how long anything may take that a user would call immediate; generous,
// since tests share their machine.
const soon = 60 * time.Second

// dollars gives the tenant its internal currency.
func dollars(w *service.Harness) {
	w.Autotask.Put("Currencies", atsim.Row{"id": 1, "name": "USD", "displaySymbol": "$", "exchangeRate": "1", "isInternalCurrency": true})
}

// renameAll gives every company a name of its own.
func renameAll(w *service.Harness, ids []int64, name string) {
	w.T.Helper()
	for i, id := range ids {
		w.Rename(id, fmt.Sprintf("%s %04d", name, i))
	}
}

// act does stop, start, uninstall, reinstall or erase.
func act(w *service.Harness, id string, sync v1.Sync, action string) {
	w.T.Helper()
	harness.OK(w.T, w.Admin.Act(w.T.Context(), id, sync, action))
}

// is waits for a state.
func is(w *service.Harness, id string, state v1.State) v1.Installation {
	w.T.Helper()
	return w.Until(id, "is "+string(state), soon, func(in v1.Installation) bool { return in.State == state })
}

// problemOf is the problem that an error of the admin API carries.
func problemOf(t *testing.T, err error) *v1.Problem {
	t.Helper()
	return harness.As[*v1.Problem](t, err)
}

// repair asks for a check of the registrations.
func repair(w *service.Harness, id string) {
	w.T.Helper()
	harness.OK(w.T, w.Admin.RepairWebhooks(w.T.Context(), id))
}

// changeOf is the body of a callout that says that a company may have changed.
func changeOf(hook atsim.Webhook, id, sequence int64) []byte {
	return callout.Envelope{
		Action: "Update", GUID: hook.GUID, EntityType: "Account", ID: id, EventTime: time.Now(), Sequence: sequence, PersonID: 1,
	}.Encode()
}
