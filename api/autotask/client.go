package autotask

import (
	"context"
	"math/rand/v2"
	"net/http"
	"sync"
	"time"

	"go.uber.org/zap"

	"channelsync/api/transport"
	v1 "channelsync/api/v1"
	"channelsync/internal/lifecycle"
)

// Limits of one call. The vendor's own execution limit is minutes, which nobody waits for:
// the transport gives a request up that is not answered within 30 s, and this bounds one
// whose answer comes in drops.
const (
	callTimeout = 60 * time.Second
	maxAnswer   = 32 << 20
)

// Credentials are those of an API-only user and the integration's tracking identifier.
type Credentials struct {
	Username           string
	Secret             v1.Secret
	TrackingIdentifier v1.Secret
}

// Config is what a Client needs. Only Credentials and Zone are required.
type Config struct {
	Credentials Credentials
	Zone        v1.Zone
	Hosts       Hosts // Zone must pass them, and so must any zone found later

	// Discover finds the zone of the user again after a 401; nil = never.
	// It must send no credentials (Discoverer does not).
	Discover func(ctx context.Context, username string) (v1.Zone, error)
	// OnZone receives a zone that replaced the given one. It runs while the call that
	// found it waits, so it should be quick.
	OnZone func(found Credentials, zone v1.Zone)
	// OnRefused runs once per credentials, when no further call is made with them. A call that was under way during
	// SetCredentials may be refused after it, so both callbacks receive the credentials that the answer was for.
	OnRefused func(refused Credentials, cause error)

	Transport http.RoundTripper // nil = the client's own transport
	Now       func() time.Time
	Wait      func(ctx context.Context, d time.Duration) error // between tries
	Log       *zap.Logger
	// Observe sees every HTTP exchange: the entity, "ok" or the Kind, and how long it took.
	Observe func(entity, result string, d time.Duration)
	// Share of the database's hourly threshold that this client may use; 0 = 0.5.
	Share float64
}

// Client calls the REST API of one installation. It is safe for concurrent use,
// starts no goroutines of its own, and keeps these promises to the vendor: at
// most two requests at a time per entity, a share of the hourly threshold, no
// redirect followed, and no log-in tried again that was refused.
type Client struct {
	cfg    Config
	http   *http.Client
	budget *budget
	lanes  lanes
	absent absentFields
	clock  vendorClock
	close  func()

	mu      sync.Mutex
	session *session
}

// New makes a client. It makes no call; a zone that the hosts do not allow is the
// error of every call until SetCredentials.
func New(cfg Config) *Client {
	if cfg.Now == nil {
		cfg.Now = time.Now
	}
	if cfg.Wait == nil {
		cfg.Wait = lifecycle.Sleep
	}
	if cfg.Log == nil {
		cfg.Log = zap.NewNop()
	}
	if cfg.Share <= 0 || cfg.Share > 1 {
		cfg.Share = 0.5
	}
	c := &Client{cfg: cfg, budget: newBudget(cfg.Share), close: func() {}}
	if cfg.Transport == nil {
		own := transport.New()
		cfg.Transport, c.close = own, own.CloseIdleConnections
	}
	c.http = &http.Client{
		Transport:     cfg.Transport,
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}
	c.SetCredentials(cfg.Credentials, cfg.Zone)
	return c
}

// SetCredentials goes on with other credentials and zone: refused ones are
// forgotten, calls under way end with those they began with.
func (c *Client) SetCredentials(creds Credentials, zone v1.Zone) {
	base, err := c.cfg.Hosts.Check(zone.URL)
	s := newSession(creds, base)
	if err != nil {
		s.refused = &Error{Kind: KindInvalid, Cause: err}
	}
	c.absent.reset()
	c.mu.Lock()
	c.session = s
	c.mu.Unlock()
}

// User is the API user that calls are made as from now on.
func (c *Client) User() string { return c.current().creds.Username }

// Close lets go of idle connections. Calls under way are ended by their contexts.
func (c *Client) Close() { c.close() }

// Budget is how many requests this client made in the last 60 minutes, how many
// it may make, and when the next one is possible (now, unless the share is used up).
func (c *Client) Budget() (used, limit int, nextAt time.Time) {
	return c.budget.state(c.cfg.Now())
}

func (c *Client) current() *session {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.session
}

type bulkKey struct{}

// WithBulk marks the calls under ctx as bulk work (backfill, sweep, resync): they
// may use 80 % of our share of the threshold, so that live changes keep room.
func WithBulk(ctx context.Context) context.Context { return context.WithValue(ctx, bulkKey{}, true) }

func isBulk(ctx context.Context) bool { return ctx.Value(bulkKey{}) != nil }

type onceKey struct{}

// WithoutRepeats makes the calls under ctx fail at their first failure that is not
// a throttling: for a caller that tries the same in another way itself.
func WithoutRepeats(ctx context.Context) context.Context {
	return context.WithValue(ctx, onceKey{}, true)
}

type admissionKey struct{}

// WithAdmission makes every try of every call under ctx wait for acquire before it takes
// one of the two slots of its entity: for a caller with its own limit. An error of acquire
// ends the call with KindBudget; nothing was sent. Requests for the vendor's count are exempt.
func WithAdmission(ctx context.Context, acquire func(context.Context) error) context.Context {
	return context.WithValue(ctx, admissionKey{}, acquire)
}

// jitter spreads a wait over its second half, so that clients do not return together.
func jitter(d time.Duration) time.Duration { return d/2 + rand.N(d/2+1) }
