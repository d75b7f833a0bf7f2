package channelprogram_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"channelsync/api/channelprogram"
	"channelsync/test/harness"
)

func numbered(n int) []string {
	ids := make([]string, n)
	for i := range ids {
		ids[i] = fmt.Sprint(1000 + i)
	}
	return ids
}

// checkResults wants one answered result for each id, in order.
func checkResults(t *testing.T, ids []string, got []channelprogram.ItemResult) {
	t.Helper()
	if len(got) != len(ids) {
		t.Fatalf("%d results for %d items", len(got), len(ids))
	}
	for i, res := range got {
		if res.ExternalID != ids[i] || res.Outcome == "" {
			t.Errorf("result %d is %q of %q, want an answer of %q", i, res.Outcome, res.ExternalID, ids[i])
		}
	}
}

// sizes cuts items and returns how many each request carries.
func sizes(c *channelprogram.Client, most int, ids ...string) []int {
	var out []int
	for _, part := range channelprogram.Cut(c, items(ids...), most) {
		out = append(out, len(part))
	}
	return out
}

func TestCutByTheLimits(t *testing.T) {
	rows := []struct {
		name              string
		maxBatch, maxBody int // of the handshake; 0, 0: none was made
		most              int
		items             int
		want              []int
	}{
		{"the default", 0, 0, 0, 201, []int{100, 100, 1}},
		{"fewer than the target takes", 0, 0, 30, 70, []int{30, 30, 10}},
		{"more than the target takes", 4, 1 << 20, 30, 10, []int{4, 4, 2}},
		{"fewer in a batch", 4, 1 << 20, 0, 10, []int{4, 4, 2}},
		{"more than the document allows", 5000, 1 << 20, 0, 101, []int{100, 1}},
		{"nonsense", -1, -1, 0, 10, []int{10}},
		{"bytes", 100, 800, 0, 10, []int{3, 3, 3, 1}},
		{"nothing", 0, 0, 0, 0, nil},
	}
	for _, row := range rows {
		t.Run(row.name, func(t *testing.T) {
			tg := newTarget(t, func(s sent) reply {
				if s.Method == http.MethodGet {
					return reply{status: 200, body: handshake(row.maxBatch, row.maxBody)}
				}
				if row.maxBody > 0 && len(s.Body) > row.maxBody {
					t.Errorf("body of %d bytes, limit %d", len(s.Body), row.maxBody)
				}
				return took(t)(s)
			})
			c := tg.client()
			if row.maxBatch != 0 {
				if _, err := c.Connection(t.Context()); err != nil {
					t.Fatal(err)
				}
			}
			ids := numbered(row.items)
			if got := sizes(c, row.most, ids...); !slices.Equal(got, row.want) {
				t.Errorf("cut into %v, want %v", got, row.want)
			}
			var got []channelprogram.ItemResult
			for _, part := range channelprogram.Cut(c, items(ids...), row.most) {
				results, err := c.UpsertClients(t.Context(), part)
				harness.OK(t, err)
				got = append(got, results...)
			}
			checkResults(t, ids, got)
		})
	}
}

func TestUpsertIsOneRequestWithAKeyOfItsOwn(t *testing.T) {
	tg := newTarget(t, took(t))
	c := tg.client()
	for _, ids := range [][]string{{"1", "2"}, {"3"}, {"1", "2"}} {
		got, err := c.UpsertClients(t.Context(), items(ids...))
		harness.OK(t, err)
		checkResults(t, ids, got)
	}
	keys := map[string]bool{}
	for _, s := range tg.requests() {
		if s.Method != http.MethodPost {
			t.Errorf("sent by %s", s.Method)
		}
		keys[s.Key] = true
	}
	if len(tg.requests()) != 3 || len(keys) != 2 {
		t.Errorf("%d requests with %d keys, want three with two: the same body has the same", len(tg.requests()), len(keys))
	}
}

func TestUpsertOfContracts(t *testing.T) {
	tg := newTarget(t, took(t))
	in := []channelprogram.Item[channelprogram.ContractInput]{
		{ExternalID: "1", Data: contract("A")}, {ExternalID: "2", Data: contract("B")},
	}
	got, err := tg.client().UpsertContracts(t.Context(), in)
	harness.OK(t, err)
	checkResults(t, []string{"1", "2"}, got)
	if path := tg.requests()[0].Path; path != "/v1/connections/conn-1/contracts/batch/upsert" {
		t.Errorf("sent to %s", path)
	}
}

func TestUpsertOfNothing(t *testing.T) {
	tg := newTarget(t, took(t))
	got, err := tg.client().UpsertClients(t.Context(), nil)
	if err != nil || len(got) != 0 || len(tg.requests()) != 0 {
		t.Errorf("got %v, %v after %d requests", got, err, len(tg.requests()))
	}
}

func TestMixedResultsStayWithTheirItems(t *testing.T) {
	bad := map[string]map[string]any{
		"1001": {"externalId": "1001", "outcome": "rejected", "problem": map[string]any{
			"type": "about:blank", "title": "Rejected", "status": 422, "code": "currency_unsupported",
		}},
		"1003": {"externalId": "1003", "outcome": "failed", "retryable": true},
	}
	tg := newTarget(t, func(s sent) reply { return batchOf(s.inputs(t), bad) })
	ids := numbered(5)
	got, err := tg.client().UpsertClients(t.Context(), items(ids...))
	harness.OK(t, err)
	checkResults(t, ids, got)
	want := []channelprogram.Kind{"", channelprogram.KindRejected, "", channelprogram.KindFailed, ""}
	for i, res := range got {
		if kind := channelprogram.KindOf(res.Err()); kind != want[i] {
			t.Errorf("item %s: %v, want kind %q", res.ExternalID, res.Err(), want[i])
		}
	}
	if n := len(tg.requests()); n != 1 {
		t.Errorf("%d requests: a failed item must not be repeated here", n)
	}
}

// The same id twice would have the whole batch refused; the later one must also be the later write.
func TestTheSameIDTwiceGoesInTwoRequestsInOrder(t *testing.T) {
	c := newTarget(t, took(t)).client()
	if got := sizes(c, 0, "1", "2", "1", "3"); !slices.Equal(got, []int{2, 2}) {
		t.Errorf("cut into %v", got)
	}
}

// TestAnyFailureIsThatOfTheWholeRequest: whatever is answered, the client sends nothing
// of it again, and who is to blame is for the caller to find out.
func TestAnyFailureIsThatOfTheWholeRequest(t *testing.T) {
	for name, row := range map[string]struct {
		answer reply
		kind   channelprogram.Kind
		says   string
	}{
		"400":               {problem(400, "invalid_request", "bad input"), channelprogram.KindInvalid, "HTTP 400 invalid_request: bad input"},
		"401":               {problem(401, "unauthenticated", "no"), channelprogram.KindPause, "HTTP 401"},
		"403 with a page":   {reply{status: 403, body: "<html><style>p{}</style><h1>Request&nbsp;blocked</h1><script>x()</script>Rule 7</html>", wild: true}, channelprogram.KindPause, `"Request blocked Rule 7"`},
		"409":               {problem(409, "something_else", "no"), channelprogram.KindFailed, "HTTP 409"},
		"413":               {problem(413, "too_large", "over the limit"), channelprogram.KindInvalid, "HTTP 413 too_large"},
		"422":               {problem(422, "invalid_request", "bad input"), channelprogram.KindRejected, "HTTP 422"},
		"429":               {problem(429, "quota_exceeded", "no"), channelprogram.KindThrottled, "HTTP 429"},
		"500":               {problem(500, "oops", "no"), channelprogram.KindUnavailable, "HTTP 500 oops"},
		"502 without words": {reply{status: 502, body: "", wild: true}, channelprogram.KindUnavailable, "HTTP 502 http_502"},
		"no results": {
			reply{status: 207, body: map[string]any{"results": []any{}, "summary": map[string]any{}}, wild: true}, channelprogram.KindBreach, "0 results for 3 inputs",
		},
		"one result too few": {
			reply{status: 207, body: map[string]any{"results": []any{created("1000"), created("1001")}}, wild: true}, channelprogram.KindBreach, "2 results for 3 inputs",
		},
		"one result too many": {reply{status: 207, body: map[string]any{
			"results": []any{created("1000"), created("1001"), created("1002"), created("1003")},
		}, wild: true}, channelprogram.KindBreach, "4 results for 3 inputs"},
		"another order": {reply{status: 207, body: map[string]any{
			"results": []any{created("1001"), created("1000"), created("1002")},
		}, wild: true}, channelprogram.KindBreach, "result 0: it is about \"1001\""},
		"an unknown outcome": {reply{status: 207, body: map[string]any{
			"results": []any{created("1000"), created("1001"), map[string]any{"externalId": "1002", "outcome": "perhaps"}},
		}, wild: true}, channelprogram.KindBreach, `outcome is "perhaps"`},
		"no JSON": {reply{status: 200, body: "<html>sign in</html>", wild: true}, channelprogram.KindBreach, "sign in"},
	} {
		t.Run(name, func(t *testing.T) {
			tg := newTarget(t, func(sent) reply { return row.answer })
			got, err := tg.client().UpsertClients(t.Context(), items(numbered(3)...))
			if channelprogram.KindOf(err) != row.kind || len(got) != 0 || !strings.Contains(fmt.Sprint(err), row.says) {
				t.Errorf("got %v with %d results, want kind %s saying %q", err, len(got), row.kind, row.says)
			}
			if n := len(tg.requests()); n != 1 {
				t.Errorf("%d requests, want one", n)
			}
		})
	}
}

// TestAnAnswerThatRepeatsTheTokenIsMasked: pages of gateways show the request they refused.
func TestAnAnswerThatRepeatsTheTokenIsMasked(t *testing.T) {
	for _, status := range []int{200, 403} {
		tg := newTarget(t, func(sent) reply {
			return reply{status: status, body: "blocked: Bearer " + token + " from you", wild: true}
		})
		_, err := tg.client().PutClient(t.Context(), "1", client("A"))
		if text := fmt.Sprint(err); strings.Contains(text, token) || !strings.Contains(text, "blocked: Bearer") {
			t.Errorf("%d: %s", status, text)
		}
	}
}

func TestAnIDThatCannotBeSentIsNotSent(t *testing.T) {
	tg := newTarget(t, took(t))
	_, err := tg.client().UpsertClients(t.Context(), items("1", "a/b", "3"))
	if channelprogram.KindOf(err) != channelprogram.KindInvalid || !strings.Contains(err.Error(), "a/b") || len(tg.requests()) != 0 {
		t.Errorf("got %v after %d requests", err, len(tg.requests()))
	}
}

// inProgress answers 409 so many times, then takes the batch, in memory.
func inProgress(t *testing.T, times int, seen *[]string, retryAfter string) roundTripper {
	return func(r *http.Request) (*http.Response, error) {
		body, err := io.ReadAll(r.Body)
		if err != nil {
			return nil, err
		}
		*seen = append(*seen, r.Header.Get("Idempotency-Key")+string(body))
		status, text := 409, `{"type":"about:blank","title":"Conflict","status":409,"code":"idempotency_in_progress"}`
		if len(*seen) > times {
			b, err := json.Marshal(batchOf(sent{Body: body}.inputs(t), nil).body)
			if err != nil {
				return nil, err
			}
			status, text = 200, string(b)
		}
		h := http.Header{}
		if retryAfter != "" {
			h.Set("Retry-After", retryAfter)
		}
		return &http.Response{StatusCode: status, Header: h, Body: io.NopCloser(strings.NewReader(text)), Request: r}, nil
	}
}

func TestARequestStillInProgressIsAskedAgainUnderTheSameKey(t *testing.T) {
	rows := []struct {
		name       string
		times      int
		retryAfter string
		tries      int
		took       time.Duration
		want       channelprogram.Kind
	}{
		{"once", 1, "", 2, 250 * time.Millisecond, ""},
		{"three times", 3, "", 4, 1750 * time.Millisecond, ""},
		{"the target names the wait", 1, "2", 2, 2 * time.Second, ""},
		{"an absurd wait is cut", 1, "3600", 2, 3 * time.Second, ""},
		{"for ever", 1000, "", 5, 3750 * time.Millisecond, channelprogram.KindUnavailable},
	}
	for _, row := range rows {
		t.Run(row.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				var seen []string
				c := inMemory(t, inProgress(t, row.times, &seen, row.retryAfter))
				began := time.Now()
				_, err := c.UpsertClients(t.Context(), items("1", "2"))
				if channelprogram.KindOf(err) != row.want {
					t.Errorf("got %v, want kind %q", err, row.want)
				}
				if len(seen) != row.tries || time.Since(began) != row.took {
					t.Errorf("%d tries in %s, want %d in %s", len(seen), time.Since(began), row.tries, row.took)
				}
				for _, s := range seen {
					if s != seen[0] {
						t.Error("key or body changed between tries")
					}
				}
			})
		})
	}
}

func TestWaitingForARequestInProgressEndsWithTheContext(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var seen []string
		c := inMemory(t, inProgress(t, 1000, &seen, ""))
		stop := errors.New("stopping")
		ctx, cancel := context.WithCancelCause(t.Context())
		time.AfterFunc(100*time.Millisecond, func() { cancel(stop) })
		_, err := c.UpsertClients(ctx, items("1", "2"))
		if !errors.Is(err, stop) || len(seen) != 1 {
			t.Errorf("got %v after %d tries", err, len(seen))
		}
	})
}
