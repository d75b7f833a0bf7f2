// Package transport makes the connections that calls to a vendor take, so that one that
// died without a word (a firewall forgot it, a machine lost its power) is found out and not
// used again. A transport belongs to one client of one installation: what its connections go
// through is no other installation's matter. It decides nothing about requests: repeating
// them is the client's, and so is what an answer means.
//
// Neither TCP nor HTTP tells of such a death: a request on a dead connection is written into
// the kernel's buffer, and its answer never comes. (golang/go#36026: over HTTP/2 even the
// requests after it take the same connection.)
package transport

import (
	"context"
	"fmt"
	"net"
	"net/http"
	"time"
)

const (
	// Silence is how long a request waits for its answer to begin, or to go on. Then it is
	// given up and its connection is closed.
	Silence = 30 * time.Second

	connectTimeout = 15 * time.Second // the first TLS connection to a zone of Autotask was seen to take 11 s

	// An HTTP/2 connection on which nothing arrived for pingAfter is asked for a sign of
	// life, and closed without one within pingWithin, whether it is in use or not.
	pingAfter  = 15 * time.Second
	pingWithin = 15 * time.Second

	// An installation that polls uses one connection for some seconds of each minute. It does
	// not stay open in between: a thousand of them would cost more than the handshakes do.
	idleTimeout = 15 * time.Second
	idleMost    = 4
)

// Transport carries requests. It is safe for concurrent use.
type Transport struct {
	http    *http.Transport
	silence time.Duration
}

// New makes a transport that has no connections yet. Tests reach servers of their own by edits.
func New(edits ...func(*http.Transport)) *Transport {
	dialer := &net.Dialer{
		Timeout: connectTimeout,
		// The kernel asks an idle connection for a sign of life, so that a dead one is closed within 30 s.
		KeepAliveConfig: net.KeepAliveConfig{Enable: true, Idle: 15 * time.Second, Interval: 5 * time.Second, Count: 3},
	}
	t := &Transport{silence: Silence, http: &http.Transport{
		Proxy:               http.ProxyFromEnvironment,
		DialContext:         dialer.DialContext,
		TLSHandshakeTimeout: connectTimeout,
		ForceAttemptHTTP2:   true,
		MaxIdleConns:        idleMost,
		MaxIdleConnsPerHost: idleMost,
		IdleConnTimeout:     idleTimeout,
		HTTP2:               &http.HTTP2Config{SendPingTimeout: pingAfter, PingTimeout: pingWithin, WriteByteTimeout: pingWithin},
	}}
	for _, edit := range edits {
		edit(t.http)
	}
	return t
}

// CloseIdleConnections closes those that no request uses.
func (t *Transport) CloseIdleConnections() { t.http.CloseIdleConnections() }

// silent is the error of a request that got no answer in time.
type silent struct{ after time.Duration }

func (s silent) Error() string {
	return fmt.Sprintf("no answer for %s: given up, and its connection closed", s.after)
}

// Unwrap lets errors.Is find context.DeadlineExceeded.
func (s silent) Unwrap() error { return context.DeadlineExceeded }
