package history

import (
	"math"
	"slices"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"channelsync/test/harness"
)

var (
	oneChange = Counts{Changes: 1}
	onePush   = Counts{Changes: 1, Pushed: 1}
)

// count is something counted at a time, from noon on.
type count struct {
	at time.Duration
	c  Counts
}

func TestWhatIsShown(t *testing.T) {
	for name, tc := range map[string]struct {
		counts []count
		at     time.Duration // when it is looked at
		want   map[int]Counts
	}{
		"nothing": {nil, 0, map[int]Counts{}},
		"one hour adds up": {
			[]count{{0, oneChange}, {59 * time.Minute, onePush}, {59 * time.Minute, Counts{Unchanged: 2, Failed: 3}}},
			59 * time.Minute,
			map[int]Counts{0: {Changes: 2, Pushed: 1, Unchanged: 2, Failed: 3}},
		},
		"hours stand apart":     {[]count{{0, oneChange}, {time.Hour, onePush}}, 3 * time.Hour, map[int]Counts{3: oneChange, 2: onePush}},
		"24 hours ago is shown": {[]count{{0, oneChange}}, 24 * time.Hour, map[int]Counts{24: oneChange}},
		"25 hours ago is not":   {[]count{{0, oneChange}}, 25 * time.Hour, map[int]Counts{}},
		"what is new takes the place of what is not shown": {
			[]count{{0, oneChange}, {25 * time.Hour, onePush}}, 25 * time.Hour, map[int]Counts{0: onePush},
		},
		"days later": {[]count{{0, oneChange}, {time.Hour, oneChange}, {1000 * time.Hour, onePush}}, 1000 * time.Hour, map[int]Counts{0: onePush}},
		"a clock set back adds to the hours it repeats": {
			[]count{{0, oneChange}, {2 * time.Hour, oneChange}, {0, onePush}, {2 * time.Hour, onePush}},
			2 * time.Hour,
			map[int]Counts{2: {Changes: 2, Pushed: 1}, 0: {Changes: 2, Pushed: 1}},
		},
		"a clock set back hides what is in the future": {[]count{{0, oneChange}, {2 * time.Hour, onePush}}, 0, map[int]Counts{0: oneChange}},
		"a clock that was a year ahead costs one hour": {
			[]count{{-2 * time.Hour, onePush}, {-time.Hour, onePush}, {365 * 24 * time.Hour, oneChange}, {0, oneChange}},
			0,
			map[int]Counts{2: onePush, 1: onePush, 0: oneChange},
		},
		"an hour of the future is counted anew when it takes its place": {
			[]count{{25 * time.Hour, onePush}, {0, oneChange}}, 0, map[int]Counts{0: oneChange},
		},
	} {
		t.Run(name, func(t *testing.T) {
			var hs hours
			for _, one := range tc.counts {
				hs.add(hourOf(noon.Add(one.at)), one.c)
			}
			now := noon.Add(tc.at)
			if diff := cmp.Diff(tc.want, eventful(t, hs.until(now), now)); diff != "" {
				t.Error(diff)
			}
		})
	}
}

func TestHoursAreThoseOfUTC(t *testing.T) {
	india := time.FixedZone("IST", 5*3600+1800)
	var hs hours
	hs.add(hourOf(time.Date(2026, 3, 1, 17, 45, 0, 0, india)), oneChange) // 12:15 UTC
	got := hs.until(time.Date(2026, 3, 1, 18, 45, 0, 0, india))[span-2]
	if got.From != noon || got.From.Location() != time.UTC || got.Changes != 1 {
		t.Errorf("got %+v", got)
	}
}

// TestCountsAreThoseOfTheWindow: with a clock that never goes back every hour that is shown has all that was counted in it.
func TestCountsAreThoseOfTheWindow(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		var hs hours
		model := map[int64]Counts{}
		now := hourOf(noon)
		for range rapid.IntRange(0, 60).Draw(rt, "counts") {
			now += rapid.Int64Range(0, 40).Draw(rt, "hours on")
			c := Counts{rapid.IntRange(0, 3).Draw(rt, "changes"), 1, 0, rapid.IntRange(0, 3).Draw(rt, "failed")}
			hs.add(now, c)
			model[now] = model[now].plus(c)
			b, err := encode(hs)
			if err != nil {
				rt.Fatal(err)
			}
			if hs, err = decode(b); err != nil { // a restart
				rt.Fatal(err)
			}
		}
		want := map[int]Counts{}
		for h, c := range model {
			if ago := now - h; ago < span {
				want[int(ago)] = c
			}
		}
		at := time.Unix(now*3600, 0)
		if diff := cmp.Diff(want, eventful(t, hs.until(at), at)); diff != "" {
			rt.Error(diff)
		}
	})
}

// TestJumpsLeaveARing: whatever the clock does, memory is bounded and the running hour is right.
func TestJumpsLeaveARing(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		var hs hours
		for range rapid.IntRange(1, 100).Draw(rt, "counts") {
			now := rapid.Int64Range(-1000, 1000).Draw(rt, "hour")
			before := slices.Clone(hs)
			hs.add(now, oneChange)
			i := slices.IndexFunc(before, func(h hour) bool { return h.Hour == now })
			want := 1
			if i >= 0 {
				want = before[i].Changes + 1
			}
			if got := hs.until(time.Unix(now*3600, 0))[span-1].Changes; got != want {
				rt.Fatalf("hour %d has %d, want %d", now, got, want)
			}
		}
		ring(rt, hs)
	})
}

type failer interface{ Fatalf(string, ...any) }

func ring(t failer, hs hours) {
	taken := map[int64]bool{}
	for _, h := range hs {
		if taken[place(h.Hour)] {
			t.Fatalf("two hours in one place: %+v", hs)
		}
		taken[place(h.Hour)] = true
	}
	if len(hs) > span {
		t.Fatalf("%d hours", len(hs))
	}
}

func FuzzDecode(f *testing.F) {
	for _, s := range []string{
		``, `{}`, `null`, `[]`, `{"hours":null}`, `{"hours":[{}]}`, `{"hours":[{"hour":492300,"changes":3,"pushed":1}]}`,
		`{"hours":[{"hour":1,"changes":-1}]}`, `{"hours":[{"hour":1},{"hour":26}]}`, `{"hours":[{"hour":-9223372036854775808,"failed":9}]}`,
	} {
		f.Add([]byte(s))
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		hs, err := decode(b)
		if err != nil {
			return
		}
		ring(t, hs)
		for _, now := range []time.Time{noon, time.Unix(0, 0), time.Unix(math.MinInt32, 0)} {
			if n := len(hs.until(now)); n != span {
				t.Fatalf("%d hours shown", n)
			}
		}
		again, err := encode(hs)
		harness.OK(t, err)
		back, err := decode(again)
		if err != nil || !slices.Equal(hs, back) {
			t.Fatalf("%s became %s, %v", b, again, err)
		}
	})
}
