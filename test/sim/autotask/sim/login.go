package sim

import (
	"crypto/subtle"
	"net/http"
	"strings"
)

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
	return s.users.login(q, s.cfg.TrackingIdentifier, modes.LockAfter)
}

// login lets a request in as one of the users; lockAfter of 0 never locks.
func (u *users) login(q *request, code string, lockAfter int) (answer, bool) {
	u.mu.Lock()
	defer u.mu.Unlock()
	who := u.byName[strings.ToLower(q.Header.Get("UserName"))]
	switch {
	case who == nil:
		return refused(textZone), true
	case who.locked:
		return failed(http.StatusUnauthorized, textLocked), true
	case subtle.ConstantTimeCompare([]byte(q.Header.Get("Secret")), []byte(who.secret)) != 1:
		who.failed++
		who.locked = lockAfter > 0 && who.failed >= lockAfter
		return answer{status: http.StatusUnauthorized}, true
	case q.Header.Get("ApiIntegrationCode") != code:
		return refused(textIntegration), true
	}
	who.failed, q.user = 0, who.id
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
	if !s.users.known(user) {
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
