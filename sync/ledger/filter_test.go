package ledger

import (
	"fmt"
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"

	v1 "channelsync/api/v1"
)

func filtered(kind v1.Kind, id int64, name string, o v1.Outcome, reasons ...string) *Entry {
	return &Entry{Kind: kind, ID: id, Name: name, Outcome: o, Reasons: reasons, ReconciledAt: at}
}

func someOfEach(t *testing.T) *Ledger {
	l := open(t).ledger()
	write(
		t, l,
		filtered(v1.KindCompany, 1, "Northwind", v1.OutcomePushed),
		filtered(v1.KindCompany, 2, "Northgate", v1.OutcomeNotMet, "type_not_customer", "status_inactive"),
		filtered(v1.KindCompany, 3, "Contoso", v1.OutcomeNotMet, "status_inactive"),
		filtered(v1.KindContract, 4, "Northwind backup", v1.OutcomeNotMet, "client_out_of_scope"),
		filtered(v1.KindContract, 5, "Contoso backup", v1.OutcomeDead, "rejected"),
		filtered(v1.KindContract, 6, "Held before it was ever settled", ""),
	)
	return l
}

func TestFacetsLeaveTheirOwnFilterOut(t *testing.T) {
	l := someOfEach(t)
	type (
		kinds    = map[v1.Kind]int
		outcomes = map[v1.Outcome]int
		reasons  = map[string]int
	)
	for name, one := range map[string]struct {
		q    v1.RecordQuery
		want v1.RecordCounts
	}{
		"everything": {v1.RecordQuery{}, v1.RecordCounts{
			Total: 6, Kinds: kinds{"company": 3, "contract": 3}, Outcomes: outcomes{"pushed": 1, "not_met": 3, "dead": 1},
			Reasons: reasons{"type_not_customer": 1, "status_inactive": 2, "client_out_of_scope": 1, "rejected": 1},
		}},
		"a kind": {v1.RecordQuery{Kind: v1.KindCompany}, v1.RecordCounts{
			Total: 3, Kinds: kinds{"company": 3, "contract": 3}, Outcomes: outcomes{"pushed": 1, "not_met": 2},
			Reasons: reasons{"type_not_customer": 1, "status_inactive": 2},
		}},
		"an outcome and a reason": {v1.RecordQuery{Outcome: v1.OutcomeNotMet, Reason: "status_inactive"}, v1.RecordCounts{
			Total: 2, Kinds: kinds{"company": 2}, Outcomes: outcomes{"not_met": 2},
			Reasons: reasons{"type_not_customer": 1, "status_inactive": 2, "client_out_of_scope": 1},
		}},
		"part of a name": {v1.RecordQuery{Q: " NORTH", Cursor: "company:1", Limit: 1}, v1.RecordCounts{
			Total: 3, Kinds: kinds{"company": 2, "contract": 1}, Outcomes: outcomes{"pushed": 1, "not_met": 2},
			Reasons: reasons{"type_not_customer": 1, "status_inactive": 1, "client_out_of_scope": 1},
		}},
		"nothing": {v1.RecordQuery{Q: "nobody"}, v1.RecordCounts{Kinds: kinds{}, Outcomes: outcomes{}, Reasons: reasons{}}},
	} {
		t.Run(name, func(t *testing.T) {
			if diff := cmp.Diff(one.want, must[v1.RecordCounts](t)(l.Facets(t.Context(), inst, one.q))); diff != "" {
				t.Error(diff)
			}
		})
	}
}

func TestListByReason(t *testing.T) {
	l := someOfEach(t)
	var got []string
	for _, r := range must[v1.Page[v1.Record]](t)(l.List(t.Context(), inst, v1.RecordQuery{Reason: "status_inactive", Limit: 10})).Items {
		got = append(got, fmt.Sprintf("%s %s", r.Kind, r.ID))
	}
	if diff := cmp.Diff([]string{"company 2", "company 3"}, got); diff != "" {
		t.Error(diff)
	}
}

// many is an installation with n records, every fourth of them a contract.
func many(b *testing.B, n int) *Ledger {
	b.Helper()
	l := open(b).ledger()
	var entries []*Entry
	for i := range n {
		kind, outcome := v1.KindCompany, v1.OutcomePushed
		if i%4 == 3 {
			kind = v1.KindContract
		}
		var reasons []string
		if i%3 == 0 {
			outcome, reasons = v1.OutcomeNotMet, []string{"type_not_customer"}
		}
		entries = append(entries, filtered(kind, int64(i), fmt.Sprintf("Client number %d of the benchmark", i), outcome, reasons...))
	}
	for part := range slices.Chunk(entries, atomicMax) {
		write(b, l, part...)
	}
	must[v1.Counts](b)(l.Counts(b.Context(), inst, v1.KindCompany))
	return l
}

// BenchmarkPageOf20000 is what a page of the console asks of the index: the list
// with a filter that fits few records, and the counts beside the filters.
func BenchmarkPageOf20000(b *testing.B) {
	l := many(b, 20_000)
	for name, q := range map[string]v1.RecordQuery{
		"first page":        {Limit: 50},
		"search, last page": {Q: "number 1999", Limit: 50},
		"new record each":   {Limit: 50, Kind: v1.KindContract},
	} {
		b.Run(name, func(b *testing.B) {
			next := int64(1_000_000)
			for b.Loop() {
				if name == "new record each" {
					next++
					l.index(inst).add([]*Entry{filtered(v1.KindCompany, next, "New", v1.OutcomePushed)})
				}
				page, err := l.List(b.Context(), inst, q)
				if err != nil || len(page.Items) == 0 {
					b.Fatalf("%d records, %v", len(page.Items), err)
				}
				if _, err := l.Facets(b.Context(), inst, q); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}

// BenchmarkInstallationOf20000 is what every page of an installation asks of the
// index: its counts, what waits, and what is wrong with single records.
func BenchmarkInstallationOf20000(b *testing.B) {
	l := many(b, 20_000)
	for b.Loop() {
		for _, k := range []v1.Kind{v1.KindCompany, v1.KindContract} {
			if c, err := l.Counts(b.Context(), inst, k); err != nil || c.Pushed == 0 {
				b.Fatal(c, err)
			}
			for range 2 {
				if ids, err := l.Find(b.Context(), inst, k, func(s Summary) bool { return s.PendingApproval }); err != nil || len(ids) > 0 {
					b.Fatal(ids, err)
				}
			}
		}
	}
}
