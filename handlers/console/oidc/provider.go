package oidc

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/coreos/go-oidc/v3/oidc"
	"golang.org/x/oauth2"

	v1 "channelsync/api/v1"
	"channelsync/handlers/internal/web"
	"channelsync/internal/gate"
)

const (
	callWithin  = 5 * time.Second // each call to the issuer
	checkWithin = 2 * time.Second // the call that the log-in page waits for
	checkEvery  = time.Minute     // how old an issuer's description may be
	retryAfter  = 5 * time.Second // how soon an issuer that failed is asked again
	maxAnswer   = 1 << 20         // of the issuer, in bytes
)

// Config is what a Provider works with.
type Config struct {
	Issuer       string // its URL, as it says it
	ClientID     string
	ClientSecret v1.Secret           // empty: the client is a public one
	RoleClaim    string              // of the ID token
	Roles        map[string]v1.Grant // by value of that claim
	Now          func() time.Time    // nil: time.Now
}

// Provider is the organisation's log-in.
type Provider struct {
	cfg    Config
	host   string
	client *http.Client
	asking gate.Gate // one asks for the description, passed without the lock

	mu       sync.Mutex // guards what follows; never held across a call
	issuer   *issuer    // as it was last described; nil: never
	asked    time.Time
	askError error // why it was not described then
}

// issuer is what an issuer says of itself.
type issuer struct {
	*oidc.Provider
	scopes []string // it knows
}

// New returns the provider of an issuer. Nothing is asked of it yet.
func New(cfg Config) *Provider {
	if cfg.Now == nil {
		cfg.Now = time.Now
	}
	p := &Provider{cfg: cfg, host: cfg.Issuer}
	if u, err := url.Parse(cfg.Issuer); err == nil {
		p.host = u.Host
	}
	dial := http.DefaultTransport.(*http.Transport).Clone()
	dial.DisableKeepAlives = true // people log in seldom
	p.client = &http.Client{
		Transport: bounded{dial}, Timeout: callWithin,
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }, // a code, or the secret, goes nowhere else
	}
	return p
}

// Name is what people know the issuer by: its host.
func (p *Provider) Name() string { return p.host }

// Check says whether the issuer answers, as of at most a minute ago. It takes at most two
// seconds, and does not wait for somebody else who is asking.
func (p *Provider) Check(ctx context.Context) error {
	ctx, cancel := context.WithTimeoutCause(ctx, checkWithin, fmt.Errorf("ask %s for its description: not within %s", p.host, checkWithin))
	defer cancel()
	_, err := p.describe(ctx)
	return err
}

// describe asks the issuer for its description, unless it did or failed a moment ago.
func (p *Provider) describe(ctx context.Context) (*issuer, error) {
	if is, known, err := p.lately(); known {
		return is, err
	}
	leave, err := p.asking.Enter(ctx)
	if err != nil {
		return nil, err
	}
	defer leave()
	if is, known, err := p.lately(); known {
		return is, err
	}
	is, err := p.discover(ctx)
	if err != nil && ctx.Err() != nil {
		err = fmt.Errorf("%w: %w", context.Cause(ctx), err)
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	p.asked, p.askError = p.cfg.Now(), err
	if err == nil {
		p.issuer = is
	}
	return is, err
}

// lately is how the issuer answered, if that is not long ago.
func (p *Provider) lately() (*issuer, bool, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	age := p.cfg.Now().Sub(p.asked)
	switch {
	case p.askError != nil && age < retryAfter:
		return nil, true, p.askError
	case p.askError == nil && p.issuer != nil && age < checkEvery:
		return p.issuer, true, nil
	}
	return nil, false, nil
}

func (p *Provider) discover(ctx context.Context) (*issuer, error) {
	found, err := oidc.NewProvider(oidc.ClientContext(ctx, p.client), p.cfg.Issuer)
	if err != nil {
		return nil, fmt.Errorf("ask %s for its description: %w", p.host, short{err})
	}
	var said struct {
		JWKS   string   `json:"jwks_uri"`
		Scopes []string `json:"scopes_supported"`
	}
	if err := found.Claims(&said); err != nil {
		return nil, fmt.Errorf("read the description of %s: %w", p.host, err)
	}
	at := found.Endpoint()
	for name, address := range map[string]string{
		"authorization_endpoint": at.AuthURL, "token_endpoint": at.TokenURL, "jwks_uri": said.JWKS,
	} {
		if !safe(address) {
			return nil, fmt.Errorf("read the description of %s: %s is %q, want an https URL (http only for a loopback host)", p.host, name, address)
		}
	}
	return &issuer{found, said.Scopes}, nil
}

// known is the issuer as it was last described, however long ago.
func (p *Provider) known(ctx context.Context) (*issuer, error) {
	p.mu.Lock()
	is := p.issuer
	p.mu.Unlock()
	if is != nil {
		return is, nil
	}
	return p.describe(ctx)
}

func (p *Provider) oauth(is *issuer, redirect string) oauth2.Config {
	scopes := []string{oidc.ScopeOpenID, "profile", "email"}
	// Some issuers give the claim only to who asks for a scope of its name, others know no such scope.
	if slices.Contains(is.scopes, p.cfg.RoleClaim) && !slices.Contains(scopes, p.cfg.RoleClaim) {
		scopes = append(scopes, p.cfg.RoleClaim)
	}
	return oauth2.Config{
		ClientID: p.cfg.ClientID, ClientSecret: p.cfg.ClientSecret.Reveal(), Endpoint: is.Endpoint(), RedirectURL: redirect, Scopes: scopes,
	}
}

// short is an error that may quote an answer, of which a line is enough.
type short struct{ error }

func (s short) Error() string {
	text := []rune(strings.Join(strings.Fields(s.error.Error()), " "))
	return string(text[:min(len(text), 300)])
}

func (s short) Unwrap() error { return s.error }

// safe says whether nobody on the way reads what is sent to an address.
func safe(address string) bool {
	u, err := url.Parse(address)
	if err != nil || u.Host == "" || u.User != nil {
		return false
	}
	return u.Scheme == "https" || u.Scheme == "http" && web.IsLoopback(u.Hostname())
}

// bounded is a transport whose answers have an end.
type bounded struct{ http.RoundTripper }

func (b bounded) RoundTrip(r *http.Request) (*http.Response, error) {
	res, err := b.RoundTripper.RoundTrip(r)
	if err != nil {
		return nil, err
	}
	res.Body = &boundedBody{res.Body, maxAnswer}
	return res, nil
}

type boundedBody struct {
	io.ReadCloser
	left int
}

var errTooLong = errors.New("the answer is longer than 1 MiB")

func (b *boundedBody) Read(p []byte) (int, error) {
	if b.left <= 0 {
		return 0, errTooLong
	}
	n, err := b.ReadCloser.Read(p[:min(len(p), b.left)])
	b.left -= n
	return n, err
}
