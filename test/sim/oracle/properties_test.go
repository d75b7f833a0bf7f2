package oracle

import (
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	autotask "channelsync/test/sim/autotask/sim"
)

// parts is rows with ids of their own, so that the order in which they are stored can differ.
func parts() *rapid.Generator[[]put] {
	return rapid.Custom(func(t *rapid.T) []put {
		vendor := rapid.SampledFrom([]any{alpha, beta, gamma, 999, nil})
		money := rapid.SampledFrom([]any{nil, 0, "2.5", 5, -1})
		rows := base()
		for i := range rapid.IntRange(0, 6).Draw(t, "units") {
			row := unit(vendor.Draw(t, "vendor"), money.Draw(t, "cost"), autotask.Row{
				"id": i + 1, "contractServiceID": rapid.SampledFrom([]any{nil, 1, 2}).Draw(t, "line"), "units": rapid.IntRange(0, 2).Draw(t, "units"),
				"startDate": rapid.SampledFrom([]string{"2026-11-01", "2026-11-10", "2026-11-23"}).Draw(t, "start"),
			})
			rows = append(rows, row)
		}
		for i := range rapid.IntRange(0, 4).Draw(t, "services") {
			rows = append(rows, service(int64(i+1), vendor.Draw(t, "vendor"), money.Draw(t, "unitCost")))
			row := line(i+1, money.Draw(t, "unitCost"))
			row.row["id"] = i + 1
			rows = append(rows, row)
		}
		for i := range rapid.IntRange(0, 4).Draw(t, "contacts") {
			rows = append(rows, contact(int64(i+1), autotask.Row{
				"emailAddress": rapid.SampledFrom([]string{"a@x.example", "A@X.example", "b@x.example", ""}).Draw(t, "email"),
				"isActive":     rapid.IntRange(0, 1).Draw(t, "active"),
			}))
		}
		return rows
	})
}

func TestTheOrderOfRowsNeverMatters(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		rows := parts().Draw(t, "rows")
		want := stored(rows)
		got := stored(rapid.Permutation(rows).Draw(t, "shuffled"))
		if diff := cmp.Diff(want, got); diff != "" {
			t.Fatalf("another order (-want +got):\n%s", diff)
		}
		if differences := Compare(want, got); len(differences) != 0 {
			t.Fatalf("equal sides differ: %v", differences)
		}
	})
}

func stored(rows []put) State {
	at := autotask.New(autotask.Config{Now: func() time.Time { return today }})
	defer at.Close()
	fill(at, rows)
	return Expected(at, both, today)
}
