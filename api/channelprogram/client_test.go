package channelprogram_test

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"channelsync/api/channelprogram"
	v1 "channelsync/api/v1"
	"channelsync/test/harness"
)

func handshake(maxBatch, maxBody int) map[string]any {
	return map[string]any{
		"id": connectionID, "accountName": "Contoso MSP", "state": "active",
		"syncs": []string{"active_customers"}, "currencies": []string{"USD"},
		"limits": map[string]any{"maxBatch": maxBatch, "maxBodyBytes": maxBody, "idempotencyTtlSeconds": 86400},
	}
}

func TestConnection(t *testing.T) {
	tg := newTarget(t, func(sent) reply { return reply{status: 200, body: handshake(50, 1<<20)} })
	var observed []string
	c := tg.client(func(cfg *channelprogram.Config) {
		cfg.Observe = func(op, result string, _ time.Duration) { observed = append(observed, op+" "+result) }
	})
	got, err := c.Connection(t.Context())
	harness.OK(t, err)
	want := channelprogram.Connection{
		ID: connectionID, AccountName: "Contoso MSP", State: channelprogram.ConnectionActive,
		Syncs: []v1.Sync{v1.SyncActiveCustomers}, Currencies: []string{"USD"},
		Limits: channelprogram.Limits{MaxBatch: 50, MaxBodyBytes: 1 << 20, IdempotencyTTLSeconds: 86400},
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
	if got.Usable() != nil {
		t.Errorf("active, yet %v", got.Usable())
	}
	if auth := tg.requests()[0].Auth; auth != "Bearer "+token {
		t.Errorf("Authorization %q", auth)
	}
	if !slices.Equal(observed, []string{"get connection ok"}) {
		t.Errorf("observed %v", observed)
	}
}

func TestAnswersThatBreakTheContract(t *testing.T) {
	rows := []struct {
		name string
		body any
	}{
		{"a page instead of JSON", "<html>sign in</html>"},
		{"nothing", ""},
		{"an unknown state", map[string]any{"id": connectionID, "state": "merry"}},
		{"another connection", map[string]any{"id": "conn-2", "state": "active"}},
		{"an endless body", strings.Repeat(" ", 9<<20)},
	}
	for _, row := range rows {
		t.Run(row.name, func(t *testing.T) {
			tg := newTarget(t, func(sent) reply { return reply{status: 200, body: row.body, wild: true} })
			_, err := tg.client().Connection(t.Context())
			if channelprogram.KindOf(err) != channelprogram.KindBreach {
				t.Errorf("got %v, want a breach", err)
			}
		})
	}
}

func TestPut(t *testing.T) {
	tg := newTarget(t, took(t))
	c := tg.client()
	res, err := c.PutClient(t.Context(), "42", client("Northwind Dental"))
	if err != nil || res.Outcome != channelprogram.OutcomeCreated || *res.TargetID != "t-42" {
		t.Fatalf("client: %+v, %v", res, err)
	}
	res, err = c.PutContract(t.Context(), "43", contract("Managed M365"))
	if err != nil || res.ExternalID != "43" {
		t.Fatalf("contract: %+v, %v", res, err)
	}
	got := tg.requests()
	for i, want := range []string{
		"PUT /v1/connections/conn-1/clients/42",
		"PUT /v1/connections/conn-1/contracts/43",
	} {
		if line := got[i].Method + " " + got[i].Path; line != want || got[i].Key != "" {
			t.Errorf("sent %q with key %q, want %q and none", line, got[i].Key, want)
		}
	}
}

func TestPutErrors(t *testing.T) {
	rows := []struct {
		name   string
		answer reply
		want   channelprogram.Kind
		code   string
	}{
		{"422", problem(422, "invalid_request", "name is too long"), channelprogram.KindRejected, "invalid_request"},
		{"429", problem(429, "quota_exceeded", "slow down"), channelprogram.KindThrottled, "quota_exceeded"},
		{"402", problem(402, "subscription_required", "no plan"), channelprogram.KindPause, "subscription_required"},
		{"503 without a body", reply{status: 503, wild: true}, channelprogram.KindUnavailable, "http_503"},
		{"redirect", reply{status: 307, header: map[string]string{"Location": "/elsewhere"}, wild: true}, channelprogram.KindPause, "redirect_refused"},
		{
			"200 with a rejected item",
			reply{status: 200, body: map[string]any{"externalId": "42", "outcome": "rejected", "problem": problem(422, "ambiguous_match", "two").body}},
			channelprogram.KindRejected, "ambiguous_match",
		},
		{
			"200 with a failed item",
			reply{status: 200, body: map[string]any{"externalId": "42", "outcome": "failed"}},
			channelprogram.KindFailed, "failed",
		},
		{
			"200 about another record",
			reply{status: 200, body: map[string]any{"externalId": "41", "outcome": "created"}},
			channelprogram.KindBreach, "contract_breach",
		},
		{
			"200 with an unknown outcome",
			reply{status: 200, body: map[string]any{"externalId": "42", "outcome": "maybe"}, wild: true},
			channelprogram.KindBreach, "contract_breach",
		},
		{"204", reply{status: 204, wild: true}, channelprogram.KindBreach, "contract_breach"},
	}
	for _, row := range rows {
		t.Run(row.name, func(t *testing.T) {
			tg := newTarget(t, func(sent) reply { return row.answer })
			res, err := tg.client().PutClient(t.Context(), "42", client("A"))
			e, ok := errors.AsType[*channelprogram.Error](err)
			if !ok || e.Kind != row.want || e.Code != row.code {
				t.Fatalf("got %v, want %s %s", err, row.want, row.code)
			}
			if res.ExternalID != "42" || len(tg.requests()) != 1 {
				t.Errorf("result %+v after %d requests, want it named after one", res, len(tg.requests()))
			}
			if strings.Contains(err.Error(), token) || strings.Contains(err.Error(), tg.URL) {
				t.Errorf("error shows the token or the address: %v", err)
			}
		})
	}
}

func TestIDsThatCannotBeSent(t *testing.T) {
	tg := newTarget(t, took(t))
	c := tg.client()
	for _, id := range []string{"", ".", "..", "a/b", "a b", "é", strings.Repeat("1", 129)} {
		if _, err := c.PutClient(t.Context(), id, client("A")); channelprogram.KindOf(err) != channelprogram.KindInvalid {
			t.Errorf("put %q: %v", id, err)
		}
		if _, err := c.GetClient(t.Context(), id); channelprogram.KindOf(err) != channelprogram.KindInvalid {
			t.Errorf("get %q: %v", id, err)
		}
	}
	if n := len(tg.requests()); n != 0 {
		t.Errorf("%d requests, want none", n)
	}
}

func TestReadBack(t *testing.T) {
	in, con := client("A"), contract("M")
	in.Emails = []channelprogram.Labelled{{Value: "a@a.example"}}
	tg := newTarget(t, func(s sent) reply {
		switch {
		case strings.HasSuffix(s.Path, "/404"):
			return problem(404, channelprogram.CodeClientNotFound, "no such client")
		case strings.Contains(s.Path, "/contracts/"):
			return reply{status: 200, body: channelprogram.StoredContract{ExternalID: "43", Data: con, Revision: 2, UpdatedAt: observedAt}}
		default:
			return reply{status: 200, body: channelprogram.StoredClient{ExternalID: "42", Data: in, UpdatedAt: observedAt}}
		}
	})
	c := tg.client()
	stored, err := c.GetClient(t.Context(), "42")
	harness.OK(t, err)
	want := in
	want.Phones, want.Websites = []channelprogram.Labelled{}, []channelprogram.Labelled{}
	if diff := cmp.Diff(want, stored.Data); diff != "" {
		t.Error(diff)
	}
	contract, err := c.GetContract(t.Context(), "43")
	if err != nil || contract.Revision != 2 {
		t.Fatalf("contract %+v, %v", contract, err)
	}
	if diff := cmp.Diff(con, contract.Data); diff != "" {
		t.Error(diff)
	}
	if _, err = c.GetClient(t.Context(), "404"); channelprogram.KindOf(err) != channelprogram.KindNotFound {
		t.Errorf("missing client: %v", err)
	}
}

func TestNetworkErrors(t *testing.T) {
	tg := newTarget(t, took(t))
	c := tg.client()
	tg.Close()
	_, err := c.PutClient(t.Context(), "42", client("A"))
	e, ok := errors.AsType[*channelprogram.Error](err)
	if !ok || e.Kind != channelprogram.KindUnavailable || e.Code != channelprogram.CodeNetwork || e.Cause == nil {
		t.Errorf("got %v", err)
	}
}

// roundTripper answers in memory, so that a test's clock can stand still.
type roundTripper func(*http.Request) (*http.Response, error)

func (f roundTripper) RoundTrip(r *http.Request) (*http.Response, error) { return f(r) }

func hang(r *http.Request) (*http.Response, error) {
	<-r.Context().Done()
	return nil, context.Cause(r.Context()) // as net/http does
}

func inMemory(t *testing.T, rt roundTripper, change ...func(*channelprogram.Config)) *channelprogram.Client {
	t.Helper()
	cfg := channelprogram.Config{
		BaseURL: "https://ingest.example.test", ConnectionID: connectionID, Token: token, Transport: rt,
	}
	for _, f := range change {
		f(&cfg)
	}
	c, err := channelprogram.New(cfg)
	harness.OK(t, err)
	return c
}

func TestDeadlines(t *testing.T) {
	single := func(ctx context.Context, c *channelprogram.Client) error {
		_, err := c.PutClient(ctx, "1", client("A"))
		return err
	}
	batch := func(ctx context.Context, c *channelprogram.Client) error {
		_, err := c.UpsertClients(ctx, items("1", "2"))
		return err
	}
	rows := []struct {
		name string
		most time.Duration
		call func(context.Context, *channelprogram.Client) error
		want time.Duration
		text string
	}{
		{"single", 0, single, 30 * time.Second, "put client: timeout: no answer within 30s"},
		{"batch", 0, batch, 30 * time.Second, "batch upsert clients: timeout: no answer within 30s"},
		{"lowered", time.Second, single, time.Second, "no answer within 1s"},
		{"never higher", time.Hour, single, 30 * time.Second, "no answer within 30s"},
	}
	for _, row := range rows {
		t.Run(row.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				c := inMemory(t, hang, func(cfg *channelprogram.Config) { cfg.Timeout = row.most })
				began := time.Now()
				err := row.call(t.Context(), c)
				if took := time.Since(began); took != row.want {
					t.Errorf("took %s, want %s", took, row.want)
				}
				if channelprogram.KindOf(err) != channelprogram.KindUnavailable || !strings.Contains(err.Error(), row.text) {
					t.Errorf("got %v, want %q", err, row.text)
				}
				if !errors.Is(err, context.DeadlineExceeded) {
					t.Error("the cause is lost")
				}
			})
		})
	}
}

func TestTheCallersContext(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var results []string
		c := inMemory(t, hang, func(cfg *channelprogram.Config) {
			cfg.Observe = func(_, result string, _ time.Duration) { results = append(results, result) }
		})
		stop := errors.New("stopping")
		ctx, cancel := context.WithCancelCause(t.Context())
		time.AfterFunc(time.Second, func() { cancel(stop) })
		_, err := c.PutClient(ctx, "1", client("A"))
		if !errors.Is(err, stop) || channelprogram.KindOf(err) != "" {
			t.Errorf("cancelled: got %v, want the caller's cause and no kind", err)
		}
		// Whoever's deadline comes first, ours or the caller's: no answer came in time.
		for _, within := range []time.Duration{3 * time.Second, channelprogram.Timeout} {
			says := fmt.Sprintf("push: not within %s", within)
			short, cancelShort := context.WithTimeoutCause(t.Context(), within, errors.New(says))
			_, err = c.PutClient(short, "1", client("A"))
			cancelShort()
			e, ok := errors.AsType[*channelprogram.Error](err)
			if !ok || e.Kind != channelprogram.KindUnavailable || e.Code != channelprogram.CodeTimeout {
				t.Fatalf("the caller's deadline of %s: got %v, want a timeout", within, err)
			}
			if within < channelprogram.Timeout && !strings.Contains(err.Error(), says) {
				t.Errorf("%v does not say %q", err, says)
			}
		}
		if !slices.Equal(results, []string{"cancelled", "unavailable", "unavailable"}) {
			t.Errorf("observed %v", results)
		}
	})
}
