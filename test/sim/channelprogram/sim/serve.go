package sim

import (
	"encoding/json"
	"errors"
	"io"
	"net"
	"net/http"
	"strconv"
	"strings"
	"time"
)

// Handler serves the ingest API under /v1/, the control API under /sim/ and a page at /.
func (s *Sim) Handler() http.Handler {
	control := s.controlRoutes()
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if strings.HasPrefix(r.URL.Path, "/v1/") {
			s.serveIngest(w, r)
			return
		}
		control.ServeHTTP(w, r)
	})
}

// answer is how a request ends: with a status and a body, without a body, or not at all.
type answer struct {
	status   int
	body     any
	raw      *rawAnswer // instead of a body
	replayed bool
	dropped  bool
}

// rawAnswer is a body that is none of ours.
type rawAnswer struct{ contentType, body string }

// exchange is one request of the ingest API on its way to its answer.
type exchange struct {
	*Sim
	w      http.ResponseWriter
	r      *http.Request
	id     string
	at     time.Time
	route  route
	conn   *connection
	body   []byte
	inputs []input
	plan   plan
	noted  bool // the history has it
}

func (s *Sim) serveIngest(w http.ResponseWriter, r *http.Request) {
	ex := &exchange{Sim: s, w: w, r: r, id: s.requestID(), at: s.now(), route: route{op: opUnknown}}
	w.Header().Set("X-Request-Id", ex.id)
	s.stats.begin()
	ans, p := ex.handle()
	if p != nil {
		p.RequestID = ex.id
		ans = answer{status: p.Status, body: p}
	}
	if !ex.noted {
		ex.recordRefused(ans, p)
	}
	s.stats.end(ex.route.op, ans.status) // before the answer leaves: whoever has it may ask for the counts
	if ans.dropped {
		cut(w)
		return
	}
	reply(w, ans, p)
}

func reply(w http.ResponseWriter, ans answer, p *Problem) {
	h := w.Header()
	contentType := "application/json"
	if p != nil {
		contentType = "application/problem+json"
		if p.retryAfter > 0 {
			h.Set("Retry-After", strconv.Itoa(p.retryAfter))
		}
		if p.allow != "" {
			h.Set("Allow", p.allow)
		}
		if p.Status == http.StatusUnauthorized {
			h.Set("WWW-Authenticate", "Bearer")
		}
	}
	if ans.replayed {
		h.Set("Idempotency-Replayed", "true")
	}
	if ans.raw != nil {
		h.Set("Content-Type", ans.raw.contentType)
		w.WriteHeader(ans.status)
		_, _ = io.WriteString(w, ans.raw.body)
		return
	}
	if ans.body == nil {
		w.WriteHeader(ans.status)
		return
	}
	writeJSON(w, jsonAnswer{ans.status, contentType, ans.body})
}

type jsonAnswer struct {
	status      int
	contentType string
	body        any
}

func writeJSON(w http.ResponseWriter, a jsonAnswer) {
	text, err := json.Marshal(a.body)
	if err != nil {
		http.Error(w, "encode answer: "+err.Error(), http.StatusInternalServerError)
		return
	}
	w.Header().Set("Content-Type", a.contentType)
	w.WriteHeader(a.status)
	_, _ = w.Write(append(text, '\n')) // the caller may have gone
}

// cut ends the connection without an answer, with a reset where the transport has one.
func cut(w http.ResponseWriter) {
	conn, _, err := http.NewResponseController(w).Hijack()
	if errors.Is(err, http.ErrNotSupported) {
		panic(http.ErrAbortHandler) // net/http's own way to say it
	}
	if err != nil {
		return // it is cut already
	}
	if tcp, ok := conn.(*net.TCPConn); ok {
		_ = tcp.SetLinger(0) // makes the close a reset; without it the caller reads EOF, which it must bear too
	}
	_ = conn.Close()
}
