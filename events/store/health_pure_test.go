package store

import "testing"

func TestReadFlush(t *testing.T) {
	for body, want := range map[string]string{
		`{"data":{"jetstream":{"config":{"sync_always":true,"sync_interval":120000000000}}}}`: "always",
		`{"data":{"jetstream":{"config":{"sync_interval":120000000000}}}}`:                    "2m0s",
		`{"data":{}}`:      "unknown",
		`{"error":"no"}`:   "unknown",
		`not json`:         "unknown",
		`{"data":"other"}`: "unknown",
	} {
		if got := readFlush([]byte(body)); got != want {
			t.Errorf("%s: %s, want %s", body, got, want)
		}
	}
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
