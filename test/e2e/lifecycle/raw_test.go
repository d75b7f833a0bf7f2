package lifecycle

import (
	"encoding/json"
	"net/http"
	"strings"
	"testing"

	v1 "channelsync/api/v1"
	"channelsync/test/e2e/world"
)

// raw sends a request to the admin API as it is, and returns the status and the body.
func raw(t *testing.T, w *world.World, method, path, body string) (int, json.RawMessage) {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), method, w.AdminURL+"/api/v1"+path, strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	req.Header.Set("Authorization", "Bearer "+world.AdminToken)
	req.Header.Set("Content-Type", "application/json")
	req.Close = true
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = resp.Body.Close() }()
	var answer json.RawMessage
	if err := json.NewDecoder(resp.Body).Decode(&answer); err != nil {
		t.Fatalf("%s %s: %d: %v", method, path, resp.StatusCode, err)
	}
	return resp.StatusCode, answer
}

// rawCreate sends a body to POST /installations that must be refused.
func rawCreate(t *testing.T, w *world.World, body string) v1.Problem {
	t.Helper()
	_, answer := raw(t, w, http.MethodPost, "/installations", body)
	var p v1.Problem
	if err := json.Unmarshal(answer, &p); err != nil {
		t.Fatal(err)
	}
	return p
}
