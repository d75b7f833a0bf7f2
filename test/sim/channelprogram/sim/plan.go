package sim

import (
	"cmp"
	"net/http"
	"slices"
	"strings"
	"time"
)

// plan decides what the faults do to one request: the first of each class that
// hits, and for its items the first that hits each. Delays add up. records are what
// it writes, or the one that it reads.
func (fs *faults) plan(connection string, op operation, records []input) plan {
	fs.mu.Lock()
	defer fs.mu.Unlock()
	p := plan{items: make(map[string]Fault)}
	for _, f := range fs.active {
		if !f.concerns(connection, op, records) {
			continue
		}
		switch faultTable[f.Kind].class {
		case classWhole:
			if p.request == nil && fs.hits(f) {
				p.request = f
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
			fs.planItems(f, records, p.items)
		}
		if p.request != nil {
			return p // nothing else comes to pass, so nothing else is used up
		}
	}
	return p
}

func (fs *faults) planItems(f *activeFault, records []input, items map[string]Fault) {
	for _, in := range records {
		if _, taken := items[in.externalID]; !taken && f.names(in) && !f.spent() && fs.hits(f) {
			items[in.externalID] = f.Fault
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

func (f *activeFault) names(in input) bool {
	return (len(f.ExternalIDs) == 0 || slices.Contains(f.ExternalIDs, in.externalID)) &&
		(f.Contains == "" || says(in.value, f.Contains))
}

// says whether a text of a JSON value has another one in it.
func says(value any, text string) bool {
	switch v := value.(type) {
	case string:
		return strings.Contains(v, text)
	case []any:
		return slices.ContainsFunc(v, func(one any) bool { return says(one, text) })
	case map[string]any:
		for _, one := range v {
			if says(one, text) {
				return true
			}
		}
	}
	return false
}

func (f *activeFault) concerns(connection string, op operation, records []input) bool {
	switch {
	case f.spent() || (f.Connection != "" && f.Connection != connection) || !f.concernsOperation(op):
		return false
	case f.MinRecords > 0 && (!op.writes() || len(records) < f.MinRecords):
		return false
	case len(f.ExternalIDs) == 0 && f.Contains == "":
		return true
	default:
		return slices.ContainsFunc(records, f.names)
	}
}

func (f *activeFault) concernsOperation(op operation) bool {
	switch f.Kind {
	case FaultLostResponse, FaultLateResponse, FaultFailItems, FaultRejectItems:
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

// answer is what somebody in front of the target says instead of it.
func (f *activeFault) answer() answer {
	return answer{status: f.Status, raw: &rawAnswer{cmp.Or(f.ContentType, "text/html; charset=utf-8"), f.Body}}
}
