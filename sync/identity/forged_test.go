package identity

import (
	"testing"

	"github.com/nats-io/nats.go"

	v1 "channelsync/api/v1"
	"channelsync/test/harness"
	"channelsync/test/harness/stores"
)

// A message from somebody on the NATS network ends no token, in what runs and after a restart, and brings none back that
// was deleted.
func TestNobodyElseEndsAToken(t *testing.T) {
	e := newEnv(t)
	e.table = stores.Authenticated(t, e.bus, "tokens")
	s := e.instance()
	kept := e.create(s, v1.CreateToken{Name: "kept", Role: v1.RoleViewer})
	gone := e.create(s, v1.CreateToken{Name: "gone", Role: v1.RoleAdmin})
	row, err := e.table.Get(t.Context(), gone.ID)
	harness.OK(t, err)
	harness.OK(t, s.Delete(t.Context(), gone.ID))
	for name, msg := range map[string]struct {
		id, value, operation string
	}{
		"a deletion":               {kept.ID, "", "PURGE"},
		"junk":                     {kept.ID, "junk", ""},
		"the row of a deleted one": {gone.ID, string(row.Value), ""},
	} {
		m := nats.NewMsg("$KV.tokens." + msg.id)
		m.Data = []byte(msg.value)
		if msg.operation != "" {
			m.Header.Set("KV-Operation", msg.operation)
		}
		if _, err := e.bus.JS.PublishMsg(t.Context(), m); err != nil {
			t.Fatal(err)
		}
		again := e.instance()
		for where, s := range map[string]*Store{"here": s, "after a restart": again} {
			harness.OK(t, s.compare(t.Context()))
			if _, ok := s.Authenticate(v1.Secret(kept.Token)); !ok {
				t.Errorf("%s, %s: the token ended", name, where)
			}
			if _, ok := s.Authenticate(v1.Secret(gone.Token)); ok {
				t.Errorf("%s, %s: the deleted token is back", name, where)
			}
		}
	}
}
