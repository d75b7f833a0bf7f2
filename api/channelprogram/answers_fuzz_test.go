package channelprogram_test

import (
	"bytes"
	"io"
	"net/http"
	"testing"

	"channelsync/api/channelprogram"
	"channelsync/test/harness"
)

// anyAnswer answers every request the same.
type anyAnswer struct {
	status int
	header http.Header
	body   []byte
}

func (a anyAnswer) RoundTrip(r *http.Request) (*http.Response, error) {
	return &http.Response{
		StatusCode: a.status, Header: a.header, Body: io.NopCloser(bytes.NewReader(a.body)), Request: r, ProtoMajor: 1, ProtoMinor: 1,
	}, nil
}

// FuzzAnswers gives every call the same answer, whatever it is: without an error each record
// gets exactly one result, in its place, and one that the API knows.
func FuzzAnswers(f *testing.F) {
	for _, body := range []string{
		`{"id":"msp-one","state":"active","limits":{"maxBatch":2,"maxBodyBytes":10}}`, `{"externalId":"1","outcome":"created"}`,
		`{"results":[{"externalId":"1","outcome":"created"},{"externalId":"2","outcome":"rejected","error":{"code":"x"}},{"externalId":"3"}]}`,
		`{"results":[{"externalId":"3"},{"externalId":"1"}]}`, `{"results":[]}`, `{"results":null}`, `[]`, ``, `{"code":"batch_too_large"}`, "\xff",
	} {
		for _, status := range []int{200, 207, 413, 409, 422, 500} {
			f.Add(status, "1", []byte(body))
		}
	}
	f.Fuzz(func(t *testing.T, status int, header string, body []byte) {
		if status < 200 || status > 599 {
			return // nothing else is an answer
		}
		h := http.Header{"Retry-After": {header}, "Ratelimit": {header}, "Ratelimit-Policy": {header}, "Content-Type": {header}, "Location": {header}}
		c, err := channelprogram.New(channelprogram.Config{
			BaseURL: "https://ingest.example", ConnectionID: "msp-one", Token: "token", Transport: anyAnswer{status, h, body},
		})
		harness.OK(t, err)
		ctx := t.Context()
		if conn, err := c.Connection(ctx); err == nil && conn.ID != "msp-one" {
			t.Errorf("the connection %q was taken for ours", conn.ID)
		}
		if stored, err := c.GetClient(ctx, "1"); err == nil && stored.ExternalID != "1" {
			t.Errorf("the client %q was taken for 1", stored.ExternalID)
		}
		results, err := c.UpsertClients(ctx, items("1", "2", "3"))
		if want := map[bool]int{true: 3, false: 0}[err == nil]; len(results) != want {
			t.Fatalf("%d results of 3 records, %v", len(results), err)
		}
		for i, r := range results {
			if want := string(rune('1' + i)); r.ExternalID != want {
				t.Errorf("result %d is about %q, want %s", i, r.ExternalID, want)
			}
			if r.Outcome == "" {
				t.Errorf("result %d says nothing: %+v", i, r)
			}
		}
	})
}
