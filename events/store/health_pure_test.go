package store

import (
	"testing"

	"channelsync/test/harness"
)

func TestReadFlush(t *testing.T) {
	harness.Table(t, func(body string) string { return readFlush([]byte(body)) }, map[string]string{
		`{"data":{"jetstream":{"config":{"sync_always":true,"sync_interval":120000000000}}}}`: "always",
		`{"data":{"jetstream":{"config":{"sync_interval":120000000000}}}}`:                    "2m0s",
		`{"data":{}}`:      "unknown",
		`{"error":"no"}`:   "unknown",
		`not json`:         "unknown",
		`{"data":"other"}`: "unknown",
	})
}

func FuzzReadFlush(f *testing.F) {
	f.Add([]byte(`{"data":{"jetstream":{"config":{"sync_interval":-5}}}}`))
	f.Add([]byte(`[]`))
	f.Fuzz(func(t *testing.T, b []byte) {
		if readFlush(b) == "" {
			t.Fatal("said nothing")
		}
	})
}
