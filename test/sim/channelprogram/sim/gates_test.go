package sim

import (
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

func TestGates(t *testing.T) {
	tr := start(t, Config{MaxBodyBytes: 4096, Connections: []Connection{
		{ID: testConnection, Token: testToken, OldToken: "token-0"},
		{ID: "other", Token: "token-other"},
	}})
	good := client("Acme", 0)
	put := func(change func(*http.Request)) *http.Request {
		r := tr.request(http.MethodPut, "/clients/174", good)
		change(r)
		return r
	}
	authorise := func(value string) func(*http.Request) {
		return func(r *http.Request) { r.Header.Set("Authorization", value) }
	}
	media := func(value string) func(*http.Request) {
		return func(r *http.Request) { r.Header.Set("Content-Type", value) }
	}
	at := func(path string) func(*http.Request) {
		return func(r *http.Request) { r.URL.Path, r.URL.RawPath = path, "" }
	}
	for _, c := range []struct {
		name    string
		request *http.Request
		status  int
		code    string
	}{
		{"the right token", put(func(*http.Request) {}), 201, ""},
		{"the token that is being rotated out", put(authorise("Bearer token-0")), 200, ""},
		{"the scheme in any case", put(authorise("bearer " + testToken)), 200, ""},
		{"no token", put(func(r *http.Request) { r.Header.Del("Authorization") }), 401, CodeUnauthenticated},
		{"another scheme", put(authorise("Basic " + testToken)), 401, CodeUnauthenticated},
		{"an unknown token", put(authorise("Bearer nobody's")), 401, CodeUnauthenticated},
		{"another connection's token", put(authorise("Bearer token-other")), 401, CodeUnauthenticated},
		{"an unknown connection", put(at("/v1/connections/none/clients/174")), 404, CodeConnectionNotFound},
		{"an unknown path", put(at("/v1/connections/" + testConnection + "/people/1")), 404, CodeNotFound},
		{"another version", put(at("/v1/clients/1")), 404, CodeNotFound},
		{
			"an external id that cannot be", put(at("/v1/connections/" + testConnection + "/clients/a b")), 422,
			CodeInvalidRequest,
		},
		{"an external id too long", put(at("/v1/connections/" + testConnection + "/clients/" +
			strings.Repeat("1", 129))), 422, CodeInvalidRequest},
		{"an external id of dots", put(at("/v1/connections/" + testConnection + "/clients/..")), 201, ""},
		{"DELETE", tr.request(http.MethodDelete, "/clients/174", nil), 405, CodeMethodNotAllowed},
		{"POST of one", tr.request(http.MethodPost, "/clients/174", good), 405, CodeMethodNotAllowed},
		{"GET of a batch", tr.request(http.MethodGet, "/clients/batch/upsert", nil), 405, CodeMethodNotAllowed},
		{"JSON with a charset", put(media("application/json; charset=utf-8")), 200, ""},
		{"another media type", put(media("text/plain")), 415, CodeUnsupportedMediaType},
		{"no media type", put(func(r *http.Request) { r.Header.Del("Content-Type") }), 415, CodeUnsupportedMediaType},
		{
			"too large", tr.request(http.MethodPut, "/clients/174", client(strings.Repeat("x", 5000), 0)), 413,
			CodePayloadTooLarge,
		},
		{"not JSON", tr.request(http.MethodPut, "/clients/174", `{"name":`), 400, CodeInvalidRequest},
		{"two JSON values", tr.request(http.MethodPut, "/clients/174", `{} {}`), 400, CodeInvalidRequest},
		{"not UTF-8", tr.request(http.MethodPut, "/clients/174", "\"\xff\""), 400, CodeInvalidRequest},
		{"an empty body", tr.request(http.MethodPut, "/clients/174", ""), 400, CodeInvalidRequest},
		{"no client yet", tr.request(http.MethodGet, "/clients/999", nil), 404, CodeClientNotFound},
		{"no contract yet", tr.request(http.MethodGet, "/contracts/999", nil), 404, CodeContractNotFound},
	} {
		t.Run(c.name, func(t *testing.T) {
			g := tr.do(t, c.request)
			if g.status != c.status {
				t.Fatalf("status %d, want %d: %s", g.status, c.status, g.body)
			}
			if id := g.header.Get("X-Request-Id"); id == "" {
				t.Error("no X-Request-Id")
			}
			if c.code == "" {
				return
			}
			p := g.problem(t)
			if p.Code != c.code || p.Status != c.status || p.RequestID != g.header.Get("X-Request-Id") || p.Detail == "" {
				t.Errorf("problem %+v, want code %s", p, c.code)
			}
			if kind := g.header.Get("Content-Type"); kind != "application/problem+json" {
				t.Errorf("content type %q", kind)
			}
			if c.status == 405 && g.header.Get("Allow") == "" {
				t.Error("a 405 without Allow")
			}
		})
	}
}

func TestHandshake(t *testing.T) {
	tr := start(t, Config{MaxBatch: 50, Connections: []Connection{{
		ID: testConnection, Token: testToken, AccountName: "Acme MSP",
		Syncs: []string{SyncActiveCustomers}, Currencies: []string{"USD"},
	}}})
	want := connectionAnswer{
		ID: testConnection, AccountName: "Acme MSP", State: StateActive,
		Syncs: []string{SyncActiveCustomers}, Currencies: []string{"USD"},
		Limits: limits{MaxBatch: 50, MaxBodyBytes: 1 << 20, IdempotencyTTLSeconds: 86400},
	}
	for _, state := range []string{StateActive, StatePaused, StateUninstalled, StateActive} {
		if err := tr.SetState(testConnection, state); err != nil {
			t.Fatal(err)
		}
		want.State = state
		g := tr.get(t, "")
		var have connectionAnswer
		g.into(t, &have)
		if diff := cmp.Diff(want, have); diff != "" || g.status != 200 {
			t.Errorf("status %d, %s", g.status, diff)
		}
	}
}

func TestClosedConnectionTakesNothing(t *testing.T) {
	tr := start(t, Config{})
	tr.put(t, "/clients/1", client("Acme", 0))
	for _, c := range []struct {
		state, code string
		status      int
	}{
		{StatePaused, CodeConnectionPaused, 409},
		{StateUninstalled, CodeConnectionUninstalled, 410},
	} {
		if err := tr.SetState(testConnection, c.state); err != nil {
			t.Fatal(err)
		}
		for _, g := range []got{
			tr.put(t, "/clients/1", client("Acme 2", 1)),
			tr.get(t, "/clients/1"),
			tr.post(t, "/contracts/batch/upsert", keyOf(1), batchOf(batchInput{"9", agreement(ClientRef{"1", "A"}, 1)})),
		} {
			if g.status != c.status || g.problem(t).Code != c.code {
				t.Errorf("%s: %d %s", c.state, g.status, g.body)
			}
		}
	}
	if held, _ := tr.Client(testConnection, "1"); held.Data.Name != "Acme" || len(tr.Contracts(testConnection)) != 0 {
		t.Errorf("a closed connection took a push: %+v", held)
	}
}

func TestTokensRotate(t *testing.T) {
	tr := start(t, Config{})
	if err := tr.SetTokens(testConnection, "fresh", testToken); err != nil {
		t.Fatal(err)
	}
	if g := tr.get(t, ""); g.status != 200 {
		t.Errorf("the old token during the rotation: %d", g.status)
	}
	if err := tr.SetTokens(testConnection, "fresh", ""); err != nil {
		t.Fatal(err)
	}
	if g := tr.get(t, ""); g.status != 401 {
		t.Errorf("the old token after the rotation: %d", g.status)
	}
}

func TestQuota(t *testing.T) {
	tr := start(t, Config{Quota: 2, QuotaWindow: 10 * time.Second})
	first := tr.get(t, "")
	if policy, left := first.header.Get("RateLimit-Policy"), first.header.Get("RateLimit"); policy !=
		`"default";q=2;w=10` || left != `"default";r=1;t=10` {
		t.Errorf("headers %s and %s", policy, left)
	}
	tr.clock.advance(4 * time.Second)
	if left := tr.get(t, "").header.Get("RateLimit"); left != `"default";r=0;t=6` {
		t.Errorf("RateLimit %s", left)
	}
	over := tr.get(t, "")
	if p := over.problem(t); over.status != 429 || p.Code != CodeQuotaExceeded || !p.Retryable {
		t.Errorf("over the quota: %d %s", over.status, over.body)
	}
	if wait := over.header.Get("Retry-After"); wait != "6" {
		t.Errorf("Retry-After %q, want 6", wait)
	}
	tr.clock.advance(6 * time.Second)
	if g := tr.get(t, ""); g.status != 200 {
		t.Errorf("in the next window: %d", g.status)
	}
}

func TestConfigThatMakesNoSense(t *testing.T) {
	one := Connection{ID: "a", Token: "t"}
	for name, config := range map[string]Config{
		"batch over the contract's": {MaxBatch: 101},
		"negative quota":            {Quota: -1},
		"no id":                     {Connections: []Connection{{Token: "t"}}},
		"id with a slash":           {Connections: []Connection{{ID: "a/b", Token: "t"}}},
		"no token":                  {Connections: []Connection{{ID: "a"}}},
		"the same id twice":         {Connections: []Connection{one, one}},
		"unknown sync":              {Connections: []Connection{{ID: "a", Token: "t", Syncs: []string{"all"}}}},
		"currency in small letters": {Connections: []Connection{{ID: "a", Token: "t", Currencies: []string{"usd"}}}},
		"unknown state":             {Connections: []Connection{{ID: "a", Token: "t", State: "asleep"}}},
	} {
		if _, err := New(config); err == nil {
			t.Errorf("%s: taken", name)
		}
	}
}
