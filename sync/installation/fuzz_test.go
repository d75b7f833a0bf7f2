package installation

import (
	"encoding/json"
	"testing"

	"channelsync/events/kv"
	"channelsync/test/harness/vaults"
)

// FuzzStored: whatever lies under an installation's key is an installation, one
// that is being erased, or an error; it can be copied and stored again.
func FuzzStored(f *testing.F) {
	vault, ring := vaults.InMemory(f, inst)
	good, err := json.Marshal(example(inst))
	if err != nil {
		f.Fatal(err)
	}
	f.Add(good, true)
	f.Add([]byte(`{"registrations":[{}],"secrets":null,"options":{"include":[1]}}`), true)
	f.Add([]byte(`{"id":"x","leaving":true}`), false)
	f.Add([]byte(`{"sealed":"AAAA"}`), false)
	f.Add([]byte(`null`), true)
	f.Fuzz(func(t *testing.T, content []byte, sealed bool) {
		if sealed {
			wrapped, err := json.Marshal(stored{ID: inst, Sealed: ring.Seal(inst, content)})
			if err != nil {
				t.Fatal(err)
			}
			content = wrapped
		}
		s := &Store{vault: vault}
		in, err := s.decode(t.Context(), kv.Entry{Key: inst, Value: content})
		if err != nil || in == nil {
			return
		}
		kept := in.in.Clone()
		kept.ID = inst
		again, err := s.encode(t.Context(), kept, in.extra)
		if err != nil {
			t.Fatalf("store again: %v", err)
		}
		if _, err := s.decode(t.Context(), kv.Entry{Key: inst, Value: again}); err != nil {
			t.Errorf("read again: %v", err)
		}
	})
}
