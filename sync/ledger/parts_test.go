package ledger

import (
	"encoding/json"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"
)

func TestPartsAreStoredInWords(t *testing.T) {
	day := DayOf(time.Date(2026, 11, 29, 23, 59, 0, 0, time.FixedZone("west", -8*60*60)))
	in := Parts{Hash: "h", From: day, Charges: true, Rows: 7, Until: day + 1, Due: day + 3}
	raw, err := json.Marshal(in)
	want := `{"hash":"h","from":"2026-11-29","charges":true,"rows":7,"until":"2026-11-30","due":"2026-12-02"}`
	if err != nil || string(raw) != want {
		t.Errorf("%s, %v, want %s", raw, err, want)
	}
	var out Parts
	if err := json.Unmarshal(raw, &out); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(in, out); diff != "" {
		t.Error(diff)
	}
	if err := json.Unmarshal([]byte(`{"from":"yesterday"}`), &out); err == nil {
		t.Error("yesterday is a day")
	}
}

func TestDaysCountAsTheCalendarDoes(t *testing.T) {
	rapid.Check(t, func(r *rapid.T) {
		d := Day(rapid.Int32Range(-200_000, 200_000).Draw(r, "day"))
		if d == 0 {
			return
		}
		if got := DayOf(d.Time()); got != d {
			r.Fatalf("day %d is %s, which is day %d", d, d, got)
		}
		if next := d.Time().AddDate(0, 0, 1); d != -1 && DayOf(next) != d+1 {
			r.Fatalf("the day after %s is %d, not %d", d, DayOf(next), d+1)
		}
	})
}
