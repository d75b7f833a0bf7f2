package admin

import (
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	v1 "channelsync/api/v1"
)

func TestRepeatedFields(t *testing.T) {
	deep := strings.Repeat(`{"a":`, 9000) + `{"b":1,"b":2}` + strings.Repeat("}", 9000)
	for _, tc := range []struct {
		body string
		want []string
	}{
		{`{}`, nil},
		{`[1,1,[2,2]]`, nil},
		{`{"a":{"b":1},"c":{"b":1},"d":[{"b":1},{"b":1}]}`, nil},
		{`{"a":1,"a":2,"a":3}`, []string{"#/a"}},
		{`{"a":{"x/y~":1,"x/y~":2},"a":null}`, []string{"#/a/x~1y~0", "#/a"}},
		{`{"list":[{"b":1},{"b":1e999,"b":[{"c":1,"c":1}]}]}`, []string{"#/list/1/b", "#/list/1/b/0/c"}},
		{`{"below":` + deep + `,"after":1,"after":2}`, []string{"#/after"}}, // what is too deep is unknown anyway
		{`{"` + strings.Repeat("n", 50) + `":1,"` + strings.Repeat("n", 50) + `":1}`, []string{"#/" + strings.Repeat("n", 40) + "…"}},
	} {
		var got []string
		for _, e := range repeated([]byte(tc.body)) {
			got = append(got, e.Pointer)
		}
		if diff := cmp.Diff(tc.want, got); diff != "" {
			t.Errorf("%.80s: %s", tc.body, diff)
		}
	}
}

// TestBodiesOfRequestsThatTakeNone: a field that would soften what is asked must not be passed over.
func TestBodiesOfRequestsThatTakeNone(t *testing.T) {
	const erase = "/installations/" + one + "/erase"
	for _, tc := range []struct {
		body, contentType string
		pointer, code     string // none: it passes
	}{
		{"", "", "", ""},
		{"", "application/json", "", ""},
		{"{}", "application/json", "", ""},
		{" {} ", "application/x-www-form-urlencoded", "", ""},
		{`{"dryRun":true}`, "application/json", "#/dryRun", "unknown_field"},
		{`{"dryRun":true}`, "application/x-www-form-urlencoded", "#/dryRun", "unknown_field"},
		{`{"dryRun":null}`, "", "#/dryRun", "unknown_field"},
		{"dryRun=true", "application/x-www-form-urlencoded", "#", "json"},
		{"{}{}", "application/json", "#", "json"},
		{"[]", "application/json", "#", "wrong_type"},
		{"null", "application/json", "#", "wrong_type"},
	} {
		f := &fake{}
		r := httptest.NewRequest("POST", erase, strings.NewReader(tc.body))
		r.Header.Set("Content-Type", tc.contentType)
		r.ContentLength = -1 // as of a chunked one
		w := httptest.NewRecorder()
		served(f.config()).ServeHTTP(w, r)
		if tc.code == "" {
			if w.Code != 202 || len(f.asked) != 1 {
				t.Errorf("%q: got %d, asked %q", tc.body, w.Code, f.asked)
			}
			continue
		}
		p := problem(t, w.Result())
		if p.Status != 422 || len(p.Errors) != 1 || p.Errors[0].Pointer != tc.pointer || p.Errors[0].Code != tc.code || p.Errors[0].Detail == "" {
			t.Errorf("%q: got %+v", tc.body, p)
		}
		if len(f.asked)+len(f.audited) != 0 {
			t.Errorf("%q: asked %q", tc.body, f.asked)
		}
	}
	for _, route := range routes() {
		if route.body != "" || route.audited == "" || route.path == "/backup" {
			continue
		}
		want := v1.FieldError{Pointer: "#/dryrunn", Code: "unknown_field"}
		f := &fake{}
		p := problem(t, send(t, served(f.config()), route.method, route.path, `{"dryrunn":true}`))
		if p.Status != 422 || len(p.Errors) != 1 || p.Errors[0].Pointer != want.Pointer || p.Errors[0].Code != want.Code || len(f.asked)+len(f.audited) != 0 {
			t.Errorf("%s %s: got %+v, asked %q", route.method, route.path, p, f.asked)
		}
	}
}
