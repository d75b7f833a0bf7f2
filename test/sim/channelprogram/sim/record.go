package sim

import (
	"cmp"
	"slices"
)

// record writes what became of each input into the history and the counters.
func (ex *exchange) record(results []ItemResult, ans answer) {
	ex.noted = true
	ex.conn.mu.Lock()
	for i, r := range results {
		p := ex.push(ex.inputs[i])
		p.Outcome, p.Status, p.Replayed, p.Lost = r.Outcome, ans.status, ans.replayed, ans.dropped
		p.ChangedFields = slices.Clone(r.ChangedFields)
		if r.Revision != nil {
			p.Revision = *r.Revision
		}
		if r.Problem != nil {
			p.Code = r.Problem.Code
		}
		ex.conn.history.add(p)
	}
	ex.conn.mu.Unlock()
	ex.stats.note(func(s *Stats) {
		if ans.dropped {
			s.Lost++
		}
		if ans.replayed {
			s.Replayed++
			return
		}
		for _, r := range results {
			s.Outcomes[r.Outcome]++
		}
	})
}

// recordRefused writes down the inputs of a request that was not taken at all.
func (ex *exchange) recordRefused(ans answer, problem *Problem) {
	if ex.conn == nil || len(ex.inputs) == 0 {
		return
	}
	code := ""
	if problem != nil {
		code = problem.Code
	} else if ex.plan.request != nil {
		code = string(ex.plan.request.Kind)
	}
	ex.conn.mu.Lock()
	for _, in := range ex.inputs {
		p := ex.push(in)
		p.Outcome, p.Status, p.Code = OutcomeRefused, ans.status, cmp.Or(code, "caller_gone")
		ex.conn.history.add(p)
	}
	ex.conn.mu.Unlock()
	ex.stats.note(func(s *Stats) { s.Outcomes[OutcomeRefused] += len(ex.inputs) })
}

func (ex *exchange) push(in input) Push {
	p := Push{
		At: ex.at, RequestID: ex.id, Connection: ex.conn.ID, Operation: string(ex.route.op),
		Entity: ex.route.op.entity(), ExternalID: in.externalID, Body: in.raw,
	}
	p.readSource()
	return p
}
