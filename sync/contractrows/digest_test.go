package contractrows

import (
	"slices"
	"testing"
	"time"

	"pgregory.net/rapid"

	"channelsync/api/autotask"
	"channelsync/sync/ledger"
	"channelsync/test/harness"
)

func TestMain(m *testing.M) { harness.Main(m) }

var today = time.Date(2026, 11, 30, 0, 0, 0, 0, time.UTC)

func unit(id int64, from, to int) autotask.ContractServiceUnit {
	return autotask.ContractServiceUnit{ID: id, ContractID: 7, StartDate: today.AddDate(0, 0, from), EndDate: today.AddDate(0, 0, to)}
}

// hashOf is the hash of contract 7 with these unit rows, in pages of the given size.
func hashOf(page int, allRows bool, rows ...autotask.ContractServiceUnit) string {
	d := Digests{7: NewDigest(ledger.DayOf(today), allRows)}
	for part := range slices.Chunk(rows, page) {
		addRows(d, unitParts, autotask.Rows[autotask.ContractServiceUnit]{Items: part})
	}
	d[7].complete()
	return d[7].hash(true)
}

func TestAHashIsThatOfTheRowsThatMatter(t *testing.T) {
	now := unit(1, -30, 30)
	edited := now
	edited.ServiceID = new(int64)
	for name, tc := range map[string]struct {
		allRows    bool
		rows, then []autotask.ContractServiceUnit
		differs    bool
	}{
		"an edited row":                      {false, []autotask.ContractServiceUnit{now}, []autotask.ContractServiceUnit{edited}, true},
		"a row more":                         {false, []autotask.ContractServiceUnit{now}, []autotask.ContractServiceUnit{now, unit(2, -1, 1)}, true},
		"one that ended":                     {false, []autotask.ContractServiceUnit{now}, []autotask.ContractServiceUnit{now, unit(2, -60, -1)}, false},
		"one beyond the lookahead":           {false, []autotask.ContractServiceUnit{now}, []autotask.ContractServiceUnit{now, unit(2, Lookahead+1, 90)}, false},
		"one beyond it where all count":      {true, []autotask.ContractServiceUnit{now}, []autotask.ContractServiceUnit{now, unit(2, Lookahead+1, 90)}, true},
		"one beyond it while none has begun": {false, []autotask.ContractServiceUnit{unit(1, 60, 90)}, []autotask.ContractServiceUnit{unit(1, 60, 90), unit(2, 91, 120)}, true},
	} {
		if differs := hashOf(500, tc.allRows, tc.rows...) != hashOf(500, tc.allRows, tc.then...); differs != tc.differs {
			t.Errorf("%s: the hashes differ: %t", name, differs)
		}
	}
}

// TestNeitherOrderNorPagesOfRowsMatter: queries answer rows in any order and page.
func TestNeitherOrderNorPagesOfRowsMatter(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		var rows []autotask.ContractServiceUnit
		for id := range rapid.Int64Range(1, 20).Draw(t, "rows") {
			rows = append(rows, unit(id+1, rapid.IntRange(-40, 40).Draw(t, "from"), rapid.IntRange(-40, 40).Draw(t, "to")))
		}
		shuffled := rapid.Permutation(rows).Draw(t, "shuffled")
		if hashOf(len(rows), false, rows...) != hashOf(rapid.IntRange(1, 5).Draw(t, "page"), false, shuffled...) {
			t.Fatal("the hash depends on order or pages")
		}
	})
}
