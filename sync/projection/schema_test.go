package projection_test

import (
	"encoding/json"
	"testing"
	"time"

	"github.com/getkin/kin-openapi/openapi3"

	"channelsync/api/channelprogram"
)

// fataler is what testing.TB and rapid.T have in common.
type fataler interface {
	Helper()
	Fatalf(format string, args ...any)
}

// schemas reads the target's description once for a test.
func schemas(t testing.TB) openapi3.Schemas {
	t.Helper()
	doc, err := openapi3.NewLoader().LoadFromFile("../../api/channelprogram/openapi.yaml")
	if err != nil {
		t.Fatalf("load openapi.yaml: %v", err)
	}
	return doc.Components.Schemas
}

var source = channelprogram.Source{System: channelprogram.SystemAutotask, ObservedAt: time.Date(2026, 11, 23, 0, 0, 0, 0, time.UTC)}

// fits fails when the target's description would refuse the input.
func fits(t fataler, schemas openapi3.Schemas, in any) {
	t.Helper()
	name := "ClientInput"
	switch v := in.(type) {
	case channelprogram.ClientInput:
		v.Source = source
		in = v
	case channelprogram.ContractInput:
		name = "ContractInput"
		v.Source = source
		in = v
	}
	b, err := json.Marshal(in)
	if err != nil {
		t.Fatalf("marshal: %v", err)
	}
	var decoded any
	if err := json.Unmarshal(b, &decoded); err != nil {
		t.Fatalf("unmarshal: %v", err)
	}
	if err := schemas[name].Value.VisitJSON(decoded, openapi3.EnableJSONSchema2020()); err != nil {
		t.Fatalf("%s breaks the schema: %v\n%s", name, err, b)
	}
}

func ptr[T any](v T) *T { return &v }
