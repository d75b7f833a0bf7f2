package sim

import (
	"fmt"
	"net/http"
	"time"
)

// quota counts the requests of a connection in fixed windows.
type quota struct {
	most   int
	window time.Duration
	used   int
	opened time.Time
}

// take counts a request, writes the RateLimit headers and refuses what is over.
func (q *quota) take(h http.Header, now time.Time) *Problem {
	if age := now.Sub(q.opened); age >= q.window || age < 0 {
		q.used, q.opened = 0, now
	}
	left := int((q.window - now.Sub(q.opened) + time.Second - 1) / time.Second)
	over := q.used >= q.most
	if !over {
		q.used++
	}
	h.Set("RateLimit-Policy", fmt.Sprintf(`"default";q=%d;w=%d`, q.most, int(q.window/time.Second)))
	h.Set("RateLimit", fmt.Sprintf(`"default";r=%d;t=%d`, q.most-q.used, left))
	if !over {
		return nil
	}
	p := newProblem(http.StatusTooManyRequests, CodeQuotaExceeded, "over %d requests in %s", q.most, q.window)
	p.retryAfter = left
	return p
}
