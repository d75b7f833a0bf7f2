package relay

import (
	"bytes"
	"cmp"
	"context"
	"errors"
	"io"
	"net/http"
	"strings"
	"time"

	"github.com/go-chi/chi/v5"
	"go.uber.org/zap"

	v1 "channelsync/api/v1"
	"channelsync/events/lease"
	"channelsync/events/peer"
	"channelsync/handlers/admin"
	"channelsync/handlers/internal/identity"
	"channelsync/handlers/internal/web"
	"channelsync/internal/lifecycle"
)

// Owners says whose a shard is: an instance, possibly this one, or "" of nobody.
type Owners interface {
	Owner(shard int) (instance string)
}

// Config is what a Relay needs.
type Config struct {
	Self   string // this instance's id
	Owners Owners
	Line   *Line
	API    http.Handler // the admin API of this instance
	Log    *zap.Logger
	// Patience is how long a request waits for an owner; 0 means 3 s. A shard that is
	// handed over has its next one before that, one whose owner died has not.
	Patience time.Duration
}

// Relay is the admin API of all instances; mount it where the API would be.
type Relay struct {
	Config
	inner http.Handler // the API at its full path
}

const (
	prefix  = "/api/v1"
	service = "api"
	maxBody = 1 << 20 // of the API itself
	// readWithin is how long a read waits for its owner before the store answers
	// instead; what changes something, or asks the vendors, has the API's own time.
	readWithin  = 10 * time.Second
	patience    = 3 * time.Second
	askAgain    = 50 * time.Millisecond
	writeWithin = admin.Timeout + 5*time.Second
)

// New makes a relay. It answers other instances after Serve.
func New(cfg Config) *Relay {
	cfg.Patience = cmp.Or(cfg.Patience, patience)
	inner := chi.NewRouter()
	inner.Use(web.Recover(cfg.Log))
	inner.Mount(prefix, cfg.API)
	return &Relay{Config: cfg, inner: inner}
}

// Serve answers the requests that other instances pass on, until stop is called.
func (a *Relay) Serve() (stop func(), err error) {
	return a.Line.Answer(service, a.answer)
}

// ServeHTTP answers a request here, or passes it on to the instance it is for. What
// only an owner can answer waits a moment for a shard that is being handed over.
func (a *Relay) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	path := chi.RouteContext(r.Context()).RoutePath
	shard, sharded := shardOf(r.Method, path)
	if !sharded || a.Owners.Owner(shard) == a.Self {
		a.API.ServeHTTP(w, r)
		return
	}
	body, ok := read(w, r)
	if !ok {
		return
	}
	for end := time.Now().Add(a.Patience); ; {
		switch owner := a.Owners.Owner(shard); {
		case owner == a.Self:
			r.Body, r.ContentLength = io.NopCloser(bytes.NewReader(body)), int64(len(body))
			a.API.ServeHTTP(w, r)
			return
		case owner != "" && a.forward(w, r, owner, body):
			return
		case stored(r.Method, path):
			a.API.ServeHTTP(w, r)
			return
		case time.Now().After(end):
			later(w, "No instance works for this right now.", "Nothing was done. Try again in some seconds: another instance takes over.")
			return
		}
		if lifecycle.Sleep(r.Context(), askAgain) != nil {
			return
		}
	}
}

// read reads the body, which the API would do. What it answers itself is answered when ok is false.
func read(w http.ResponseWriter, r *http.Request) (body []byte, ok bool) {
	body, err := io.ReadAll(io.LimitReader(r.Body, maxBody+1))
	switch {
	case err != nil:
		web.Problem(w, v1.NewProblem(http.StatusBadRequest, v1.CodeInvalid, "The body did not arrive whole.", "Send it again."))
		return nil, false
	case len(body) > maxBody:
		web.Problem(w, v1.NewProblem(http.StatusRequestEntityTooLarge, v1.CodeInvalid, "The body is larger than 1 MiB.", ""))
		return nil, false
	}
	_ = http.NewResponseController(w).SetReadDeadline(time.Time{}) // it is for the request only; not every writer has one
	return body, true
}

// shardOf is the shard that a request belongs to; false for one that every instance
// can answer. New installations are made by the owner of shard 0, so that no account
// is installed twice. Outcomes are published to all instances.
func shardOf(method, path string) (shard int, sharded bool) {
	parts := strings.Split(strings.Trim(path, "/"), "/")
	switch {
	case parts[0] != "installations":
		return 0, false
	case len(parts) == 1:
		return 0, method == http.MethodPost
	case !web.IsInstallationID(parts[1]), len(parts) == 3 && parts[2] == "feed":
		return 0, false
	}
	return lease.ShardOf(parts[1]), true
}

// stored says whether the store can answer a request: reads, but for the one that asks the vendors.
func stored(method, path string) bool {
	return (method == http.MethodGet || method == http.MethodHead) && !strings.HasSuffix(path, "/explain")
}

func later(w http.ResponseWriter, detail, hint string) {
	w.Header().Set("Retry-After", "3")
	web.Problem(w, v1.NewProblem(http.StatusServiceUnavailable, v1.CodeUnavailable, detail, hint))
}

// forward passes a request on and answers what its owner does; false when that was
// not done, since the owner is about to change.
func (a *Relay) forward(w http.ResponseWriter, r *http.Request, owner string, body []byte) (done bool) {
	path := chi.RouteContext(r.Context()).RoutePath
	within := writeWithin
	if stored(r.Method, path) {
		within = readWithin
	}
	ctx, cancel := context.WithTimeoutCause(r.Context(), within, errors.New("the owner's answer did not come in time"))
	defer cancel()
	answer, err := a.ask(ctx, owner, r, body)
	switch {
	case err == nil && answer.Status == 0:
		return false
	case err == nil:
		answer.write(w)
	case errors.Is(err, peer.ErrTooLarge):
		web.Problem(w, v1.NewProblem(http.StatusRequestEntityTooLarge, v1.CodeInvalid,
			"This is larger than the instances of channelsync can pass on to each other.",
			"Ask for less at once, or raise max_payload of the NATS server."))
	case errors.Is(err, peer.ErrNoInstance):
		return false
	case stored(r.Method, path):
		a.Log.Debug("owner does not answer, answering from the store", zap.String(v1.LogInstance, owner), zap.Error(err))
		return false
	default:
		a.Log.Warn("request not answered by its owner", zap.String(v1.LogInstance, owner),
			zap.String(v1.LogOperation, r.Method+" "+path), zap.Error(err))
		later(w, "The instance that works for this did not answer in time.", "It may have been done: look before you try again.")
	}
	return true
}

func (a *Relay) ask(ctx context.Context, owner string, r *http.Request, body []byte) (answer, error) {
	caller := identity.Of(r.Context())
	question, err := pack(request{Method: r.Method, URI: r.URL.RequestURI(), Header: carried(r.Header), Caller: &caller}, body)
	if err != nil {
		return answer{}, err
	}
	packed, err := a.Line.Ask(ctx, owner, service, question)
	if err != nil {
		return answer{}, err
	}
	var out answer
	out.body, err = unpack(packed, &out)
	return out, err
}

// answer serves a request that another instance passed on. It is never passed on
// again: what is not this instance's any more is answered with status 0.
func (a *Relay) answer(ctx context.Context, question []byte) []byte {
	rec := &recorder{header: http.Header{}}
	var req request
	body, err := unpack(question, &req)
	if err == nil {
		err = a.serve(ctx, rec, req, body)
	}
	if err != nil {
		a.Log.Warn("peer request rejected", zap.Error(err))
		rec = &recorder{header: http.Header{}}
		web.Problem(rec, web.Internal())
	}
	packed, err := pack(answer{Status: rec.status, Header: rec.header}, rec.body.Bytes())
	if err != nil {
		return nil
	}
	return packed
}
