package channelprogram

import (
	"net/http"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

func TestParseRateLimit(t *testing.T) {
	rows := []struct {
		header string
		want   []RateLimit // nil: malformed
	}{
		{`"default";r=50;t=30`, []RateLimit{{"default", 50, 30 * time.Second}}},
		{`"default";r=0`, []RateLimit{{"default", 0, 0}}},
		{`"default"; r=50; t=30`, []RateLimit{{"default", 50, 30 * time.Second}}},
		{`"default";t=30;r=50`, []RateLimit{{"default", 50, 30 * time.Second}}},
		{`"a";r=1;t=2, "b";r=3;t=4`, []RateLimit{{"a", 1, 2 * time.Second}, {"b", 3, 4 * time.Second}}},
		{`"a";r=1;t=2,"b";r=3`, []RateLimit{{"a", 1, 2 * time.Second}, {"b", 3, 0}}},
		{`"a\"b\\c";r=1`, []RateLimit{{`a"b\c`, 1, 0}}},
		{`"a";r=1;pk=:dHJpYWwx:;t=5`, []RateLimit{{"a", 1, 5 * time.Second}}},
		{`"a";r=1;note="x;t=9";t=5`, []RateLimit{{"a", 1, 5 * time.Second}}},
		{`"a";r=1;flag;t=5`, []RateLimit{{"a", 1, 5 * time.Second}}},
		{``, nil},
		{`default;r=50`, nil},        // a token, the draft wants a string
		{`limit=10, remaining`, nil}, // an older draft
		{`"default"`, nil},           // r is required
		{`"default";r`, nil},
		{`"default";r=`, nil},
		{`"default";r=-1`, nil},
		{`"default";r=1.5`, nil},
		{`"default";r=x`, nil},
		{`"default";r=1;t=-3`, nil},
		{`"default";r=1;T=3`, nil},
		{`"default";r=1;`, nil},
		{`"default";r=1,`, nil},
		{`"default";r=1 "b";r=2`, nil},
		{`"default;r=1`, nil},
		{`"a\x";r=1`, nil},
		{"\"a\x01\";r=1", nil},
		{`"a";r=1;pk=:abc`, nil},
		{`"a";r=9999999999999999`, nil}, // sixteen digits are no integer of a structured field
	}
	for _, row := range rows {
		t.Run(row.header, func(t *testing.T) {
			got, ok := ParseRateLimit(row.header)
			if ok != (row.want != nil) {
				t.Fatalf("ok = %v with %v", ok, got)
			}
			if diff := cmp.Diff(row.want, got); diff != "" {
				t.Error(diff)
			}
		})
	}
}

func TestRetryAfter(t *testing.T) {
	now := time.Date(2026, 11, 23, 10, 0, 0, 0, time.UTC)
	rows := []struct {
		name               string
		retryAfter, limits string
		want               time.Duration
	}{
		{"nothing said", "", "", 0},
		{"seconds", "7", "", 7 * time.Second},
		{"zero seconds win too", "0", `"a";r=0;t=9`, 0},
		{"wins over the quota", "7", `"a";r=0;t=30`, 7 * time.Second},
		{"date", "Mon, 23 Nov 2026 10:00:20 GMT", "", 20 * time.Second},
		{"date that has passed", "Mon, 23 Nov 2026 09:00:00 GMT", "", 0},
		{"malformed falls to the quota", "soon", `"a";r=0;t=30`, 30 * time.Second},
		{"negative is malformed", "-5", `"a";r=0;t=30`, 30 * time.Second},
		{"the used-up quota decides", "", `"a";r=0;t=30, "b";r=5;t=3000`, 30 * time.Second},
		{"the longest of two used up", "", `"a";r=0;t=30, "b";r=0;t=40`, 40 * time.Second},
		{"none used up: the longest", "", `"a";r=1;t=30, "b";r=5;t=20`, 30 * time.Second},
		{"malformed quota is none", "", `a;r=0;t=30`, 0},
		{"absurd", "99999999999", "", MaxRetryAfter},
		{"absurd date", "Mon, 23 Nov 2099 10:00:20 GMT", "", MaxRetryAfter},
		{"absurd quota", "", `"a";r=0;t=999999999999999`, MaxRetryAfter},
	}
	for _, row := range rows {
		t.Run(row.name, func(t *testing.T) {
			h := http.Header{}
			if row.retryAfter != "" {
				h.Set("Retry-After", row.retryAfter)
			}
			if row.limits != "" {
				h.Set("RateLimit", row.limits)
			}
			if got := retryAfter(h, now); got != row.want {
				t.Errorf("got %s, want %s", got, row.want)
			}
		})
	}
}

func FuzzParseRateLimit(f *testing.F) {
	for _, seed := range []string{
		`"default";r=50;t=30`, `"a";r=1;t=2, "b";r=3`, `"a\"b";r=1;pk=:dHJp:`, `"`, `;r=1`, `"a";r=999999999999999;t=999999999999999`,
	} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, header string) {
		limits, ok := ParseRateLimit(header)
		if ok == (len(limits) == 0) {
			t.Fatalf("%q: ok = %v with %d limits", header, ok, len(limits))
		}
		for _, l := range limits {
			if l.Remaining < 0 || l.Reset < 0 {
				t.Fatalf("%q: negative %+v", header, l)
			}
		}
		h := http.Header{"Ratelimit": {header}, "Retry-After": {header}}
		if d := retryAfter(h, time.Unix(0, 0)); d < 0 || d > MaxRetryAfter {
			t.Fatalf("%q: waits %s", header, d)
		}
	})
}
