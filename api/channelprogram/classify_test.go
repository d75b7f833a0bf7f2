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
	}{
		{400, "invalid_request", KindInvalid},
		{400, "", KindInvalid},
		{401, "unauthenticated", KindPause},
		{401, "", KindPause},
		{402, "subscription_required", KindPause},
		{403, "", KindPause},
		{404, "", KindPause}, // not the API at all
		{404, "connection_not_found", KindPause},
		{404, CodeClientNotFound, KindNotFound},
		{404, CodeContractNotFound, KindNotFound},
		{405, "", KindInvalid},
		{406, "", KindInvalid},
		{408, "", KindUnavailable},
		{409, CodeConnectionPaused, KindPause},
		{409, CodeConnectionUninstalled, KindPause},
		{409, CodeIdempotencyInProgress, KindUnavailable},
		{409, "something_else", KindFailed},
		{410, "", KindPause},
		{410, "connection_uninstalled", KindPause},
		{413, "", KindInvalid},
		{415, "", KindInvalid},
		{418, "", KindInvalid},
		{422, "invalid_request", KindRejected},
		{422, "currency_unsupported", KindRejected},
		{422, "idempotency_key_reused", KindRejected},
		{422, "", KindRejected},
		{425, "", KindUnavailable},
		{429, "quota_exceeded", KindThrottled},
		{429, "", KindThrottled},
		{500, "", KindUnavailable},
		{501, "", KindUnavailable},
		{502, "", KindUnavailable},
		{503, "", KindUnavailable},
		{504, "", KindUnavailable},
		{599, "", KindUnavailable},
		{301, "", KindPause},
		{302, "", KindPause},
		{307, "", KindPause},
		{308, "", KindPause},
		{304, "", KindPause},
		{103, "", KindBreach},
	}
	for _, row := range rows {
		t.Run(fmt.Sprintf("%d %s", row.status, row.code), func(t *testing.T) {
			a := answer{operation: opPutClient, status: row.status, header: http.Header{}}
			if row.code != "" {
				a.body = []byte(`{"code":"` + row.code + `","title":"T","status":1}`)
			}
			e := classify(a)
			if e.Kind != row.want || e.Status != row.status {
				t.Errorf("got %s, want %s", e.Kind, row.want)
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

func TestClassifyTellsTheFirstWordsOfAPageThatIsNotTheAPIs(t *testing.T) {
	html := http.Header{"Content-Type": {"text/html; charset=utf-8"}}
	for name, row := range map[string]struct {
		header http.Header
		body   string
		want   string
	}{
		"a page":         {html, "<!doctype html><head><title>403 Forbidden</title></head><body><!-- x --><p>Attack&nbsp;ID: <b>20000042</b>", `not the API's JSON but text/html: "403 Forbidden Attack ID: 20000042"`},
		"JSON of others": {http.Header{"Content-Type": {"application/json"}}, `{"message":"no"}`, `not the API's JSON but application/json: "{\"message\":\"no\"}"`},
		"text":           {http.Header{}, "upstream connect error", `not the API's JSON but of no known type: "upstream connect error"`},
		"nothing":        {html, " \n", "empty, not the API's JSON"},
	} {
		t.Run(name, func(t *testing.T) {
			e := classify(answer{status: 403, header: row.header, body: []byte(row.body)})
			if e.Detail != "the answer is "+row.want {
				t.Errorf("got %s\nwant the answer is %s", e.Detail, row.want)
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
