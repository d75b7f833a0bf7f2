package sim

import (
	"encoding/json"
	"fmt"
	"net/http"
	"time"
)

// An input is one record of a request, as it came.
type input struct {
	externalID string
	at         string // JSON Pointer of its data in the body
	value      any    // decoded, for the rules
	raw        json.RawMessage
}

// upsert is what applying an input needs besides the data itself.
type upsert struct {
	input
	now  time.Time
	page string // where the page of the connection is, to link to the record
}

func (u upsert) result(outcome, targetID string, revision int, changed []string) ItemResult {
	return ItemResult{
		ExternalID: u.externalID, Outcome: outcome, TargetID: &targetID, TargetURL: new(u.page + "#" + targetID),
		Revision: &revision, ChangedFields: changed,
	}
}

func (u upsert) rejected(p *Problem) ItemResult {
	return ItemResult{ExternalID: u.externalID, Outcome: OutcomeRejected, Retryable: new(false), Problem: p}
}

func (u upsert) failed(p *Problem) ItemResult {
	return ItemResult{ExternalID: u.externalID, Outcome: OutcomeFailed, Retryable: new(p.Retryable), Problem: p}
}

// apply brings one input in, whatever becomes of it. The caller holds c.mu.
func (c *connection) apply(u upsert, entity string, rules schema) ItemResult {
	if entity == EntityClient {
		if errs := rules.client(u.value, u.at); len(errs) > 0 {
			return u.rejected(invalid(errs))
		}
		var in ClientInput
		if p := decodeInput(u.raw, &in); p != nil {
			return u.failed(p)
		}
		return c.upsertClient(in, u)
	}
	if errs := rules.contract(u.value, u.at); len(errs) > 0 {
		return u.rejected(invalid(errs))
	}
	var in ContractInput
	if p := decodeInput(u.raw, &in); p != nil {
		return u.failed(p)
	}
	return c.upsertContract(in, u)
}

// decodeInput cannot fail on what passed the rules; if it does, the rules are wrong and say so.
func decodeInput(raw []byte, into any) *Problem {
	if err := json.Unmarshal(raw, into); err != nil {
		return newProblem(http.StatusInternalServerError, CodeInternal,
			"the simulator's rules passed what it cannot read: %s", err)
	}
	return nil
}

func summarise(results []ItemResult) Summary {
	sum := Summary{Total: len(results)}
	for _, r := range results {
		switch r.Outcome {
		case OutcomeRejected:
			sum.Rejected++
		case OutcomeFailed:
			sum.Failed++
		default:
			sum.Succeeded++
		}
	}
	return sum
}

// pageURL is where a connection is shown, on the host that the request came to.
func pageURL(r *http.Request, connection string) string {
	scheme := "http"
	if r.TLS != nil {
		scheme = "https"
	}
	return fmt.Sprintf("%s://%s/?connection=%s", scheme, r.Host, connection)
}
