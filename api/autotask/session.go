package autotask

import (
	"context"
	"net/url"
	"sync"
)

// session is one set of credentials and what is known about them. Repeated
// failed log-ins lock the API user out at the vendor, so until the credentials
// have worked once only the holder of the gate may send, and after a refusal
// nobody may.
type session struct {
	creds Credentials
	gate  chan struct{} // held by the one request whose credentials are in doubt

	mu           sync.Mutex
	base         *url.URL
	proven       bool // a request with these credentials on this base succeeded
	epoch        int  // counts the times they came into doubt
	rediscovered bool // the one zone check after a 401 is spent
	refused      error
}

// ticket lets one request out. It remembers what the request was sent on, so that
// an old answer cannot speak for newer circumstances.
type ticket struct {
	base  *url.URL
	epoch int
	gated bool
}

func newSession(creds Credentials, base *url.URL) *session {
	return &session{creds: creds, base: base, gate: make(chan struct{}, 1)}
}

// enter waits until a request may be sent. It fails at once when the credentials
// are refused. leave must be called with the ticket unless it fails.
func (s *session) enter(ctx context.Context) (ticket, error) {
	t, proven, err := s.ticket()
	if proven || err != nil {
		return t, err
	}
	if err := s.takeGate(ctx); err != nil {
		return ticket{}, err
	}
	t, proven, err = s.ticket()
	t.gated = true
	if proven || err != nil {
		s.leave(t)
		t.gated = false
	}
	return t, err
}

// ticket is the present one, without the gate.
func (s *session) ticket() (t ticket, proven bool, err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return ticket{base: s.base, epoch: s.epoch}, s.proven, s.refused
}

func (s *session) takeGate(ctx context.Context) error {
	select {
	case s.gate <- struct{}{}:
		return nil
	case <-ctx.Done():
		return context.Cause(ctx)
	}
}

// leave gives the gate back.
func (s *session) leave(t ticket) {
	if t.gated {
		<-s.gate
	}
}

// succeeded opens the session for everyone, unless doubts arose since the request
// was sent. A later 401 may have its own zone check.
func (s *session) succeeded(t ticket) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if t.epoch == s.epoch && s.refused == nil {
		s.proven, s.rediscovered = true, false
	}
}

// doubt notes a 401 and closes the session to all but the gate's holder. It is
// false when others have noted a 401 since the request was sent.
func (s *session) doubt(t ticket) (first bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if t.epoch != s.epoch {
		return false
	}
	s.epoch++
	s.proven = false
	return true
}

// spendDiscovery is true once between two successes.
func (s *session) spendDiscovery() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	spent := s.rediscovered
	s.rediscovered = true
	return !spent
}

// moveTo goes on with another zone.
func (s *session) moveTo(base *url.URL) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.base = base
	s.epoch++
}

// refuse stops the session; false when it was stopped already.
func (s *session) refuse(err error) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.refused != nil {
		return false
	}
	s.refused, s.proven = err, false
	return true
}
