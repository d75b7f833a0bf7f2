package channelprogram

import (
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"github.com/google/go-cmp/cmp"
)

func TestClassify(t *testing.T) {
	rows := []struct {
		status int
		code   string // of the problem; empty: no body
		want   Kind
		road   bool
	}{
		{400, "invalid_request", KindInvalid, false},
		{400, "", KindInvalid, false},
		{401, "unauthenticated", KindPause, true},
		{401, "", KindPause, true},
		{402, "subscription_required", KindPause, true},
		{403, "", KindPause, true},
		{404, "", KindPause, true}, // not the API at all
		{404, "connection_not_found", KindPause, true},
		{404, CodeClientNotFound, KindNotFound, false},
		{404, CodeContractNotFound, KindNotFound, false},
		{405, "", KindInvalid, false},
		{406, "", KindInvalid, false},
		{408, "", KindUnavailable, true},
		{409, CodeConnectionPaused, KindPause, true},
		{409, CodeConnectionUninstalled, KindPause, true},
		{409, CodeIdempotencyInProgress, KindUnavailable, true},
		{409, "something_else", KindFailed, false},
		{410, "", KindPause, true},
		{410, "connection_uninstalled", KindPause, true},
		{413, "", KindInvalid, false},
		{415, "", KindInvalid, false},
		{418, "", KindInvalid, false},
		{422, "invalid_request", KindRejected, false},
		{422, "currency_unsupported", KindRejected, false},
		{422, "idempotency_key_reused", KindRejected, false},
		{422, "", KindRejected, false},
		{425, "", KindUnavailable, true},
		{429, "quota_exceeded", KindThrottled, true},
		{429, "", KindThrottled, true},
		{500, "", KindUnavailable, true},
		{501, "", KindUnavailable, true},
		{502, "", KindUnavailable, true},
		{503, "", KindUnavailable, true},
		{504, "", KindUnavailable, true},
		{599, "", KindUnavailable, true},
		{301, "", KindPause, true},
		{302, "", KindPause, true},
		{307, "", KindPause, true},
		{308, "", KindPause, true},
		{304, "", KindPause, true},
		{103, "", KindBreach, true},
	}
	for _, row := range rows {
		t.Run(fmt.Sprintf("%d %s", row.status, row.code), func(t *testing.T) {
			a := answer{operation: opPutClient, status: row.status, header: http.Header{}}
			if row.code != "" {
				a.body = []byte(`{"code":"` + row.code + `","title":"T","status":1}`)
			}
			e := classify(a)
			if e.Kind != row.want || e.Status != row.status || e.Kind.OfTheRoad() != row.road {
				t.Errorf("got %s (of the road: %v), want %s", e.Kind, e.Kind.OfTheRoad(), row.want)
			}
			if row.code != "" && row.status >= 400 && e.Code != row.code {
				t.Errorf("code %s, want %s", e.Code, row.code)
			}
			if row.code == "" && row.status >= 400 && e.Code != fmt.Sprintf("http_%d", row.status) {
				t.Errorf("code %s, want the status", e.Code)
			}
		})
	}
}

func TestClassifyKeepsWhatAPersonNeeds(t *testing.T) {
	now := time.Date(2026, 11, 23, 10, 0, 0, 0, time.UTC)
	e := classify(answer{
		operation: opBatchClient, status: 422, now: now,
		header: http.Header{"X-Request-Id": {"req-9"}, "Retry-After": {"5"}},
		body: []byte(`{"type":"about:blank","title":"Unprocessable","status":422,"code":"invalid_request",
			"detail":"two\nlines","requestId":"other","errors":[{"pointer":"#/inputs/3/data/name","code":"too_long","detail":"is too long"}]}`),
	})
	want := &Error{
		Kind: KindRejected, Status: 422, Code: "invalid_request", Detail: "two lines", RequestID: "req-9",
		Operation: opBatchClient,
		Errors:    []FieldError{{Pointer: "#/inputs/3/data/name", Code: "too_long", Detail: "is too long"}},
	}
	if diff := cmp.Diff(want, e); diff != "" {
		t.Error(diff)
	}
	const text = "batch upsert clients: HTTP 422 invalid_request: two lines; #/inputs/3/data/name is too long"
	if e.Error() != text {
		t.Errorf("text %q, want %q", e.Error(), text)
	}
}

func TestClassifyBoundsTheTargetsWords(t *testing.T) {
	long := strings.Repeat("é", 1000)
	errs := strings.Repeat(`{"pointer":"`+long+`","code":"c","detail":"`+long+`"},`, 100)
	e := classify(answer{status: 400, header: http.Header{"X-Request-Id": {long}}, body: []byte(
		`{"code":"` + long + `","detail":"` + long + `","errors":[` + strings.TrimSuffix(errs, ",") + `]}`)})
	for name, text := range map[string]string{
		"detail": e.Detail, "code": e.Code, "request id": e.RequestID, "pointer": e.Errors[0].Pointer,
	} {
		if n := utf8.RuneCountInString(text); n > maxDetail || n == 0 {
			t.Errorf("%s has %d characters, want 1 to %d", name, n, maxDetail)
		}
	}
	if len(e.Errors) != maxErrors {
		t.Errorf("%d field errors, want %d", len(e.Errors), maxErrors)
	}
}

func TestClassifyRetryAfter(t *testing.T) {
	now := time.Date(2026, 11, 23, 10, 0, 0, 0, time.UTC)
	quota := `"default";r=0;t=30`
	rows := []struct {
		name   string
		status int
		header http.Header
		want   time.Duration
	}{
		{"429 with Retry-After", 429, http.Header{"Retry-After": {"3"}, "Ratelimit": {quota}}, 3 * time.Second},
		{"429 with a quota only", 429, http.Header{"Ratelimit": {quota}}, 30 * time.Second},
		{"429 with nothing", 429, http.Header{}, 0},
		{"503 with Retry-After", 503, http.Header{"Retry-After": {"3"}}, 3 * time.Second},
		{"503 with a quota says nothing", 503, http.Header{"Ratelimit": {quota}}, 0},
		{"401 is for a person", 401, http.Header{"Retry-After": {"3"}}, 0},
	}
	for _, row := range rows {
		t.Run(row.name, func(t *testing.T) {
			if e := classify(answer{status: row.status, header: row.header, now: now}); e.RetryAfter != row.want {
				t.Errorf("waits %s, want %s", e.RetryAfter, row.want)
			}
		})
	}
}

func TestRedirectNamesTheHostOnly(t *testing.T) {
	e := classify(answer{status: 308, header: http.Header{"Location": {"https://other.example/secret-path?token=x"}}})
	if e.Code != CodeRedirectRefused || !strings.Contains(e.Detail, "other.example") || strings.Contains(e.Detail, "secret") {
		t.Errorf("got %v", e)
	}
}

func FuzzClassify(f *testing.F) {
	f.Add(422, []byte(`{"code":"a","detail":"b","errors":[{"pointer":"#/x"}]}`), "5")
	f.Add(503, []byte(`<html>`), "")
	f.Add(409, []byte(`{"code":409}`), "x")
	f.Add(302, []byte(nil), "https://[")
	f.Fuzz(func(t *testing.T, status int, body []byte, header string) {
		h := http.Header{"Retry-After": {header}, "Location": {header}, "X-Request-Id": {header}}
		e := classify(answer{operation: opPutClient, status: status, body: body, header: h})
		if e.Kind == "" || e.Code == "" || utf8.RuneCountInString(e.Code) > maxCode || !utf8.ValidString(e.Error()) {
			t.Fatalf("%d %q: %+v", status, body, e)
		}
	})
}
