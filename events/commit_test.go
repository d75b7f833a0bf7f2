package events

import (
	"testing"
	"testing/synctest"
	"time"

	js "channelsync/events/internal/jetstream"
)

// TestRoundWaitsForWhoIsAboutToPost shows whom a round waits for, and that it does so no longer than gatherFor.
func TestRoundWaitsForWhoIsAboutToPost(t *testing.T) {
	for name, tc := range map[string]struct {
		expected, waiting int
		late              int // post half of gatherFor later
		want              int
		after             time.Duration
	}{
		"a lone change waits for nobody":             {expected: 0, want: 1},
		"nor after a round of one":                   {expected: 1, want: 1},
		"what waits goes along":                      {expected: 1, waiting: 5, want: 6},
		"all that were expected wait already":        {expected: 6, waiting: 5, want: 6},
		"those of the round before come a bit later": {expected: 6, waiting: 2, late: 3, want: 6, after: gatherFor / 2},
		"they do not come":                           {expected: 6, waiting: 2, want: 3, after: gatherFor},
		"some do not come":                           {expected: 6, waiting: 2, late: 1, want: 4, after: gatherFor},
		"a round is full":                            {expected: 2 * js.BatchMax, waiting: js.BatchMax, want: js.BatchMax},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				j := &Journal{in: make(chan *submission, js.BatchMax)}
				for range tc.waiting {
					j.in <- &submission{}
				}
				time.AfterFunc(gatherFor/2, func() {
					for range tc.late {
						j.in <- &submission{}
					}
				})
				began := time.Now()
				round := j.collect(&submission{}, tc.expected)
				if took := time.Since(began); len(round) != tc.want || took != tc.after {
					t.Errorf("a round of %d after %s, want %d after %s", len(round), took, tc.want, tc.after)
				}
			})
		})
	}
}
