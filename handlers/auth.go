package handlers

import (
	"crypto/sha256"
	"crypto/subtle"
	"net/http"
	"strings"
	"sync"
	"time"

	"golang.org/x/time/rate"

	v1 "channelsync/api/v1"
	"channelsync/handlers/internal/web"
)

const (
	failureBurst = 10              // wrong tokens of one address at once
	failureEvery = 6 * time.Second // and one more each
	maxAddresses = 10_000          // remembered at a time
)

// gate lets those through who have the token. It compares hashes, so that the
// time it takes tells neither the token nor its length.
type gate struct {
	want [sha256.Size]byte

	mu       sync.Mutex
	failures map[string]*rate.Limiter // by source address
}

func newGate(token v1.Secret) *gate {
	g := &gate{failures: map[string]*rate.Limiter{}}
	g.want = sha256.Sum256([]byte(token.Reveal()))
	if token == "" {
		// Nobody knows the text of this hash: an empty token lets nobody in.
		g.want = [sha256.Size]byte{}
	}
	return g
}

func (g *gate) require(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		// Whoever is on this machine without a proxy between is not slowed down: a
		// script with an old token must not lock its operator out.
		limited := !web.Direct(r)
		if limited && g.exhausted(web.Source(r)) {
			w.Header().Set("Retry-After", "6")
			web.Problem(w, v1.NewProblem(http.StatusTooManyRequests, v1.CodeUnauthenticated,
				"Too many wrong tokens came from this address.", "Wait a few seconds, then send the right one."))
			return
		}
		token, given := bearer(r)
		got := sha256.Sum256([]byte(token))
		if given && subtle.ConstantTimeCompare(got[:], g.want[:]) == 1 {
			next.ServeHTTP(w, r)
			return
		}
		if limited {
			g.failed(web.Source(r))
		}
		w.Header().Set("WWW-Authenticate", `Bearer realm="channelsync"`)
		detail := "The bearer token is not the right one."
		if !given {
			detail = "The request has no bearer token."
		}
		web.Problem(w, v1.NewProblem(http.StatusUnauthorized, v1.CodeUnauthenticated, detail,
			"Send the header Authorization: Bearer <token>; the token is --admin-token, "+
				"or the file admin-token in the data directory."))
	})
}

func bearer(r *http.Request) (string, bool) {
	scheme, token, ok := strings.Cut(r.Header.Get("Authorization"), " ")
	if !ok || !strings.EqualFold(scheme, "Bearer") {
		return "", false
	}
	token = strings.TrimSpace(token)
	return token, token != ""
}

func (g *gate) exhausted(address string) bool {
	g.mu.Lock()
	defer g.mu.Unlock()
	l, ok := g.failures[address]
	return ok && l.Tokens() < 1
}

func (g *gate) failed(address string) {
	g.mu.Lock()
	defer g.mu.Unlock()
	l, ok := g.failures[address]
	if !ok {
		g.makeRoom()
		l = rate.NewLimiter(rate.Every(failureEvery), failureBurst)
		g.failures[address] = l
	}
	l.Allow()
}

// makeRoom forgets addresses whose failures are long ago once there are many,
// and all of them if none is: memory is bounded whatever is sent.
func (g *gate) makeRoom() {
	if len(g.failures) < maxAddresses {
		return
	}
	for address, l := range g.failures {
		if l.Tokens() >= failureBurst {
			delete(g.failures, address)
		}
	}
	if len(g.failures) >= maxAddresses {
		clear(g.failures)
	}
}
