package progress

import "time"

// seen is what an observation finds of a piece of work.
type seen struct {
	due     bool
	moves   uint64
	failing bool
	excused bool          // it cannot move, and that is nobody's stall
	limit   time.Duration // how long it may be due without a move
}

// record is what is remembered of it between two observations. All durations are sums of the
// time between observations.
type record struct {
	moves   uint64        // as of the last observation
	due     bool          // at the last observation
	still   time.Duration // how long it has been due without a move
	failing time.Duration // how long its attempts have failed

	standing bool          // it was found standing still, or failing, and is not well yet
	anew     bool          // it was started anew, and has not been well for long since
	well     time.Duration // how long it has been well since
	given    bool          // the process was given up for it
}

// verdict is what follows from an observation.
type verdict int

const (
	nothing verdict = iota
	recovered
	stalled // it stands still: start it anew
	fails   // it moves, and every attempt fails
	lost    // it stands still again although it was started anew
)

// wellFor is for how many limits work must be well after a new start until that is forgotten.
const wellFor = 2

// judge takes in an observation. Passed is the time since the last one; again is how long work that
// was started anew has until its first move.
func (r record) judge(s seen, passed, again time.Duration) (record, verdict) {
	moved, wasDue := s.moves != r.moves, r.due
	r.moves, r.due = s.moves, s.due
	if s.excused {
		r.still, r.failing = 0, 0
		return r, nothing
	}
	if s.due && wasDue && !moved {
		r.still += passed
	} else {
		r.still = 0
	}
	if s.failing {
		r.failing += passed
	} else {
		r.failing = 0
	}
	limit := s.limit
	if r.anew {
		limit = min(limit, again)
	}
	switch {
	case r.still >= limit && r.anew && r.given:
		return r, nothing
	case r.still >= limit && r.anew:
		r.standing, r.given = true, true
		return r, lost
	case r.still >= limit:
		r.standing, r.anew, r.still, r.well = true, true, 0, 0
		return r, stalled
	case r.failing >= s.limit && !r.standing:
		r.standing = true
		return r, fails
	case r.standing && r.failing == 0 && (moved || !s.due && !r.anew):
		r.standing = false
		return r, recovered
	}
	if r.anew && !r.standing {
		if r.well += passed; r.well >= wellFor*s.limit {
			r.anew, r.well = false, 0
		}
	}
	return r, nothing
}

// elapsed is how much of the time since the last observation counts: an observation that comes late, since
// the machine was suspended or busy, counts as one that came in time.
func elapsed(since, every time.Duration) time.Duration {
	return max(0, min(since, 2*every))
}
