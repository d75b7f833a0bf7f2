package bundle

import (
	"encoding/json"
	"fmt"
	"regexp"
	"slices"
	"strings"
	"time"
	"unicode"

	v1 "channelsync/api/v1"
	"channelsync/handlers/console/present"
)

// document is what somebody who helps needs to know of a record, and nothing
// that tells who the client is: ids, codes, states and times are in it; names,
// addresses and amounts are only masked in it; words that may quote any of them
// are left out. It never holds a secret, since the API answers none.
type document struct {
	Version      string       `json:"channelsync"`
	MadeAt       time.Time    `json:"madeAt"`
	Installation installation `json:"installation"`
	Record       record       `json:"record"`
	Conditions   []condition  `json:"conditions,omitempty"` // only when Autotask was asked
	Explain      string       `json:"explain,omitempty"`    // the code of why it could not be
	Differences  []string     `json:"differences,omitempty"`
	Timeline     []step       `json:"timeline"`
}

type installation struct {
	ID       string                `json:"id"`
	State    v1.State              `json:"state"`
	Zone     v1.Zone               `json:"zone"`
	Syncs    map[v1.Sync]v1.Counts `json:"counts"`
	States   map[v1.Sync]string    `json:"syncs"`
	Webhooks []webhook             `json:"webhooks"`
	Backlog  int                   `json:"backlog"`
	Issues   []issue               `json:"issues"`
	Options  v1.Options            `json:"options"`
}

type webhook struct {
	Entity         string     `json:"entity"`
	Active         bool       `json:"active"`
	Ready          bool       `json:"ready"`
	LastCallbackAt *time.Time `json:"lastCallbackAt"`
}

type issue struct {
	Code     string    `json:"code"`
	Severity string    `json:"severity"`
	Records  int       `json:"records"`
	FirstAt  time.Time `json:"firstAt"`
	LastAt   time.Time `json:"lastAt"`
}

type record struct {
	Kind          v1.Kind    `json:"kind"`
	ID            string     `json:"id"`
	CompanyID     string     `json:"companyId,omitempty"`
	Name          string     `json:"name"` // masked
	Outcome       v1.Outcome `json:"outcome"`
	Reasons       []string   `json:"reasons"`
	Held          bool       `json:"held"`
	Attempts      int        `json:"attempts"`
	Fingerprint   string     `json:"fingerprint"`
	ChangedAt     *time.Time `json:"changedAt"`
	ReconciledAt  *time.Time `json:"reconciledAt"`
	PushedAt      *time.Time `json:"pushedAt"`
	NextAttemptAt *time.Time `json:"nextAttemptAt"`
	Sent          any        `json:"sent"` // masked
	Changes       []change   `json:"changes"`
	VendorRule    string     `json:"vendorRule,omitempty"`
	CostRule      string     `json:"costRule,omitempty"`
	CostIssues    []string   `json:"costIssues,omitempty"`
}

type change struct {
	Field  string `json:"field"`
	Change string `json:"change"`
}

type condition struct {
	Sync  v1.Sync `json:"sync"`
	Code  string  `json:"code"`
	Met   bool    `json:"met"`
	Value string  `json:"value,omitempty"`
}

type step struct {
	At      time.Time  `json:"at"`
	Step    string     `json:"step"`
	Trigger v1.Trigger `json:"trigger,omitempty"`
	Outcome v1.Outcome `json:"outcome,omitempty"`
	Millis  int64      `json:"millis,omitempty"`
	Fields  []string   `json:"fields,omitempty"`
	TraceID string     `json:"traceId,omitempty"`
}

// Source is what a bundle is made of.
type Source struct {
	Installation *v1.Installation
	Record       *v1.RecordDetail
	Explanation  *v1.Explanation // nil: Autotask was not asked
	Problem      *v1.Problem     // why Autotask could not be asked
	Version      string          // of the program
	At           time.Time
}

// FileName is what the bundle of a record is called as a file.
func FileName(k v1.Kind, id string) string {
	return fmt.Sprintf("channelsync-%s-%s.txt", code(string(k)), code(id))
}

// Of returns the bundle, as indented JSON.
func Of(src Source) []byte {
	b := document{
		Version: src.Version, MadeAt: src.At.UTC(),
		Installation: installationOf(src.Installation), Record: recordOf(src.Record), Timeline: stepsOf(src.Record.Timeline),
	}
	if src.Problem != nil {
		b.Explain = code(src.Problem.Code)
	}
	if e := src.Explanation; e != nil {
		for _, c := range e.Conditions {
			one := condition{Sync: c.Sync, Code: code(c.Code), Met: c.Met}
			if slices.Contains(plainConditions, c.Code) {
				one.Value = c.Value
			}
			b.Conditions = append(b.Conditions, one)
		}
		for _, d := range e.Differences {
			b.Differences = append(b.Differences, code(d.Field))
		}
	}
	out, err := json.MarshalIndent(b, "", "  ")
	if err != nil {
		return nil // nothing in it can fail
	}
	return out
}

// plainConditions are those whose value is a word of a list, a number or reason
// codes, and never anybody's text.
var plainConditions = []string{
	v1.ReasonTypeNotCustomer, v1.ReasonStatusInactive, v1.ReasonNoContract, v1.ReasonContractInactive,
	v1.ReasonDeletedAtSource, v1.ReasonSyncNotInstalled, v1.ReasonClientOutOfScope,
}

func installationOf(in *v1.Installation) installation {
	out := installation{
		ID: in.ID, State: in.State, Zone: in.Zone, Backlog: in.Backlog, Options: in.Options,
		Syncs: map[v1.Sync]v1.Counts{}, States: map[v1.Sync]string{}, Webhooks: []webhook{}, Issues: []issue{},
	}
	for s, status := range in.Syncs {
		out.Syncs[s], out.States[s] = status.Counts, string(status.State)
	}
	for _, w := range in.Webhooks {
		out.Webhooks = append(out.Webhooks, webhook{w.Entity, w.Active, w.Ready, w.LastCallbackAt})
	}
	for _, i := range in.Issues {
		out.Issues = append(out.Issues, issue{code(i.Code), i.Severity, i.Records, i.FirstAt, i.LastAt})
	}
	return out
}

func recordOf(r *v1.RecordDetail) record {
	out := record{
		Kind: r.Kind, ID: r.ID, CompanyID: r.CompanyID, Name: mask(r.Name), Outcome: r.Outcome, Reasons: codes(r.Reasons),
		Held: r.Held, Attempts: r.Attempts, Fingerprint: r.Fingerprint,
		ChangedAt: r.ChangedAt, ReconciledAt: r.ReconciledAt, PushedAt: r.PushedAt, NextAttemptAt: r.NextAttemptAt,
		Changes: []change{},
	}
	var sent any
	if json.Unmarshal(present.OrNull(r.Projection), &sent) == nil {
		out.Sent = masked("", sent)
	}
	for _, f := range present.SentFields(r.Projection, r.Previous, r.Sources) {
		if f.Change != present.FieldSame {
			out.Changes = append(out.Changes, change{f.Label, f.Change})
		}
	}
	if c := present.ComputedOf(r.Sources); c != nil {
		out.VendorRule, out.CostRule, out.CostIssues = code(c.Vendor.Rule), code(c.Cost.Rule), codes(c.Cost.Issues)
	}
	return out
}

func stepsOf(timeline []v1.TimelineStep) []step {
	out := []step{}
	for _, s := range timeline {
		one := step{At: s.At, Step: code(s.Step), Trigger: s.Trigger, Outcome: s.Outcome, Millis: s.Millis, TraceID: s.TraceID}
		// The words of any other step may quote the record.
		if s.Step == "changed" {
			for name := range strings.SplitSeq(s.Detail, ", ") {
				if fieldNamePattern.MatchString(name) {
					one.Fields = append(one.Fields, name)
				}
			}
		}
		out = append(out, one)
	}
	return out
}

// keptText are the fields whose text says nothing of who the client is.
var keptText = []string{"client.externalId", "overallCost.currency", "lifecycle", "archivedReason"}

// masked is a JSON value with every text in it masked; true, false and null stay.
func masked(path string, v any) any {
	switch v := v.(type) {
	case map[string]any:
		out := map[string]any{}
		for k, child := range v {
			at := k
			if path != "" {
				at = path + "." + k
			}
			out[k] = masked(at, child)
		}
		return out
	case []any:
		out := make([]any, len(v))
		for i, child := range v {
			out[i] = masked(path, child)
		}
		return out
	case string:
		if slices.Contains(keptText, path) {
			return v
		}
		return mask(v)
	case float64:
		return "…"
	default:
		return v
	}
}

// mask keeps the first letter of a text and how long it is. A digit is not kept:
// the first of an amount says how large it is.
func mask(s string) string {
	r := []rune(s)
	if len(r) == 0 {
		return ""
	}
	first := ""
	if len(r) > 2 && unicode.IsLetter(r[0]) {
		first = string(r[0])
	}
	return fmt.Sprintf("%s… (%d)", first, len(r))
}

var (
	codePattern      = regexp.MustCompile(`^[a-z0-9_.\-\[\]A-Z]{1,80}$`)
	fieldNamePattern = regexp.MustCompile(`^[A-Za-z][A-Za-z0-9_]{0,63}$`)
)

// code is a code or the name of a field as it is; whatever has another form is masked.
func code(s string) string {
	if s == "" || codePattern.MatchString(s) {
		return s
	}
	return mask(s)
}

func codes(list []string) []string {
	out := []string{}
	for _, s := range list {
		out = append(out, code(s))
	}
	return out
}
