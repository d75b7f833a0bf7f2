package coverage

import (
	"slices"
	"time"
)

// steps is how finely the requests of a window are remembered.
const steps = 60

// Allowance remembers the requests of the last window of time, so that no more than
// a limit are sent in any. The zero value has sent none.
type Allowance struct {
	Used []Used `json:"used,omitempty"` // oldest first
}

// Used is how many requests were sent from At on, for a sixtieth of the window.
type Used struct {
	At time.Time `json:"at"`
	N  int       `json:"n"`
}

// Take counts one request, or says how long to wait for one. It is exact to one
// side: a request counts until its whole step has left the window.
func (a *Allowance) Take(now time.Time, limit int, window time.Duration) time.Duration {
	a.expire(now, window)
	if over := a.sum() - max(limit, 1) + 1; over > 0 {
		for _, u := range a.Used {
			if over -= u.N; over <= 0 {
				return u.end(window).Sub(now)
			}
		}
	}
	a.add(now, 1, window)
	return 0
}

// With is the allowance after n more requests: what is stored before they are sent,
// so that a crash forgets none of them.
func (a Allowance) With(now time.Time, n int, window time.Duration) Allowance {
	out := Allowance{Used: slices.Clone(a.Used)}
	out.expire(now, window)
	out.add(now, n, window)
	return out
}

func (a *Allowance) add(now time.Time, n int, window time.Duration) {
	if last := len(a.Used) - 1; last >= 0 && now.Sub(a.Used[last].At) < window/steps {
		a.Used[last].N += n
		return
	}
	a.Used = append(a.Used, Used{At: now, N: n})
}

// expire forgets what has left the window, and what a clock that was set back has
// put so far ahead that it never would.
func (a *Allowance) expire(now time.Time, window time.Duration) {
	a.Used = slices.DeleteFunc(a.Used, func(u Used) bool {
		return !u.end(window).After(now) || u.At.Sub(now) > window
	})
}

func (a Allowance) sum() int {
	n := 0
	for _, u := range a.Used {
		n += u.N
	}
	return n
}

// end is when the last request of a step has left the window.
func (u Used) end(window time.Duration) time.Time { return u.At.Add(window/steps + window) }
