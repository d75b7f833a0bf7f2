package autotask

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"time"

	"go.uber.org/zap"

	v1 "channelsync/api/v1"
)

const rediscoveryTimeout = 15 * time.Second

// resolve handles refused credentials. A 401 may mean that the tenant moved to
// another zone, so the zone is looked up once, without credentials; if it differs
// the request may be sent again. In every other case the session ends: one more
// failed log-in brings a lock-out nearer and cannot succeed. (Reference: wrong
// zone; API user, lock-out.)
func (c *Client) resolve(ctx context.Context, s *session, t *ticket, refusal *Error) (again bool) {
	if refusal.Status != http.StatusUnauthorized {
		c.refuse(s, refusal)
		return false
	}
	first := s.doubt(*t)
	if !t.gated {
		if s.takeGate(ctx) != nil {
			return false
		}
		t.gated = true
	}
	now, proven, refused := s.ticket()
	if refused != nil {
		return false
	}
	if first && !proven && now.base == t.base {
		moved, err := c.rediscover(ctx, s, *t)
		if !moved {
			if errors.Is(err, ErrForeignZone) { // else people would look for what is wrong with the credentials
				foreign := *refusal
				foreign.Cause = err
				refusal = &foreign
			}
			c.refuse(s, refusal)
			return false
		}
		now, _, _ = s.ticket()
	}
	now.gated = true
	*t = now
	return true
}

// rediscover is true when the user's zone is another allowed one than the
// ticket's, which the session then uses. It outlives the caller's context, as a
// check that is cut short would cost another failed log-in.
func (c *Client) rediscover(ctx context.Context, s *session, t ticket) (moved bool, err error) {
	if c.cfg.Discover == nil || !s.spendDiscovery() {
		return false, nil
	}
	ctx, cancel := context.WithTimeoutCause(context.WithoutCancel(ctx), rediscoveryTimeout, timeout{rediscoveryTimeout})
	defer cancel()
	zone, err := c.cfg.Discover(ctx, s.creds.Username)
	if err != nil {
		c.cfg.Log.Warn("zone check after refused log-in failed", zap.String(v1.LogCause, err.Error()))
		return false, err
	}
	base, err := c.cfg.Hosts.Check(zone.URL)
	if err != nil {
		c.cfg.Log.Warn("zone check found a host that is not allowed", zap.String(v1.LogCause, err.Error()))
		return false, fmt.Errorf("%w: %w", ErrForeignZone, err)
	}
	if base.String() == t.base.String() {
		return false, nil
	}
	s.moveTo(base)
	zone.URL = base.String()
	c.cfg.Log.Info("zone changed", zap.String(v1.LogURL, zone.URL))
	if c.cfg.OnZone != nil {
		c.cfg.OnZone(s.creds, zone)
	}
	return true, nil
}

func (c *Client) refuse(s *session, refusal *Error) {
	if s.refuse(refusal) && c.cfg.OnRefused != nil {
		c.cfg.OnRefused(s.creds, refusal)
	}
}
