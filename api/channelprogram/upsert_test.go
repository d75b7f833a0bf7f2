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

func TestUpsertSplitsByTheDefaultLimit(t *testing.T) {
	tg := newTarget(t, took(t))
	ids := numbered(201)
	got, err := tg.client().UpsertClients(t.Context(), items(ids...))
	if err != nil {
		t.Fatal(err)
	}
	checkResults(t, ids, got)
	var sizes []int
	keys := map[string]bool{}
	for _, s := range tg.requests() {
		if s.Method == http.MethodPut {
			sizes = append(sizes, 1)
			continue
		}
		sizes = append(sizes, len(s.inputs(t)))
		keys[s.Key] = true
	}
	if !slices.Equal(sizes, []int{100, 100, 1}) {
		t.Errorf("sent %v, want two full batches and one record alone", sizes)
	}
	if len(keys) != 2 {
		t.Errorf("%d idempotency keys for two batches", len(keys))
	}
}

func TestUpsertReadsTheLimitsFromTheHandshake(t *testing.T) {
	rows := []struct {
		name              string
		maxBatch, maxBody int
		wantMost          int // items in a request
		wantRequests      int
	}{
		{"fewer in a batch", 4, 1 << 20, 4, 3},
		{"more than the document allows", 5000, 1 << 20, 10, 1},
		{"nonsense", 0, -1, 10, 1},
		{"bytes", 100, 800, 3, 4},
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
			if _, err := c.Connection(t.Context()); err != nil {
				t.Fatal(err)
			}
			ids := numbered(10)
			got, err := c.UpsertClients(t.Context(), items(ids...))
			if err != nil {
				t.Fatal(err)
			}
			checkResults(t, ids, got)
			most, requests := 0, tg.requests()[1:]
			for _, s := range requests {
				n := 1
				if s.Method == http.MethodPost {
					n = len(s.inputs(t))
				}
				most = max(most, n)
			}
			if most != row.wantMost || len(requests) != row.wantRequests {
				t.Errorf("%d requests of at most %d, want %d of %d", len(requests), most, row.wantRequests, row.wantMost)
			}
		})
	}
}

func TestUpsertOfContracts(t *testing.T) {
	tg := newTarget(t, took(t))
	in := []channelprogram.Item[channelprogram.ContractInput]{
		{ExternalID: "1", Data: contract("A")}, {ExternalID: "2", Data: contract("B")},
	}
	got, err := tg.client().UpsertContracts(t.Context(), in)
	if err != nil {
		t.Fatal(err)
	}
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
	if err != nil {
		t.Fatal(err)
	}
	checkResults(t, ids, got)
	want := []channelprogram.Kind{"", channelprogram.KindRejected, "", channelprogram.KindFailed, ""}
	for i, res := range got {
		if kind := channelprogram.KindOf(res.Err()); kind != want[i] || res.Breach {
			t.Errorf("item %s: %v (breach: %v), want kind %q", res.ExternalID, res.Err(), res.Breach, want[i])
		}
	}
	if n := len(tg.requests()); n != 1 {
		t.Errorf("%d requests: a failed item must not be repeated here", n)
	}
}

// The same id twice would have the whole batch refused; the later one must also be the later write.
func TestTheSameIDTwiceGoesInTwoRequestsInOrder(t *testing.T) {
	tg := newTarget(t, took(t))
	in := items("1", "2", "1", "3")
	in[2].Data.Name = "newer"
	got, err := tg.client().UpsertClients(t.Context(), in)
	if err != nil {
		t.Fatal(err)
	}
	checkResults(t, []string{"1", "2", "1", "3"}, got)
	reqs := tg.requests()
	if len(reqs) != 2 || !strings.Contains(string(reqs[1].Body), "newer") || strings.Contains(string(reqs[0].Body), "newer") {
		t.Errorf("sent %d requests: %q", len(reqs), reqs)
	}
}

func TestABatchThatIsTooLargeIsHalved(t *testing.T) {
	rows := []struct {
		name  string
		refus reply
		kind  channelprogram.Kind
	}{
		{"413", problem(413, "too_large", "over the limit"), channelprogram.KindInvalid},
		{"422 of the whole batch", problem(422, "invalid_request", "bad input"), channelprogram.KindRejected},
	}
	for _, row := range rows {
		t.Run(row.name, func(t *testing.T) {
			tg := newTarget(t, func(s sent) reply {
				if strings.Contains(string(s.Body), "Client 1002") { // this one alone is to blame
					return row.refus
				}
				return took(t)(s)
			})
			ids := numbered(8)
			got, err := tg.client().UpsertClients(t.Context(), items(ids...))
			if err != nil {
				t.Fatal(err)
			}
			checkResults(t, ids, got)
			for i, res := range got {
				want := channelprogram.Kind("")
				if i == 2 {
					want = row.kind
				}
				if channelprogram.KindOf(res.Err()) != want {
					t.Errorf("item %s: %v, want kind %q", res.ExternalID, res.Err(), want)
				}
			}
		})
	}
}

func TestOtherRefusalsOfABatchAreEveryItemsOwn(t *testing.T) {
	for status, want := range map[int]channelprogram.Kind{
		400: channelprogram.KindInvalid, 405: channelprogram.KindInvalid, 415: channelprogram.KindInvalid,
		409: channelprogram.KindFailed,
	} {
		tg := newTarget(t, func(sent) reply { return problem(status, "no", "no") })
		ids := numbered(3)
		got, err := tg.client().UpsertClients(t.Context(), items(ids...))
		if err != nil {
			t.Fatalf("%d: %v", status, err)
		}
		checkResults(t, ids, got)
		for _, res := range got {
			if channelprogram.KindOf(res.Err()) != want {
				t.Errorf("%d: %v, want kind %s", status, res.Err(), want)
			}
		}
		if n := len(tg.requests()); n != 1 {
			t.Errorf("%d: %d requests, want one", status, n)
		}
	}
}

func TestABatchAnswerThatBreaksTheContractIsRepeatedSingly(t *testing.T) {
	rows := []struct {
		name string
		body any
	}{
		{"no results", map[string]any{"results": []any{}, "summary": map[string]any{}}},
		{"one result too few", map[string]any{"results": []any{created("1000"), created("1001")}}},
		{"one result too many", map[string]any{"results": []any{created("1000"), created("1001"), created("1002"), created("1003")}}},
		{"another order", map[string]any{"results": []any{created("1001"), created("1000"), created("1002")}}},
		{"an unknown outcome", map[string]any{"results": []any{
			created("1000"), created("1001"), map[string]any{"externalId": "1002", "outcome": "perhaps"},
		}}},
		{"no JSON", "<html>"},
	}
	for _, row := range rows {
		t.Run(row.name, func(t *testing.T) {
			tg := newTarget(t, func(s sent) reply {
				if s.Method == http.MethodPost {
					return reply{status: 207, body: row.body, wild: true}
				}
				if strings.HasSuffix(s.Path, "1001") {
					return problem(422, "invalid_request", "bad")
				}
				return took(t)(s)
			})
			ids := numbered(3)
			got, err := tg.client().UpsertClients(t.Context(), items(ids...))
			if err != nil {
				t.Fatal(err)
			}
			checkResults(t, ids, got)
			for i, res := range got {
				if !res.Breach {
					t.Errorf("item %s is not flagged", res.ExternalID)
				}
				if rejected := channelprogram.KindOf(res.Err()) == channelprogram.KindRejected; rejected != (i == 1) {
					t.Errorf("item %s: %v", res.ExternalID, res.Err())
				}
			}
			if n := len(tg.requests()); n != 4 {
				t.Errorf("%d requests, want the batch and three PUTs", n)
			}
		})
	}
}

func TestAFailureOfTheRoadKeepsWhatWasAnswered(t *testing.T) {
	for _, answer := range []reply{
		problem(401, "unauthenticated", "no"), problem(402, "subscription_required", "no"), problem(403, "forbidden", "no"),
		problem(409, "connection_paused", "no"), problem(410, "gone", "no"), problem(429, "quota_exceeded", "no"),
		problem(500, "oops", "no"), problem(503, "down", "no"),
	} {
		t.Run(fmt.Sprint(answer.status), func(t *testing.T) {
			posts := 0
			tg := newTarget(t, func(s sent) reply {
				if posts++; posts == 2 {
					return answer
				}
				return took(t)(s)
			})
			ids := numbered(300)
			got, err := tg.client().UpsertClients(t.Context(), items(ids...))
			if !channelprogram.KindOf(err).OfTheRoad() {
				t.Fatalf("got %v, want a failure of the road", err)
			}
			if len(got) != 300 {
				t.Fatalf("%d results", len(got))
			}
			for i, res := range got {
				if answered := res.Outcome != ""; answered != (i < 100) || res.ExternalID != ids[i] || res.Err() != nil {
					t.Fatalf("result %d: %+v", i, res)
				}
			}
			if posts != 2 {
				t.Errorf("%d requests, want no more after the failure", posts)
			}
		})
	}
}

func TestABreachOfTheSingleRecordStopsToo(t *testing.T) {
	tg := newTarget(t, func(sent) reply { return reply{status: 200, body: "<html>sign in</html>", wild: true} })
	got, err := tg.client().UpsertClients(t.Context(), items("1", "2", "3"))
	if channelprogram.KindOf(err) != channelprogram.KindBreach || len(got) != 3 {
		t.Errorf("got %v with %d results, want a breach", err, len(got))
	}
	if n := len(tg.requests()); n != 2 {
		t.Errorf("%d requests, want the batch and one PUT", n)
	}
}

func TestAnIDThatCannotBeSentCostsTheOthersNothing(t *testing.T) {
	tg := newTarget(t, took(t))
	got, err := tg.client().UpsertClients(t.Context(), items("1", "a/b", "3"))
	if err != nil {
		t.Fatal(err)
	}
	checkResults(t, []string{"1", "a/b", "3"}, got)
	if channelprogram.KindOf(got[1].Err()) != channelprogram.KindInvalid || got[0].Err() != nil || got[2].Err() != nil {
		t.Errorf("got %v, %v, %v", got[0].Err(), got[1].Err(), got[2].Err())
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
