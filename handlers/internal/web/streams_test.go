package web

import (
	"encoding/json"
	"fmt"
	"net/http/httptest"
	"testing"

	v1 "channelsync/api/v1"
	"channelsync/test/harness"
)

func TestEventStreamsAreBounded(t *testing.T) {
	streams := NewStreams()
	take := func(caller string, status int) func() {
		t.Helper()
		w := httptest.NewRecorder()
		leave, refused := streams.Take(w, caller)
		switch {
		case status == 0 && refused != nil:
			t.Fatalf("%s: got %v, want a place", caller, refused)
		case status != 0 && (refused == nil || refused.Status != status || w.Header().Get("Retry-After") == "" || leave != nil):
			t.Fatalf("%s: got %v, %v; want %d and when to come again", caller, refused, w.Header(), status)
		}
		return leave
	}
	var leave []func()
	for range streamsOfCaller {
		leave = append(leave, take("one", 0))
	}
	take("one", 429)
	leave[0]()
	leave[0]() // a second time gives nothing back
	take("one", 0)
	take("one", 429)

	for i := streamsOfCaller; i < streamsOfAll; i++ {
		leave = append(leave, take(fmt.Sprint("caller ", i), 0))
	}
	take("another", 503)
	take("one", 429)
	for _, l := range leave {
		l()
	}
	if len(streams.of) != 1 || streams.all != 1 { // the one that was taken again
		t.Errorf("%d callers and %d streams are remembered, want the one that is left", len(streams.of), streams.all)
	}
}

func TestNoTextBreaksOutOfItsEvent(t *testing.T) {
	harness.Table(t, func(given string) string {
		w := httptest.NewRecorder()
		harness.OK(t, NewStream(w).Event(given))
		return w.Body.String()
	}, map[string]string{
		"one":                     "data: one\n\n",
		"one\ntwo":                "data: one\ndata: two\n\n",
		"one\r\ntwo":              "data: one\ndata: two\n\n",
		"one\rdata: two\r\rid: 7": "data: one\ndata: data: two\ndata: \ndata: id: 7\n\n",
		"one\n\nevent: x":         "data: one\ndata: \ndata: event: x\n\n",
		"\r":                      "data: \ndata: \n\n",
	})
	w := httptest.NewRecorder()
	if err := NewStream(w).Comment("a\rdata: b\ndata: c\r\n\r\ndata: d"); err != nil || w.Body.String() != ": a data: b data: c    data: d\n\n" {
		t.Errorf("comment: got %q, %v", w.Body.String(), err)
	}
}

func TestAnswersNameTwentyErrorsAtMost(t *testing.T) {
	for n, want := range map[int]string{
		0: "Wrong.", 20: "Wrong.", 21: "Wrong. One more error is not shown.", 70: "Wrong. 50 more errors are not shown.",
	} {
		given := v1.Invalid("Wrong.", make([]v1.FieldError, n)...)
		w := httptest.NewRecorder()
		Problem(w, given)
		got := problemOf(t, w)
		if got.Detail != want || len(got.Errors) != min(n, 20) {
			t.Errorf("of %d: got %d errors, %q; want %q", n, len(got.Errors), got.Detail, want)
		}
		if len(given.Errors) != n || given.Detail != "Wrong." {
			t.Errorf("of %d: what was given is changed to %d, %q", n, len(given.Errors), given.Detail)
		}
	}
}

func problemOf(t *testing.T, w *httptest.ResponseRecorder) (p v1.Problem) {
	t.Helper()
	harness.OK(t, json.Unmarshal(w.Body.Bytes(), &p))
	return p
}
