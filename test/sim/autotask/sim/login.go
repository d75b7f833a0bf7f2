package sim

import (
	"crypto/subtle"
	"net/http"
	"strings"
	"sync"
)

// logins counts wrong secrets in a row; enough of them lock the API user until Unlock.
type logins struct {
	mu     sync.Mutex
	failed int
	locked bool
}

// wrong counts one; after of 0 never locks.
func (l *logins) wrong(after int) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.failed++
	l.locked = l.locked || after > 0 && l.failed >= after
}

func (l *logins) right() {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.failed = 0
}

func (l *logins) isLocked() bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.locked
}

// Unlock clears the lock of the API user, as an administrator would.
func (s *Sim) Unlock() {
	s.logins.mu.Lock()
	defer s.logins.mu.Unlock()
	s.logins.failed, s.logins.locked = 0, false
}

// Locked tells whether too many wrong secrets have locked the API user.
func (s *Sim) Locked() bool { return s.logins.isLocked() }

// SetSecret changes the API user's secret, as an administrator who rotates it would.
func (s *Sim) SetSecret(secret string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.cfg.Secret = secret
}

func (s *Sim) secret() string {
	s.mu.RLock()
	defer s.mu.RUnlock()
	return s.cfg.Secret
}

// login checks the three headers in the order a real tenant was seen to: unknown user 500, wrong secret 401 with an
// empty body (none was ever recorded), wrong tracking identifier 500. The tenant's former host answers 401 to all.
func (s *Sim) login(q *request) (answer, bool) {
	a, denied := s.credentials(q)
	if denied {
		s.stats.loginFailure()
	}
	return a, denied
}

func (s *Sim) credentials(q *request) (answer, bool) {
	modes := s.Modes()
	if modes.MovedTo != "" && !strings.EqualFold(q.Host, modes.MovedTo) {
		return answer{status: http.StatusUnauthorized}, true
	}
	if user := q.Header.Get("UserName"); user == "" || !strings.EqualFold(user, s.cfg.Username) {
		return refused(textZone), true
	}
	if s.logins.isLocked() {
		return failed(http.StatusUnauthorized, textLocked), true
	}
	if subtle.ConstantTimeCompare([]byte(q.Header.Get("Secret")), []byte(s.secret())) != 1 {
		s.logins.wrong(modes.LockAfter)
		return answer{status: http.StatusUnauthorized}, true
	}
	if q.Header.Get("ApiIntegrationCode") != s.cfg.TrackingIdentifier {
		return refused(textIntegration), true
	}
	s.logins.right()
	return answer{}, false
}

// open answers what needs no log-in: the zone of a user, and the versions.
func (s *Sim) open(q *request) (answer, bool) {
	switch q.op {
	case opZone:
		return s.zone(q), true
	case opVersions:
		return ok([]byte(`{"apiVersions":["v1.0"]}`)), true
	case opUnknown:
		return noResource(q.Request), true
	}
	return answer{}, false
}

func (s *Sim) zone(q *request) answer {
	if q.Method != http.MethodGet {
		return wrongVerb(q.Method)
	}
	if code := q.Header.Get("ApiIntegrationCode"); code != "" && code != s.cfg.TrackingIdentifier {
		return refused(textIntegration)
	}
	user := ""
	for name, values := range q.URL.Query() {
		if strings.EqualFold(name, "user") && len(values) > 0 {
			user = values[0]
		}
	}
	if user == "" || !strings.EqualFold(user, s.cfg.Username) {
		return refused(textZone)
	}
	host := q.Host
	if moved := s.Modes().MovedTo; moved != "" {
		host = moved
	}
	return okJSON(struct {
		ZoneName string `json:"zoneName"`
		URL      string `json:"url"`
		WebURL   string `json:"webUrl"`
		CI       int    `json:"ci"`
	}{"Simulated Zone", baseURL(q.Request, host), strings.TrimSuffix(baseURL(q.Request, host), "atservicesrest/"), 510000})
}
