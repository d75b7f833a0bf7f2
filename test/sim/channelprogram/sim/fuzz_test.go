package sim

import (
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
)

// Whatever the body of a batch, the answer is one of the contract's and, if it
// is a batch's, has one result for each input.
func FuzzBatch(f *testing.F) {
	good, err := json.Marshal(batchOf(batchInput{"1", client("One", 1)}, batchInput{"2", client("", 1)}))
	if err != nil {
		f.Fatal(err)
	}
	f.Add(string(good), keyOf(1))
	f.Add(`{"inputs":[{"externalId":"1","data":null}]}`, keyOf(2))
	f.Add(`{"inputs":[{"externalId":"1","DATA":1,"data":{}}]}`, keyOf(2))
	f.Add(`{"inputs":[{"externalId":"1","externalId":"2","data":{}}],"inputs":[]}`, keyOf(3))
	f.Add(`[`, "short")
	f.Add("\xff", `"`)
	f.Fuzz(func(t *testing.T, body, key string) {
		s, err := New(Config{Connections: []Connection{{ID: testConnection, Token: testToken}}})
		if err != nil {
			t.Fatal(err)
		}
		r := httptest.NewRequest(http.MethodPost, "/v1/connections/"+testConnection+clientBatch, strings.NewReader(body))
		r.Header = http.Header{
			"Authorization": {"Bearer " + testToken}, "Content-Type": {"application/json"}, "Idempotency-Key": {key},
		}
		w := httptest.NewRecorder()
		s.Handler().ServeHTTP(w, r)
		switch w.Code {
		case 400, 422:
			var p Problem
			if err := json.Unmarshal(w.Body.Bytes(), &p); err != nil || p.Status != w.Code || p.Code == "" {
				t.Fatalf("%d %s", w.Code, w.Body)
			}
		case 200, 207:
			var b BatchResult
			if err := json.Unmarshal(w.Body.Bytes(), &b); err != nil || len(b.Results) != b.Summary.Total ||
				(w.Code == 200) != (b.Summary.Succeeded == b.Summary.Total) {
				t.Fatalf("%d %s", w.Code, w.Body)
			}
			for _, r := range b.Results {
				if r.Problem != nil && r.Problem.Code == CodeInternal {
					t.Fatalf("the rules passed what cannot be read: %s", w.Body)
				}
			}
		default:
			t.Fatalf("%d %s", w.Code, w.Body)
		}
	})
}

func FuzzRoute(f *testing.F) {
	f.Add("/v1/connections/c/clients/1")
	f.Add("/v1/connections/c/contracts/batch/upsert")
	f.Add("/v1//connections/%2e%2e/clients/%zz")
	f.Fuzz(func(t *testing.T, path string) {
		r := &http.Request{Method: http.MethodGet, URL: httptest.NewRequest(http.MethodGet, "/", nil).URL}
		r.URL.Path = path
		found, p := findRoute(r)
		if (p == nil) == (found.op == opUnknown) {
			t.Fatalf("%q: operation %s, problem %v", path, found.op, p)
		}
		if p != nil && p.Status != 404 && p.Status != 405 {
			t.Fatalf("%q: status %d", path, p.Status)
		}
	})
}
