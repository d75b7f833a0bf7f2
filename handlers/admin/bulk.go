package admin

import (
	"context"
	"fmt"
	"net/http"
	"strings"

	v1 "channelsync/api/v1"
)

func (c *call) reconcileRecords(id string, in v1.BulkRecords) (reply, error) {
	return c.bulkRecords("records.reconcile", id, in, c.Records.ReconcileRecords)
}

func (c *call) excludeRecords(id string, in v1.BulkRecords) (reply, error) {
	return c.bulkRecords("records.exclude", id, in, c.Records.ExcludeRecords)
}

func (c *call) bulkRecords(action, id string, in v1.BulkRecords, do func(context.Context, string, v1.BulkRecords) (v1.BulkResult, error)) (reply, error) {
	var errs []v1.FieldError
	for i, r := range in.Records {
		if _, ok := v1.ParseRecordID(r.ID); !ok {
			errs = append(errs, v1.FieldError{Pointer: fmt.Sprintf("#/records/%d/id", i), Code: "number", Detail: "got no id of a record, want a decimal number"})
		}
	}
	if errs = append(errs, namedOrFiltered("records", len(in.Records), in.Filter != nil, in.Expect)...); len(errs) > 0 {
		return reply{}, v1.Invalid("The body does not say which records.", errs...)
	}
	of := "named"
	if in.Filter != nil {
		of = describeFilter(*in.Filter)
	}
	return c.bulk(action, id, of, in.DryRun, func(ctx context.Context) (v1.BulkResult, error) { return do(ctx, id, in) })
}

func (c *call) bulkDeadLetters(id string, in v1.BulkDeadLetters) (reply, error) {
	if errs := append(wrongIDs(in.IDs), namedOrFiltered("ids", len(in.IDs), in.Filter != nil, in.Expect)...); len(errs) > 0 {
		return reply{}, v1.Invalid("The body does not say which dead letters.", errs...)
	}
	of := "named"
	if len(in.IDs) == 1 {
		of = in.IDs[0]
	}
	if in.Filter != nil {
		of = "all"
		if in.Filter.Code != "" {
			of = "code " + shorten(in.Filter.Code)
		}
	}
	return c.bulk("dead-letters."+in.Action, id, of, in.DryRun, func(ctx context.Context) (v1.BulkResult, error) {
		return c.DeadLetters.BulkDeadLetters(ctx, id, in)
	})
}

// bulk does it, with an entry of the audit that names the filter and how many. A job's answer is a 202.
func (c *call) bulk(action, id, of string, dryRun bool, do func(context.Context) (v1.BulkResult, error)) (reply, error) {
	if !dryRun {
		c.auditing(action, id, of)
	}
	out, err := do(c.r.Context())
	if err != nil {
		return reply{}, err
	}
	if c.entry != nil {
		c.entry.Detail = fmt.Sprintf("%s, %d of them", of, out.Count)
	}
	out.NotPossible, out.Sample = nonNil(out.NotPossible), nonNil(out.Sample)
	status := http.StatusOK
	if out.Job != "" {
		status = http.StatusAccepted
	}
	return reply{status: status, body: out}, nil
}

// namedOrFiltered wants exactly one of names and a filter, and a count with a filter alone.
func namedOrFiltered(names string, named int, filtered bool, expect *int) []v1.FieldError {
	if (named > 0) == filtered {
		return []v1.FieldError{{Pointer: "#", Code: "one_of", Detail: "got both or none of " + names + " and filter, want exactly one"}}
	}
	if expect != nil && !filtered {
		return []v1.FieldError{{Pointer: "#/expect", Code: "unknown", Detail: "got it without a filter, want it left out"}}
	}
	return nil
}

// describeFilter is a filter in the audit. What was searched for may name a client, and the audit outlives an
// installation's erasing.
func describeFilter(f v1.RecordFilter) string {
	var words []string
	for _, w := range []struct{ name, value string }{{"kind", string(f.Kind)}, {"outcome", string(f.Outcome)}, {"reason", shorten(f.Reason)}} {
		if w.value != "" {
			words = append(words, w.name+" "+w.value)
		}
	}
	if f.Q != "" {
		words = append(words, "a search")
	}
	if len(words) == 0 {
		return "all"
	}
	return strings.Join(words, ", ")
}
