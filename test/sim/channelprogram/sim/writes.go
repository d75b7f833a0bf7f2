package sim

import "net/http"

func (ex *exchange) writeOne() (answer, *Problem) {
	release := ex.takeOff()
	defer release()
	if !ex.wait() {
		return answer{dropped: true}, nil
	}
	result := ex.applyAll()[0]
	ans := answer{status: http.StatusOK, body: result}
	if result.Outcome == OutcomeCreated {
		ans.status = http.StatusCreated
	}
	if result.Problem != nil {
		ans.status = result.Problem.Status
	}
	if ex.loses() {
		ans = answer{dropped: true}
	}
	ex.record([]ItemResult{result}, ans)
	ex.answersLate()
	if result.Problem != nil && !ans.dropped {
		return answer{}, result.Problem
	}
	return ans, nil
}

func (ex *exchange) writeBatch() (answer, *Problem) {
	key, p := readKey(ex.r.Header)
	if p != nil {
		return answer{}, p
	}
	ex.conn.mu.Lock()
	stored, p := ex.conn.keys.begin(key, fingerprintOf(ex.route.op, ex.body), ex.at)
	ex.conn.mu.Unlock()
	if p != nil {
		return answer{}, p
	}
	if stored != nil {
		return ex.answerBatch(*stored, true), nil
	}
	release := ex.takeOff()
	defer release()
	var final *storedBatch
	defer func() {
		ex.conn.mu.Lock()
		defer ex.conn.mu.Unlock()
		ex.conn.keys.finish(key, final, ex.at)
	}()
	if !ex.wait() {
		return answer{dropped: true}, nil
	}
	results := ex.applyAll()
	for i := range results {
		results[i].Index = &i
	}
	final = &storedBatch{status: http.StatusOK, result: BatchResult{Results: results, Summary: summarise(results)}}
	if final.result.Summary.Succeeded < len(results) {
		final.status = http.StatusMultiStatus
	}
	return ex.answerBatch(*final, false), nil
}

func (ex *exchange) answerBatch(b storedBatch, replayed bool) answer {
	ans := answer{status: b.status, body: b.result, replayed: replayed}
	if ex.loses() {
		ans = answer{dropped: true, replayed: replayed}
	} else if f := ex.plan.shape; f != nil && f.Kind != FaultLateResponse {
		ans.status, ans.body = http.StatusMultiStatus, f.misshape(b.result)
	}
	ex.record(b.result.Results, ans)
	ex.answersLate()
	return ans
}

// applyAll brings every input in, in order, with nothing of another request in between.
func (ex *exchange) applyAll() []ItemResult {
	page := pageURL(ex.r, ex.conn.ID)
	ex.conn.mu.Lock()
	defer ex.conn.mu.Unlock()
	results := make([]ItemResult, len(ex.inputs))
	for i, in := range ex.inputs {
		u := upsert{input: in, now: ex.at, page: page}
		if f, hit := ex.plan.items[in.externalID]; hit {
			results[i] = f.spoil(u)
			continue
		}
		results[i] = ex.conn.apply(u, ex.route.op.entity(), ex.schema)
	}
	return results
}

// takeOff marks the records as being written until release is called, which
// must be before the answer leaves: the caller may send the next one at once.
func (ex *exchange) takeOff() (release func()) {
	keys := make([]recordKey, len(ex.inputs))
	for i, in := range ex.inputs {
		keys[i] = recordKey{ex.route.op.entity(), in.externalID}
	}
	ex.conn.mu.Lock()
	defer ex.conn.mu.Unlock()
	ex.conn.flights.take(keys, Overlap{At: ex.at, Connection: ex.conn.ID, Requests: [2]string{1: ex.id}})
	return func() {
		ex.conn.mu.Lock()
		defer ex.conn.mu.Unlock()
		ex.conn.flights.release(keys, ex.id)
	}
}

func (ex *exchange) loses() bool {
	return ex.plan.shape != nil && ex.plan.shape.Kind == FaultLostResponse
}
