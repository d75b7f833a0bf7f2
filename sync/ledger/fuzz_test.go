package ledger

import (
	"strings"
	"testing"

	v1 "channelsync/api/v1"
	"channelsync/events/kv"
	"channelsync/test/harness/vaults"
)

// FuzzEntry: whatever lies under a key, sealed or not, is an entry or an error,
// and an entry can be shown.
func FuzzEntry(f *testing.F) {
	vault, ring := vaults.InMemory(f, inst)
	key := keyOf(inst, v1.KindCompany, 174)
	f.Add([]byte(`{"kind":"company","id":174,"name":"Acme","outcome":"pushed","projection":{"name":"Acme"},"timeline":[{}]}`), true)
	f.Add([]byte(`{"fingerprint":":","reasons":null,"projection":null}`), true)
	f.Add([]byte(`null`), true)
	f.Add(ring.Seal("another place", []byte(`{}`)), false)
	f.Fuzz(func(t *testing.T, content []byte, sealed bool) {
		if sealed {
			content = ring.Seal(key, content)
		}
		e, err := New(nil, vault).open(t.Context(), inst, kv.Entry{Key: key, Value: content})
		if err != nil {
			return
		}
		if !sealed {
			t.Fatal("opened what nobody sealed")
		}
		e.Step(v1.TimelineStep{})
		if len(e.Timeline) > MaxSteps || e.Record().Reasons == nil || len(e.Details().Projection) == 0 || strings.Contains(e.ContentFingerprint(), ":") {
			t.Errorf("shown as %+v", e.Details())
		}
	})
}
