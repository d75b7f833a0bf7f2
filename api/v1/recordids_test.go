package v1

import (
	"encoding/json"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// Ids of records are decimal text everywhere in our JSON (interfaces §4): the lists
// of company ids were numbers only.
func TestRecordIDsAreText(t *testing.T) {
	for name, one := range map[string]struct {
		in   string
		want RecordIDs
		out  string
	}{
		"text":          {`["174","0"]`, RecordIDs{174, 0}, `["174","0"]`},
		"numbers":       {`[174, 9223372036854775807]`, RecordIDs{174, 9223372036854775807}, `["174","9223372036854775807"]`},
		"both":          {`["174",175]`, RecordIDs{174, 175}, `["174","175"]`},
		"none":          {`[]`, RecordIDs{}, `[]`},
		"nothing":       {`null`, nil, `[]`},
		"written oddly": {`["\u0031"]`, RecordIDs{1}, `["1"]`},
	} {
		var got RecordIDs
		if err := json.Unmarshal([]byte(one.in), &got); err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		if diff := cmp.Diff(one.want, got); diff != "" {
			t.Errorf("%s: %s", name, diff)
		}
		if out, err := json.Marshal(got); err != nil || string(out) != one.out {
			t.Errorf("%s: wrote %s, %v; want %s", name, out, err, one.out)
		}
	}
	for _, wrong := range []string{
		`["x"]`, `[""]`, `[null]`, `[-1]`, `["-1"]`, `[1.5]`, `[1e3]`, `["0174"]`, `["+1"]`, `[true]`, `[[1]]`, `{}`, `"1"`,
		`[9223372036854775808]`,
	} {
		if err := json.Unmarshal([]byte(wrong), &RecordIDs{}); err == nil {
			t.Errorf("%s was taken", wrong)
		}
	}
}

func TestOptionsWithoutIDsHaveNone(t *testing.T) {
	if b, err := json.Marshal(Options{}); err != nil || string(b) != "{}" {
		t.Errorf("got %s, %v", b, err)
	}
}

func FuzzRecordIDs(f *testing.F) {
	for _, seed := range []string{`["174"]`, `[174]`, `[]`, `null`, `["x",1]`} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, text string) {
		var ids, again RecordIDs
		if json.Unmarshal([]byte(text), &ids) != nil {
			return
		}
		b, err := json.Marshal(ids)
		if err != nil {
			t.Fatal(err)
		}
		if err := json.Unmarshal(b, &again); err != nil || len(again) != len(ids) {
			t.Fatalf("%s became %s: %v", text, b, err)
		}
		for i := range ids {
			if ids[i] < 0 || ids[i] != again[i] {
				t.Fatalf("%s became %s", text, b)
			}
		}
	})
}
