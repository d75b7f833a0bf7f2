package sim

import (
	"fmt"
	"io"
	"net"
	"net/http"
	"strconv"
	"strings"
	"time"

	"channelsync/test/sim/autotask/fault"
	"channelsync/test/sim/autotask/schema"
)

// maxBody bounds what a request may send.
const maxBody = 4 << 20

// Handler serves the REST API under /atservicesrest/, the control API under /sim/ and a page for people at /.
func (s *Sim) Handler() http.Handler {
	control := s.controlRoutes()
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		// Not a mux: the vendor takes any case and doubled slashes, which a mux would redirect.
		segments := strings.FieldsFunc(r.URL.Path, func(c rune) bool { return c == '/' })
		if len(segments) > 0 && strings.EqualFold(segments[0], "atservicesrest") {
			s.serveREST(w, r, segments[1:])
			return
		}
		control.ServeHTTP(w, r)
	})
}

// request is one REST request on its way through the simulator.
type request struct {
	*http.Request
	op       string         // what it does, as the stats and the faults name it
	resource string         // first path segment, by the vendor's spelling: what thread limits and stats count by
	entity   *schema.Entity // nil for resources that are no entity
	rest     []string       // the path behind the resource
	body     []byte
	user     int64        // id of the API user, once logged in
	leave    func()       // ends the request's count as one under way
	poison   *fault.Fault // spoils the answer for a record in it
}

// base is the REST base URL that the caller used.
func (q *request) base() string { return baseURL(q.Request, q.Host) }

func baseURL(r *http.Request, host string) string {
	scheme := "http"
	if r.TLS != nil {
		scheme = "https"
	}
	return scheme + "://" + host + "/atservicesrest/"
}

func (s *Sim) serveREST(w http.ResponseWriter, r *http.Request, segments []string) {
	q := s.classify(r, segments)
	// A request counts as under way until its answer is written: as at the vendor, a client that has just read an
	// answer may still be counted.
	defer func() { q.leave() }()
	a := s.answer(w, q)
	s.stats.request(q.resource, q.op, a.status)
	if a.status == 0 { // cut off without an answer
		return
	}
	w.Header().Set("Date", s.cfg.Now().UTC().Format(http.TimeFormat)) // the clock of the records' times
	w.Header().Set("Content-Type", "application/json; charset=utf-8")
	w.Header().Set("Content-Length", strconv.Itoa(len(a.body)))
	if a.retryAfter > 0 {
		w.Header().Set("Retry-After", strconv.Itoa(a.retryAfter))
	}
	w.WriteHeader(a.status)
	if _, cut := s.faults.Take(fault.Truncate, q.resource, q.op); cut || a.cut {
		_, _ = w.Write(a.body[:len(a.body)/2])
		_ = http.NewResponseController(w).Flush() // or the half would never leave
		panic(http.ErrAbortHandler)
	}
	_, _ = w.Write(a.body) // a client that has gone is none of our business
}

// answer takes a request through everything the vendor does before its own code: faults, log-in, limits.
func (s *Sim) answer(w http.ResponseWriter, q *request) answer {
	if _, hit := s.faults.Take(fault.Reset, q.resource, q.op); hit {
		return reset(w)
	}
	if f, hit := s.faults.Take(fault.Away, q.resource, q.op); hit {
		if f.Status < 0 {
			return reset(w)
		}
		return failed(limit(f.Status, http.StatusServiceUnavailable), f.Text)
	}
	if a, open := s.open(q); open {
		return a
	}
	if a, denied := s.login(q); denied {
		return a
	}
	modes := s.Modes()
	threshold := limit(modes.HourlyThreshold, requestsPerHour)
	usage, over := s.limits.count(threshold)
	if over { // neither status nor text has been recorded; clients assume 429
		return failed(http.StatusTooManyRequests, fmt.Sprintf(
			"The threshold of %d requests in %d minutes has been exceeded.", threshold, thresholdMinutes))
	}
	threads := limit(modes.Threads, threadsPerEntity)
	now, leave := s.limits.enter(q.Header.Get("ApiIntegrationCode"), q.resource)
	q.leave = leave
	s.stats.concurrency(q.resource, now)
	if threads > 0 && now > threads {
		return failed(http.StatusTooManyRequests, fmt.Sprintf(textThreads, threads))
	}
	if modes.Latency {
		s.sleep(q.Context(), latency(usage))
	}
	if a, hit := s.misbehave(w, q, threads); hit {
		return a
	}
	body, err := io.ReadAll(http.MaxBytesReader(w, q.Request.Body, maxBody))
	if err != nil {
		return failed(http.StatusRequestEntityTooLarge, "Maximum request length exceeded.")
	}
	q.body = body
	a := s.dispatch(q)
	if q.poison != nil {
		return s.spoilt(w, q, a)
	}
	return a
}

// spoilt is what becomes of an answer with a poisoned record in it.
func (s *Sim) spoilt(w http.ResponseWriter, q *request, a answer) answer {
	switch f := q.poison; f.As {
	case fault.Reset:
		return reset(w)
	case fault.Hang:
		return s.hang(w, q)
	case fault.Truncate:
		a.cut = true
		return a
	default:
		spoilt := failed(limit(f.Status, http.StatusInternalServerError), f.Text)
		if f.Page != "" {
			spoilt.body = []byte(f.Page)
		}
		return spoilt
	}
}

// hang never answers.
func (s *Sim) hang(w http.ResponseWriter, q *request) answer {
	select {
	case <-q.Context().Done():
	case <-s.ctx.Done():
	}
	return reset(w)
}

// misbehave does what the faults of a logged-in request ask for.
func (s *Sim) misbehave(w http.ResponseWriter, q *request, threads int) (answer, bool) {
	if f, hit := s.faults.Take(fault.Slow, q.resource, q.op); hit {
		s.sleep(q.Context(), time.Duration(f.Delay))
	}
	if _, hit := s.faults.Take(fault.Hang, q.resource, q.op); hit {
		return s.hang(w, q), true
	}
	if f, hit := s.faults.Take(fault.Throttle, q.resource, q.op); hit {
		a := failed(http.StatusTooManyRequests, fmt.Sprintf(textThreads, threads))
		a.retryAfter = f.RetryAfter
		return a, true
	}
	if f, hit := s.faults.Take(fault.Status, q.resource, q.op); hit {
		return failed(limit(f.Status, http.StatusInternalServerError), f.Text), true
	}
	return answer{}, false
}

// reset ends the connection as a firewall would, without an answer.
func reset(w http.ResponseWriter) answer {
	hijacker, ok := w.(http.Hijacker)
	if !ok {
		panic(http.ErrAbortHandler)
	}
	conn, _, err := hijacker.Hijack()
	if err != nil {
		panic(http.ErrAbortHandler)
	}
	if tcp, ok := conn.(*net.TCPConn); ok {
		_ = tcp.SetLinger(0)
	}
	_ = conn.Close()
	return answer{}
}
