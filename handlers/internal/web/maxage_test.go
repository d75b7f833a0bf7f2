package web

import (
	"net/http/httptest"
	"testing"
	"time"
)

func TestMaxAge(t *testing.T) {
	for said, want := range map[string]time.Duration{
		"": 0, "max-age=0": 0, "max-age=1": time.Second, "no-transform, max-age=1": time.Second, "max-age=3600": time.Second,
		"max-age=-1": 0, "max-age=x": 0, "no-cache": 0, "s-maxage=5": 0,
	} {
		r := httptest.NewRequest("GET", "/", nil)
		r.Header.Set("Cache-Control", said)
		if got := MaxAgeOf(r); got != want {
			t.Errorf("%q: got %s, want %s", said, got, want)
		}
	}
	for age, want := range map[time.Duration]string{0: "", time.Second - 1: "", time.Second: "max-age=1"} {
		r := httptest.NewRequest("GET", "/", nil)
		r = r.WithContext(MaxAge(r.Context(), age))
		AskMaxAge(r)
		if got := r.Header.Get("Cache-Control"); got != want {
			t.Errorf("%s: asked %q, want %q", age, got, want)
		}
	}
}
