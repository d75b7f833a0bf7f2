package sim

import (
	"cmp"
	"net/http"
	"slices"
	"time"
)

// plan decides what the faults do to one request: the first of each class that
// hits, and for its items the first that hits each. Delays add up.
func (fs *faults) plan(connection string, op operation, externalIDs []string) plan {
	fs.mu.Lock()
	defer fs.mu.Unlock()
	p := plan{items: make(map[string]Fault)}
	for _, f := range fs.active {
		if !f.concerns(connection, op, externalIDs) {
			continue
		}
		switch faultTable[f.Kind].class {
		case classWhole:
			if p.whole == nil && fs.hits(f) {
				p.whole = f
			}
		case classDelay:
			if fs.hits(f) {
				p.delay += time.Duration(f.DelayMillis) * time.Millisecond
			}
		case classShape:
			if p.shape == nil && fs.hits(f) {
				p.shape = f
			}
		case classItems:
			fs.planItems(f, externalIDs, p.items)
		}
		if p.whole != nil {
			return p // nothing else comes to pass, so nothing else is used up
		}
	}
	return p
}

func (fs *faults) planItems(f *activeFault, externalIDs []string, items map[string]Fault) {
	for _, id := range externalIDs {
		if _, taken := items[id]; !taken && f.names(id) && !f.spent() && fs.hits(f) {
			items[id] = f.Fault
		}
	}
}

// hits throws the dice and counts a hit.
func (fs *faults) hits(f *activeFault) bool {
	if f.Probability > 0 && fs.dice.Float64() >= f.Probability {
		return false
	}
	if f.bounded {
		f.Next--
	}
	return true
}

func (f *activeFault) spent() bool { return f.bounded && f.Next == 0 }

func (f *activeFault) names(externalID string) bool {
	return len(f.ExternalIDs) == 0 || slices.Contains(f.ExternalIDs, externalID)
}

func (f *activeFault) concerns(connection string, op operation, externalIDs []string) bool {
	if f.spent() || (f.Connection != "" && f.Connection != connection) || !f.concernsOperation(op) {
		return false
	}
	return len(f.ExternalIDs) == 0 || slices.ContainsFunc(externalIDs, f.names)
}

func (f *activeFault) concernsOperation(op operation) bool {
	switch f.Kind {
	case FaultLostResponse, FaultFailItems, FaultRejectItems:
		if !op.writes() {
			return false
		}
	case FaultEmptyResults, FaultWrongCount:
		if !op.batch() {
			return false
		}
	}
	switch f.Operation {
	case "":
		return true
	case operationsWriting:
		return op.writes()
	case operationsReading:
		return !op.writes()
	default:
		return f.Operation == string(op)
	}
}

// problem is what a fault that decides a whole request answers.
func (f *activeFault) problem() *Problem {
	kind := faultTable[f.Kind]
	p := newProblem(kind.status, cmp.Or(f.Code, kind.code), "%s", cmp.Or(f.Detail, "a fault was asked for"))
	p.retryAfter = f.RetryAfter
	return p
}

// spoil is what a fault makes of one record. The reports of real targets name a field, so rejections do.
func (f Fault) spoil(u upsert) ItemResult {
	detail := cmp.Or(f.Detail, "a fault was asked for")
	if f.Kind == FaultRejectItems {
		return u.rejected(refusal(cmp.Or(f.Code, CodeInvalidRequest), u.at+cmp.Or(f.Pointer, "/name"), detail))
	}
	p := newProblem(http.StatusServiceUnavailable, cmp.Or(f.Code, CodeUnavailable), "%s", detail)
	p.Retryable = !f.Permanent
	return u.failed(p)
}

// misshape breaks the promise of one result per input.
func (f *activeFault) misshape(result BatchResult) BatchResult {
	if f.Kind == FaultEmptyResults {
		return BatchResult{Results: []ItemResult{}}
	}
	result.Results = result.Results[:len(result.Results)-1]
	return result
}
