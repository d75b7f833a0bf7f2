package sim

import (
	"bytes"
	"encoding/json"
	"errors"
	"io/fs"
	"net/url"
	"os"
	"slices"
	"testing"

	"github.com/getkin/kin-openapi/openapi3"
	"pgregory.net/rapid"
)

func TestDocumentIsValid(t *testing.T) {
	doc, err := openapi3.NewLoader().LoadFromFile("openapi.yaml")
	if err != nil {
		t.Fatal(err)
	}
	// Two descriptions are unquoted and hold a comma, so YAML reads their second halves as keys. They say nothing.
	halves := openapi3.AllowExtraSiblingFields("as a string", "never 0")
	if err := doc.Validate(t.Context(), openapi3.IsOpenAPI31OrLater(), halves); err != nil {
		t.Fatal(err)
	}
}

// The client of the ingest API keeps a copy of its own: both sides must mean the same contract.
func TestDocumentIsTheOneTheClientHolds(t *testing.T) {
	theirs, err := os.ReadFile("../../../../api/channelprogram/openapi.yaml")
	if errors.Is(err, fs.ErrNotExist) {
		t.Skip("api/channelprogram has no copy")
	}
	if err != nil {
		t.Fatal(err)
	}
	own, err := os.ReadFile("openapi.yaml")
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(own, theirs) {
		t.Error("openapi.yaml differs from api/channelprogram/openapi.yaml")
	}
}

// What our rules take is exactly what the document's schemas take.
func TestRulesAgreeWithDocument(t *testing.T) {
	doc, err := openapi3.NewLoader().LoadFromFile("openapi.yaml")
	if err != nil {
		t.Fatal(err)
	}
	rules := newSchema(100)
	for _, c := range []struct {
		schema string
		rule   rule
		good   any
	}{
		{"ClientInput", rules.client, client("Acme", 0)},
		{"ContractInput", rules.contract, agreement(ClientRef{"174", "Acme"}, 0)},
	} {
		t.Run(c.schema, func(t *testing.T) {
			schema := doc.Components.Schemas[c.schema].Value
			rapid.Check(t, func(t *rapid.T) {
				value := mutate(t, plain(t, c.good), rapid.IntRange(0, 2).Draw(t, "mutations"))
				if relativeURI(value) {
					return // no URI by RFC 3986; the library that checks the document takes any text
				}
				documented := schema.VisitJSON(value, openapi3.EnableJSONSchema2020(), openapi3.EnableFormatValidation())
				found := c.rule(value, "#")
				if (documented == nil) != (len(found) == 0) {
					text, _ := json.Marshal(value)
					t.Fatalf("%s\nthe document says %v\nour rules say %v", text, documented, found)
				}
			})
		})
	}
}

// relativeURI says whether the source's recordUrl is a text, and no absolute URI.
func relativeURI(v any) bool {
	record, _ := v.(map[string]any)
	source, _ := record["source"].(map[string]any)
	text, isText := source["recordUrl"].(string)
	if !isText {
		return false
	}
	u, err := url.Parse(text)
	return err != nil || !u.IsAbs()
}

func TestRecordURLIsAbsolute(t *testing.T) {
	for text, good := range map[any]bool{
		nil: true, "https://ww5.autotask.net/a?b=c": true, "x:y": true,
		"": false, "x": false, "/a": false, ":": false, 7.0: false,
	} {
		value := plain(t, client("Acme", 0)).(map[string]any)
		value["source"].(map[string]any)["recordUrl"] = text
		if got := newSchema(100).client(value, "#"); (len(got) == 0) != good {
			t.Errorf("%v: %v", text, got)
		}
	}
}

func plain(t fataler, v any) any {
	t.Helper()
	text, err := json.Marshal(v)
	if err != nil {
		t.Fatalf("encode: %v", err)
	}
	var tree any
	if err := json.Unmarshal(text, &tree); err != nil {
		t.Fatalf("decode: %v", err)
	}
	return tree
}

// mutate changes values somewhere in the tree, so many times.
func mutate(t *rapid.T, v any, times int) any {
	for range times {
		v = mutateOnce(t, v)
	}
	return v
}

func mutateOnce(t *rapid.T, v any) any {
	switch v := v.(type) {
	case map[string]any:
		keys := []string{"lifecycle", "archivedReason", "surplus", "label", "trigger", "modifiedAt", "recordUrl"}
		for k := range v {
			keys = append(keys, k)
		}
		key := rapid.SampledFrom(sorted(keys)).Draw(t, "key")
		old, had := v[key]
		switch {
		case !had:
			v[key] = anyValue(t)
		case rapid.Bool().Draw(t, "delete"):
			delete(v, key)
		default:
			v[key] = mutateOnce(t, old)
		}
		return v
	case []any:
		if len(v) > 0 && rapid.Bool().Draw(t, "into list") {
			v[0] = mutateOnce(t, v[0])
			return v
		}
		if len(v) > 0 && rapid.Bool().Draw(t, "long list") {
			for len(v) < rapid.SampledFrom([]int{20, 21}).Draw(t, "length") {
				v = append(v, v[0])
			}
			return v
		}
	}
	return anyValue(t)
}

func anyValue(t *rapid.T) any {
	long := func(n int) string { return string(bytes.Repeat([]byte("é"), n)) }
	return rapid.SampledFrom([]any{
		nil, true, 12.5, "", "x", "active", "archived", "deleted_at_source", "client_out_of_scope", "status_inactive",
		long(255), long(256), long(320), long(321), "USD", "usd", "12", "-0.1234", "1.23456", "1234567890123456", ".5",
		"a b", "2026-11-23T12:00:00Z", "2026-11-23T12:00:00.123+01:00", "2026-11-23", "noon", "webhook",
		"https://example.test/1",
		[]any{},
		[]any{map[string]any{"value": "v"}},
		map[string]any{},
		map[string]any{"amount": "1", "currency": "EUR"},
		map[string]any{"line1": "x"},
	}).Draw(t, "value")
}

func sorted(keys []string) []string {
	slices.Sort(keys)
	return slices.Compact(keys)
}
