package progress

import (
	"testing"
	"time"

	"pgregory.net/rapid"

	"channelsync/test/harness"
)

const (
	every = 5 * time.Second
	again = 2 * time.Minute
)

// observation is one observation of work of the live pace, five seconds after the one before.
type observation struct {
	due, moved, failing, excused bool
	passed                       time.Duration // 0: 5 s
}

// follow judges observations one after the other, n times each, and returns the verdicts that are not nothing, with when they came.
func follow(parts ...struct {
	n int
	observation
},
) (verdicts []verdict, at []time.Duration) {
	var r record
	var moves uint64
	var now time.Duration
	for _, p := range parts {
		for range p.n {
			if p.moved {
				moves++
			}
			passed := p.passed
			if passed == 0 {
				passed = every
			}
			now += passed
			var v verdict
			r, v = r.judge(seen{due: p.due, moves: moves, failing: p.failing, excused: p.excused, limit: 2 * time.Minute}, passed, again)
			if v != nothing {
				verdicts, at = append(verdicts, v), append(at, now)
			}
		}
	}
	return verdicts, at
}

func TestJudge(t *testing.T) {
	type part = struct {
		n int
		observation
	}
	stands, moves, rests, fails1 := observation{due: true}, observation{due: true, moved: true}, observation{}, observation{due: true, moved: true, failing: true}
	for name, tc := range map[string]struct {
		observations []part
		want         []verdict
		at           []time.Duration
	}{
		"idle for an hour":                {observations: []part{{720, rests}}},
		"moving for an hour":              {observations: []part{{720, moves}}},
		"a move just before the limit":    {observations: []part{{24, stands}, {1, moves}, {23, stands}}},
		"no move within the limit":        {[]part{{26, stands}}, []verdict{stalled}, []time.Duration{125 * time.Second}},
		"moves after a new start":         {[]part{{25, stands}, {100, moves}}, []verdict{stalled, recovered}, []time.Duration{125 * time.Second, 130 * time.Second}},
		"no move after it":                {[]part{{49, stands}}, []verdict{stalled, lost}, []time.Duration{125 * time.Second, 245 * time.Second}},
		"given up once":                   {[]part{{500, stands}}, []verdict{stalled, lost}, []time.Duration{125 * time.Second, 245 * time.Second}},
		"idle after a new start is still": {[]part{{25, stands}, {10, rests}, {25, stands}}, []verdict{stalled, lost}, []time.Duration{125 * time.Second, 5 * time.Minute}},
		"stands still again soon after": {
			[]part{{25, stands}, {12, moves}, {24, stands}},
			[]verdict{stalled, recovered, lost},
			[]time.Duration{125 * time.Second, 130 * time.Second, 305 * time.Second},
		},
		"stands still again much later": {
			[]part{{25, stands}, {60, moves}, {24, stands}},
			[]verdict{stalled, recovered, stalled},
			[]time.Duration{125 * time.Second, 130 * time.Second, 545 * time.Second},
		},
		"excused":              {observations: []part{{500, observation{due: true, excused: true}}}},
		"after the excuse":     {[]part{{23, stands}, {1, observation{due: true, excused: true}}, {24, stands}}, []verdict{stalled}, []time.Duration{4 * time.Minute}},
		"every attempt fails":  {[]part{{48, fails1}, {1, moves}}, []verdict{fails, recovered}, []time.Duration{2 * time.Minute, 245 * time.Second}},
		"one attempt succeeds": {observations: []part{{20, fails1}, {1, moves}, {20, fails1}}},
		"suspended for an hour, an observation after it": {
			observations: []part{{10, stands}, {1, observation{due: true, passed: elapsed(time.Hour, every)}}, {5, stands}, {1, moves}},
		},
	} {
		t.Run(name, func(t *testing.T) {
			got, at := follow(tc.observations...)
			if len(got) != len(tc.want) {
				t.Fatalf("verdicts %v at %v, want %v at %v", got, at, tc.want, tc.at)
			}
			for i := range got {
				if got[i] != tc.want[i] || at[i] != tc.at[i] {
					t.Errorf("verdict %d: %v at %s, want %v at %s", i, got[i], at[i], tc.want[i], tc.at[i])
				}
			}
		})
	}
}

func TestElapsed(t *testing.T) {
	harness.Table(t, func(since time.Duration) time.Duration { return elapsed(since, every) }, map[time.Duration]time.Duration{
		0: 0, time.Second: time.Second, every: every, 9 * time.Second: 9 * time.Second, 11 * time.Second: 10 * time.Second, time.Hour: 10 * time.Second,
		-time.Hour: 0,
	})
}

// TestWhatMovesInTimeIsNeverFound: whatever else happens, a move within each 2 minutes, or
// nothing to do, is enough; and what does neither for so long is always found.
func TestWhatMovesInTimeIsNeverFound(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		var r record
		var moves uint64
		var still time.Duration
		found, wasDue := false, false
		for range rapid.IntRange(1, 200).Draw(t, "observations") {
			s := seen{due: rapid.Bool().Draw(t, "due"), limit: 2 * time.Minute}
			moved := rapid.IntRange(0, 30).Draw(t, "moved") == 0
			if moved {
				moves++
			}
			s.moves = moves
			passed := elapsed(time.Duration(rapid.Int64Range(0, int64(time.Hour)).Draw(t, "passed")), every)
			if still += passed; moved || !s.due || !wasDue {
				still = 0
			}
			wasDue = s.due
			var v verdict
			r, v = r.judge(s, passed, again)
			switch {
			case v == stalled && still < 2*time.Minute, v == lost && !found:
				t.Fatalf("%v after %s", v, still)
			case v == stalled:
				found, still = true, 0
			case still >= 2*time.Minute && !found:
				t.Fatalf("not found after %s", still)
			}
		}
	})
}
