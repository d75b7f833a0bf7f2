package reconcile

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"channelsync/sync/upstream"

	"channelsync/api/channelprogram"
	v1 "channelsync/api/v1"
	"channelsync/test/harness"
	atsim "channelsync/test/sim/autotask/sim"
	cpsim "channelsync/test/sim/channelprogram/sim"
)

const poison = "Poison & Sons"

// targetPoisons are what a target may do whenever a record of a certain name is sent to it.
func targetPoisons() map[string]struct {
	fault cpsim.Fault
	says  []string // what its failure tells a person
} {
	answer := func(status int, contentType, body string) cpsim.Fault {
		return cpsim.Fault{Kind: cpsim.FaultAnswer, Status: status, ContentType: contentType, Body: body}
	}
	const problem = "application/problem+json"
	return map[string]struct {
		fault cpsim.Fault
		says  []string
	}{
		"400":                          {answer(400, problem, `{"type":"about:blank","title":"Bad","status":400,"code":"invalid_request","detail":"no ampersands"}`), []string{"HTTP 400 invalid_request", "no ampersands"}},
		"400 with a page":              {answer(400, "", "<html><h1>Bad Request</h1></html>"), []string{"HTTP 400", "Bad Request", "text/html"}},
		"401":                          {answer(401, problem, `{"type":"about:blank","title":"No","status":401,"code":"unauthenticated"}`), []string{"HTTP 401"}},
		"403 with a page":              {answer(403, "", "<html><title>Request blocked</title></html>"), []string{"HTTP 403", "Request blocked", "firewall"}},
		"404 with a page":              {answer(404, "", "<html>Not here</html>"), []string{"HTTP 404", "Not here"}},
		"409":                          {answer(409, problem, `{"type":"about:blank","title":"No","status":409,"code":"something_else","detail":"conflict"}`), []string{"HTTP 409 something_else"}},
		"413":                          {answer(413, "", ""), []string{"HTTP 413", "Shorten"}},
		"500":                          {cpsim.Fault{Kind: cpsim.FaultServerError}, []string{"HTTP 500"}},
		"502":                          {answer(502, "", "<h1>Bad gateway</h1>"), []string{"HTTP 502", "Bad gateway"}},
		"504":                          {answer(504, "", ""), []string{"HTTP 504"}},
		"a cut connection":             {cpsim.Fault{Kind: cpsim.FaultReset}, []string{"cut connection"}},
		"a lost answer":                {cpsim.Fault{Kind: cpsim.FaultLostResponse}, []string{"cut connection"}},
		"an answer of another API":     {answer(200, "application/json", `{"ok":true}`), []string{"breaks the API's contract"}},
		"a page that says that all is": {answer(200, "", "<html>Sign in</html>"), []string{"breaks the API's contract", "Sign in"}},
		"a redirect":                   {answer(302, "", "<html>Moved</html>"), []string{"HTTP 302"}},
	}
}

// TestPoisonedRecordHarmsNobodyElse: whatever the target answers to requests with one
// record in them, that record is found, alone counts an attempt and says what to do, all
// others are stored, and it heals. TestPoisonAtWork has the other answers.
func TestPoisonedRecordHarmsNobodyElse(t *testing.T) {
	for _, name := range []string{"403 with a page", "500", "a lost answer"} {
		one := targetPoisons()[name]
		t.Run(name, func(t *testing.T) {
			b := newBench(t, setup{syncs: []v1.Sync{v1.SyncActiveCustomers}})
			var ids []int64
			for i := range 21 {
				ids = append(ids, b.customer(fmt.Sprint("Client ", i)))
			}
			b.batch(v1.KindCompany, ids...)
			one.fault.Contains = poison
			b.fault(one.fault)
			bad, others := ids[7], append(ids[:7:7], ids[8:]...)
			b.edit("Companies", bad, atsim.Row{"companyName": poison})
			for i, id := range others {
				b.edit("Companies", id, atsim.Row{"companyName": fmt.Sprint("Renamed ", i)})
			}
			b.batch(v1.KindCompany, ids...)
			for i, id := range others {
				e := b.entry(v1.KindCompany, id)
				stored := e.Outcome == v1.OutcomePushed || e.Outcome == v1.OutcomeUnchanged // by the request whose answer was lost
				if !stored || b.client(id).Data.Name != fmt.Sprint("Renamed ", i) || e.Attempts != 0 {
					t.Errorf("another is %s, %q with %d attempts", e.Outcome, b.client(id).Data.Name, e.Attempts)
				}
			}
			if e := b.entry(v1.KindCompany, bad); e.Attempts != 0 {
				t.Errorf("blamed before it was sent alone: %+v", e)
			}
			b.alone(v1.KindCompany)
			e := b.outcome(v1.KindCompany, bad, v1.OutcomeRetrying, "target_failed")
			if e.Attempts != 1 || b.waiting() != 1 || len(b.apart(v1.KindCompany)) != 0 {
				t.Errorf("%d attempts, %d scheduled, due apart %v", e.Attempts, b.waiting(), b.apart(v1.KindCompany))
			}
			for _, says := range append(one.says, poison, fmt.Sprint("company ", bad), "works otherwise", "sends it at once") {
				if !strings.Contains(e.Detail, says) {
					t.Errorf("its failure does not say %q: %s", says, e.Detail)
				}
			}
			// From now on it is not sent with the others at all.
			b.cp.ResetStats()
			b.edit("Companies", others[0], atsim.Row{"companyName": "Once more"})
			b.batch(v1.KindCompany, bad, others[0])
			b.outcome(v1.KindCompany, others[0], v1.OutcomePushed)
			if n := b.cp.Stats().Total; n != 1 {
				t.Errorf("%d requests for one edit beside it", n)
			}
			b.alone(v1.KindCompany) // an edit of it: tried at once, and counted for nothing
			if e := b.outcome(v1.KindCompany, bad, v1.OutcomeRetrying, "target_failed"); e.Attempts != 1 {
				t.Errorf("%d attempts after an edit of it", e.Attempts)
			}
			b.cp.ClearFaults()
			b.batch(v1.KindCompany, bad)
			b.alone(v1.KindCompany)
			if e := b.entry(v1.KindCompany, bad); e.Attempts != 0 || b.client(bad).Data.Name != poison || b.waiting() != 0 || e.Detail != "" {
				t.Errorf("healed: %+v, at the target %q, %d scheduled", e, b.client(bad).Data.Name, b.waiting())
			}
			b.edit("Companies", bad, atsim.Row{"companyName": "Well"})
			b.batch(v1.KindCompany, bad)
			b.outcome(v1.KindCompany, bad, v1.OutcomePushed)
			if o := b.cp.Overlaps(); len(o) > 0 {
				t.Errorf("one record, two hands: %+v", o)
			}
		})
	}
}

// TestRefusedDataIsADeadLetterAtOnce: a 422 to the record alone is the target's word on
// its data, and only an edit helps.
func TestRefusedDataIsADeadLetterAtOnce(t *testing.T) {
	b := newBench(t, setup{syncs: []v1.Sync{v1.SyncActiveCustomers}})
	good, bad := b.customer("Good"), b.customer(poison)
	b.fault(cpsim.Fault{
		Kind: cpsim.FaultAnswer, Contains: poison, Status: 422, ContentType: "application/problem+json",
		Body: `{"type":"about:blank","title":"No","status":422,"code":"invalid_request","errors":[{"pointer":"#/name","code":"bad","detail":"no ampersands"}]}`,
	})
	b.batch(v1.KindCompany, good, bad)
	b.outcome(v1.KindCompany, good, v1.OutcomePushed)
	e := b.outcome(v1.KindCompany, bad, v1.OutcomeDead, "rejected")
	if d, ok := b.dead(v1.KindCompany, bad); !ok || d.Attempts != 1 || !strings.Contains(d.Detail, "name: no ampersands") || d.Detail != e.Detail {
		t.Errorf("dead letter %+v, %v", d, ok)
	}
	b.edit("Companies", bad, atsim.Row{"companyName": "Healed"})
	b.batch(v1.KindCompany, bad)
	b.outcome(v1.KindCompany, bad, v1.OutcomePushed)
}

// TestPoisonedRecordWalksItsScheduleAndDies: eight attempts, then a dead letter.
func TestPoisonedRecordWalksItsScheduleAndDies(t *testing.T) {
	b := newBench(t, setup{syncs: []v1.Sync{v1.SyncActiveCustomers}})
	good, bad := b.customer("Good"), b.customer(poison)
	b.fault(cpsim.Fault{Kind: cpsim.FaultAnswer, Status: 403, Contains: poison})
	b.batch(v1.KindCompany, good, bad)
	for attempt := 1; attempt <= maxAttempts; attempt++ {
		if attempt > 1 {
			b.clock.Add(retryAfter[attempt-2])
			b.retry(v1.KindCompany, bad)
		}
		b.alone(v1.KindCompany)
		if e := b.entry(v1.KindCompany, bad); e.Attempts != attempt {
			t.Fatalf("attempt %d is counted as %d", attempt, e.Attempts)
		}
	}
	b.outcome(v1.KindCompany, bad, v1.OutcomeDead, "target_failed")
	if d, ok := b.dead(v1.KindCompany, bad); !ok || d.Attempts != maxAttempts || !strings.Contains(d.Detail, "HTTP 403") {
		t.Errorf("dead letter %+v, %v", d, ok)
	}
}

// outages are ways in which the target fails as a whole.
func outages() map[string][]cpsim.Fault {
	return map[string][]cpsim.Fault{
		"all of it":                   {{Kind: cpsim.FaultUnavailable}},
		"all of it cuts":              {{Kind: cpsim.FaultReset}},
		"its writes":                  {{Kind: cpsim.FaultUnavailable, Operation: "writes"}},
		"its writes, without a word":  {{Kind: cpsim.FaultServerError, Operation: "writes"}},
		"its writes cut":              {{Kind: cpsim.FaultReset, Operation: "writes"}},
		"its writes lose the answers": {{Kind: cpsim.FaultLostResponse, Operation: "writes"}},
		"a gateway answers":           {{Kind: cpsim.FaultAnswer, Status: 502, Body: "<h1>Bad gateway</h1>"}},
		"a gateway answers writes":    {{Kind: cpsim.FaultAnswer, Status: 504, Operation: "writes"}},
	}
}

// TestOutageIsNoRecordsFailure: whether all of the target is away or its writes alone,
// nothing counts as an attempt, nobody is suspected, whole batches wait.
func TestOutageIsNoRecordsFailure(t *testing.T) {
	for name, faults := range outages() {
		for _, n := range []int{1, 5} {
			t.Run(fmt.Sprint(name, ", ", n), func(t *testing.T) {
				b := newBench(t, setup{syncs: []v1.Sync{v1.SyncActiveCustomers}})
				var ids []int64
				for i := range 8 {
					ids = append(ids, b.customer(fmt.Sprint("Client ", i)))
				}
				b.batch(v1.KindCompany, ids...)
				for _, f := range faults {
					b.fault(f)
				}
				for i, id := range ids[:n] {
					b.edit("Companies", id, atsim.Row{"companyName": fmt.Sprint("Renamed ", i)})
				}
				for range 3 {
					if failure := upstream.FailureOf(b.broken(v1.KindCompany, ids[:n]...), b.clock.Now()); failure.Code != "channel_program_unavailable" || failure.NeedsPerson {
						t.Errorf("got %+v", failure)
					}
				}
				if err := b.rec.recovered(t.Context()); err == nil {
					t.Error("it is taken to be back")
				}
				if left := b.apart(v1.KindCompany); len(left) != 0 {
					t.Errorf("suspected: %+v", left)
				}
				b.cp.ClearFaults()
				if err := b.rec.recovered(t.Context()); err != nil {
					t.Errorf("it is back, but: %v", err)
				}
				b.batch(v1.KindCompany, ids...)
				for i, id := range ids {
					e := b.entry(v1.KindCompany, id)
					if want := fmt.Sprint("Renamed ", i); i < n && b.client(id).Data.Name != want {
						t.Errorf("client %d is %q", i, b.client(id).Data.Name)
					}
					if e.Attempts != 0 || e.Outcome == v1.OutcomeRetrying {
						t.Errorf("client %d: %+v", i, e)
					}
				}
			})
		}
	}
}

// TestOutageOfAllStoredRecordsAtOnceIsOneToo: when every stored record is in the request,
// the question comes while it is divided.
func TestOutageOfAllStoredRecordsAtOnceIsOneToo(t *testing.T) {
	b := newBench(t, setup{syncs: []v1.Sync{v1.SyncActiveCustomers}})
	ids := []int64{b.customer("One"), b.customer("Two"), b.customer("Three")}
	b.batch(v1.KindCompany, ids...)
	b.fault(cpsim.Fault{Kind: cpsim.FaultUnavailable, Operation: "writes"})
	for _, id := range ids {
		b.edit("Companies", id, atsim.Row{"phone": "518-555-0199"})
	}
	b.broken(v1.KindCompany, ids...)
	if left := b.apart(v1.KindCompany); len(left) != 0 {
		t.Errorf("suspected: %+v", left)
	}
}

// TestOutageWhileSuspectsAreJudgedCountsNothing: it may begin between the request of a
// suspect and the question after it, and end before the next one.
func TestOutageWhileSuspectsAreJudgedCountsNothing(t *testing.T) {
	for name, fault := range map[string]cpsim.Fault{
		"all of it":    {Kind: cpsim.FaultUnavailable},
		"writes alone": {Kind: cpsim.FaultUnavailable, Operation: "writes"},
	} {
		t.Run(name, func(t *testing.T) {
			b := newBench(t, setup{syncs: []v1.Sync{v1.SyncActiveCustomers}})
			good, innocent := b.customer("Good"), b.customer("Innocent")
			b.batch(v1.KindCompany, good, innocent)
			b.edit("Companies", innocent, atsim.Row{"phone": "518-555-0199"})
			b.fault(cpsim.Fault{Kind: cpsim.FaultUnavailable, ExternalIDs: []string{ledgerID(innocent)}, Next: 1})
			b.batch(v1.KindCompany, innocent) // an accident that hits it alone
			if left := b.apart(v1.KindCompany); len(left) != 1 {
				t.Fatalf("suspected: %+v", left)
			}
			b.fault(fault)
			due := b.apart(v1.KindCompany)
			if err := b.rec.Batch(t.Context(), v1.KindCompany, due); err == nil {
				t.Fatal("the outage was not seen")
			}
			b.cp.ClearFaults()
			// Just after an outage nobody is blamed, however often it fails alone.
			b.fault(cpsim.Fault{Kind: cpsim.FaultUnavailable, ExternalIDs: []string{ledgerID(innocent)}})
			b.alone(v1.KindCompany)
			if e := b.entry(v1.KindCompany, innocent); e.Attempts != 0 || len(b.apart(v1.KindCompany)) != 1 {
				t.Errorf("judged: %+v", e)
			}
			b.cp.ClearFaults()
			b.alone(v1.KindCompany)
			if e := b.outcome(v1.KindCompany, innocent, v1.OutcomePushed); e.Attempts != 0 {
				t.Errorf("%d attempts", e.Attempts)
			}
		})
	}
}

// TestProbeLeavesNoTrace: a stored record that is sent once more changes nothing at the
// target, not even what was edited there, and nothing of it is remembered.
func TestProbeLeavesNoTrace(t *testing.T) {
	b := newBench(t, setup{syncs: []v1.Sync{v1.SyncActiveCustomers}})
	stored, bad := b.customer("Stored"), b.customer("Bad")
	b.batch(v1.KindCompany, stored)
	harness.OK(t, b.cp.Edit(cpsim.Edit{Connection: connection, Entity: cpsim.EntityClient, ExternalID: ledgerID(stored), Fields: map[string]any{"name": "Edited there"}}))
	before, client, done := b.entry(v1.KindCompany, stored), b.client(stored), len(b.results)
	b.fault(cpsim.Fault{Kind: cpsim.FaultServerError, ExternalIDs: []string{ledgerID(bad)}})
	b.cp.ResetStats()
	b.batch(v1.KindCompany, bad)
	pushes := b.cp.PushesOf(connection, ledgerID(stored))
	if len(pushes) != 1 || pushes[0].Outcome != cpsim.OutcomeStale {
		t.Fatalf("probed by %+v", pushes)
	}
	var was, is channelprogram.ClientInput
	if json.Unmarshal(before.Projection, &was) != nil || json.Unmarshal(pushes[0].Body, &is) != nil || was.Name != is.Name {
		t.Errorf("sent %s, stored was %s", pushes[0].Body, before.Projection)
	}
	after := b.entry(v1.KindCompany, stored)
	if diff := cmp.Diff(before, after); diff != "" {
		t.Errorf("remembered otherwise: %s", diff)
	}
	if now := b.client(stored); now.Data.Name != "Edited there" || now.Revision != client.Revision || !now.ObservedAt.Equal(client.ObservedAt) {
		t.Errorf("the target holds %+v, held %+v", now, client)
	}
	if len(b.results) != done {
		t.Errorf("told of %+v", b.results[done:])
	}
	b.cp.ClearFaults()
	due := b.due(v1.KindCompany, stored)
	due[0].Force = true
	harness.OK(t, b.rec.Batch(t.Context(), v1.KindCompany, due))
	if last := b.results[len(b.results)-1]; !last.Drift {
		t.Errorf("the edit at the target is not drift any more: %+v", last)
	}
}

// TestGoodCaseCostsNoQuestion: nothing is asked while nothing fails.
func TestGoodCaseCostsNoQuestion(t *testing.T) {
	b := newBench(t, setup{syncs: []v1.Sync{v1.SyncActiveCustomers}})
	var ids []int64
	for i := range 250 {
		ids = append(ids, b.customer(fmt.Sprint("Client ", i)))
	}
	b.batch(v1.KindCompany, ids...)
	if n := b.cp.Stats().Total; n != 3 {
		t.Errorf("%d requests for 250 records", n)
	}
}

// TestLargeRequestsThatFailBecomeSmaller: a gateway gives up on large batches alone. All
// of it is stored all the same, and soon smaller ones are sent from the beginning.
func TestLargeRequestsThatFailBecomeSmaller(t *testing.T) {
	for name, fault := range map[string]cpsim.Fault{
		"504": {Kind: cpsim.FaultAnswer, Status: 504}, "413": {Kind: cpsim.FaultAnswer, Status: 413}, "cut": {Kind: cpsim.FaultReset},
	} {
		t.Run(name, func(t *testing.T) {
			b := newBench(t, setup{syncs: []v1.Sync{v1.SyncActiveCustomers}})
			var ids []int64
			for i := range 300 {
				ids = append(ids, b.customer(fmt.Sprint("Client ", i)))
			}
			fault.MinRecords = 53
			b.fault(fault)
			b.batch(v1.KindCompany, ids...)
			for _, id := range ids {
				if e := b.entry(v1.KindCompany, id); e.Outcome != v1.OutcomePushed || e.Attempts != 0 {
					t.Fatalf("%d: %+v", id, e)
				}
			}
			if left := b.apart(v1.KindCompany); len(left) != 0 {
				t.Errorf("suspected: %d", len(left))
			}
			b.cp.ResetStats()
			for _, id := range ids[:100] {
				b.edit("Companies", id, atsim.Row{"phone": "518-555-0199"})
			}
			b.batch(v1.KindCompany, ids[:100]...)
			if s := b.cp.Stats(); s.Requests["batchUpsertClients"][200] != s.Total {
				t.Errorf("learnt nothing: %+v", s.Requests)
			}
		})
	}
}

// TestPoisonedContractHarmsNobodyElse: contracts are isolated like clients.
func TestPoisonedContractHarmsNobodyElse(t *testing.T) {
	b := newBench(t, setup{})
	company := b.customer("Northwind")
	good, bad := b.contract(company, "Good"), b.contract(company, poison)
	b.batch(v1.KindCompany, company)
	b.fault(cpsim.Fault{Kind: cpsim.FaultServerError, Contains: poison})
	b.batch(v1.KindContract, good, bad)
	b.outcome(v1.KindContract, good, v1.OutcomePushed)
	b.alone(v1.KindContract)
	if e := b.outcome(v1.KindContract, bad, v1.OutcomeRetrying, "target_failed"); !strings.Contains(e.Detail, fmt.Sprint("contract ", bad)) {
		t.Errorf("detail %q", e.Detail)
	}
	b.cp.ClearFaults()
	b.clock.Add(time.Minute)
	b.retry(v1.KindContract, bad)
	b.alone(v1.KindContract)
	if e := b.entry(v1.KindContract, bad); e.Attempts != 0 || b.agreement(bad).Data.Name == nil {
		t.Errorf("healed: %+v", e)
	}
}
