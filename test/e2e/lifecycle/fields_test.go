package lifecycle

import (
	"encoding/json"
	"net/http"
	"slices"
	"strings"
	"testing"

	v1 "channelsync/api/v1"
	"channelsync/test/harness"
	"channelsync/test/harness/service"
)

// raw sends a request to the admin API as it is, and returns the status and the body.
func raw(t *testing.T, w *service.Harness, method, path, body string) (int, json.RawMessage) {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), method, w.AdminURL+"/api/v1"+path, strings.NewReader(body))
	harness.OK(t, err)
	req.Header.Set("Authorization", "Bearer "+service.AdminToken)
	req.Header.Set("Content-Type", "application/json")
	req.Close = true
	resp, err := http.DefaultClient.Do(req)
	harness.OK(t, err)
	defer func() { _ = resp.Body.Close() }()
	var answer json.RawMessage
	if err := json.NewDecoder(resp.Body).Decode(&answer); err != nil {
		t.Fatalf("%s %s: %d: %v", method, path, resp.StatusCode, err)
	}
	return resp.StatusCode, answer
}

// rawCreate sends a body to POST /installations that must be refused.
func rawCreate(t *testing.T, w *service.Harness, body string) v1.Problem {
	t.Helper()
	_, answer := raw(t, w, http.MethodPost, "/installations", body)
	var p v1.Problem
	harness.OK(t, json.Unmarshal(answer, &p))
	return p
}

// wrongFields sends bodies whose fields are wrong; each answer points at them.
func wrongFields(t *testing.T, w *service.Harness) {
	const rest = `"username":"u","secret":"s","trackingIdentifier":"t","syncs":["active_customers"],"channelProgram":{"connectionId":"c","token":"t"}`
	for _, tc := range []struct {
		name, body string
		pointers   []string
	}{
		{"not JSON", `{`, []string{"#"}},
		{"two values", `{} {}`, []string{"#"}},
		{"empty", `{}`, []string{
			"#/channelProgram/connectionId", "#/channelProgram/token", "#/name", "#/secret", "#/syncs", "#/trackingIdentifier", "#/username",
		}},
		{"a field that is not known", `{"name":"n","colour":"red",` + rest + `}`, []string{"#/colour"}},
		{"a wrong type", `{"name":7,` + rest + `}`, []string{"#/name"}},
		{"an unknown sync", `{"name":"n",` + strings.Replace(rest, "active_customers", "tickets", 1) + `}`, []string{"#/syncs/0"}},
		{"a sync twice", `{"name":"n",` + strings.Replace(rest, `["active_customers"]`, `["active_customers","active_customers"]`, 1) + `}`, []string{"#/syncs"}},
		{
			"a wrong option", `{"name":"n","options":{"emails":"all","currency":"EURO","massChangePercent":101},` + rest + `}`,
			[]string{"#/options/currency", "#/options/emails", "#/options/massChangePercent"},
		},
		{"a long name", `{"name":"` + strings.Repeat("n", 101) + `",` + rest + `}`, []string{"#/name"}},
	} {
		t.Run(tc.name, func(t *testing.T) {
			p := rawCreate(t, w, tc.body)
			var got []string
			for _, e := range p.Errors {
				got = append(got, e.Pointer)
				if e.Code == "" || !strings.Contains(e.Detail, "want") {
					t.Errorf("%+v does not say what is wanted", e)
				}
			}
			slices.Sort(got)
			if p.Status != http.StatusUnprocessableEntity || p.Code != v1.CodeInvalid || !slices.Equal(got, tc.pointers) {
				t.Errorf("got %d %s at %v, want 422 invalid at %v", p.Status, p.Code, got, tc.pointers)
			}
			nothingKept(t, w)
		})
	}
}
