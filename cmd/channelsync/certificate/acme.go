package certificate

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"sync"
	"time"

	"go.uber.org/zap"
	"golang.org/x/crypto/acme"
	"golang.org/x/crypto/acme/autocert"

	"channelsync/api/transport"
	v1 "channelsync/api/v1"
	"channelsync/internal/lifecycle"
)

const (
	checkEvery  = time.Minute
	callTimeout = time.Minute // of one request to the authority
	// An authority takes only a few failed tries an hour: Let's Encrypt five, and one more
	// every 12 minutes.
	retryFirst = 90 * time.Second // within a minute autocert says only that it failed before
	retryMost  = 12 * time.Minute
)

// ACMEConfig says whose certificate is asked for and where. Every and Now may be left zero.
type ACMEConfig struct {
	Domain    string
	Email     string // where the authority reports trouble; may be empty
	Directory string // URL of the authority
	Dir       string // keeps the account and the certificate, for its owner alone
	Every     time.Duration
	Log       *zap.Logger
	Now       func() time.Time
}

// ACME is a certificate that an authority issues after it has found this service under
// the domain, on port 443 (tls-alpn-01). It is renewed when a third of its time is left,
// while the former one is served.
//
// Only Run asks the authority: no handshake makes it order one.
type ACME struct {
	ACMEConfig
	manager   *autocert.Manager
	transport *transport.Transport

	mu      sync.Mutex
	serving *tls.Certificate // nil until there is one
	problem error            // why there is none
	warned  time.Time
}

// NewACME asks for nothing yet; Run does.
func NewACME(cfg ACMEConfig) *ACME {
	if cfg.Every == 0 {
		cfg.Every = checkEvery
	}
	if cfg.Now == nil {
		cfg.Now = time.Now
	}
	a := &ACME{ACMEConfig: cfg, transport: transport.New(), problem: errors.New("it has not been requested yet")}
	a.manager = &autocert.Manager{
		Prompt: autocert.AcceptTOS, Cache: autocert.DirCache(cfg.Dir), HostPolicy: autocert.HostWhitelist(cfg.Domain), Email: cfg.Email,
		Client: &acme.Client{DirectoryURL: cfg.Directory, HTTPClient: &http.Client{Transport: a.transport, Timeout: callTimeout}, UserAgent: "channelsync"},
	}
	return a
}

// Config serves the certificate of the domain whatever name a client asks for, and
// answers the authority's challenges.
func (a *ACME) Config() *tls.Config { return config(a.certificate, acme.ALPNProto) }

func (a *ACME) certificate(hello *tls.ClientHelloInfo) (*tls.Certificate, error) {
	if slices.Equal(hello.SupportedProtos, []string{acme.ALPNProto}) {
		return a.manager.GetCertificate(hello) //nolint:wrapcheck // goes into the handshake's log line
	}
	a.mu.Lock()
	ready, problem := a.serving != nil, a.problem
	a.mu.Unlock()
	if !ready {
		return nil, fmt.Errorf("there is no certificate for %s yet: %w", a.Domain, problem)
	}
	return a.manager.GetCertificate(a.hello()) //nolint:wrapcheck // as above; from memory
}

// hello is a client that takes what all of them take, so that there is one certificate.
func (a *ACME) hello() *tls.ClientHelloInfo {
	return &tls.ClientHelloInfo{
		ServerName: a.Domain, SignatureSchemes: []tls.SignatureScheme{tls.ECDSAWithP256AndSHA256},
		SupportedCurves: []tls.CurveID{tls.CurveP256}, CipherSuites: []uint16{tls.TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256},
	}
}

// Run gets the certificate, and looks after it until ctx ends. Asking is not given up
// for that: it ends by itself within minutes.
func (a *ACME) Run(ctx context.Context) {
	defer a.transport.CloseIdleConnections()
	retry := retryFirst
	for {
		asked := make(chan error, 1)
		go func() { asked <- a.check() }()
		wait := a.Every
		select {
		case <-ctx.Done():
			return
		case err := <-asked:
			if err == nil {
				retry = retryFirst
				break
			}
			a.Log.Warn("get certificate failed, retrying", zap.String("domain", a.Domain), zap.Duration("after", retry), zap.NamedError(v1.LogCause, err))
			wait, retry = retry, min(2*retry, retryMost)
		}
		if lifecycle.Sleep(ctx, wait) != nil {
			return
		}
	}
}

// check takes note of the certificate that is in force, and asks for one where there is none.
func (a *ACME) check() error {
	pair, err := a.manager.GetCertificate(a.hello())
	a.mu.Lock()
	defer a.mu.Unlock()
	if err != nil {
		a.problem = err
		return fmt.Errorf("ask %s for a certificate: %w", a.Directory, err)
	}
	if a.serving == nil || !a.serving.Leaf.Equal(pair.Leaf) {
		a.Log.Info("certificate obtained", zap.String("domain", a.Domain), zap.Time("valid_until", pair.Leaf.NotAfter))
	} else if a.overdue(pair) && a.Now().Sub(a.warned) >= time.Hour {
		a.warned = a.Now()
		a.Log.Warn("certificate is not renewed, retrying", zap.String("domain", a.Domain), zap.Time("valid_until", pair.Leaf.NotAfter))
	}
	a.serving, a.problem = pair, nil
	return nil
}

// overdue says that a renewal, which begins when a third of the time is left, has failed
// for a while.
func (a *ACME) overdue(pair *tls.Certificate) bool {
	lifetime := pair.Leaf.NotAfter.Sub(pair.Leaf.NotBefore)
	return a.Now().After(pair.Leaf.NotAfter.Add(-lifetime / 5))
}

// Check says how the certificate stands, for /readyz. It never fails: an instance that
// nobody is sent to is not found by the authority either.
func (a *ACME) Check(context.Context) (string, error) {
	a.mu.Lock()
	defer a.mu.Unlock()
	switch {
	case a.serving == nil:
		return fmt.Sprintf("warning: there is no certificate for %s yet, so callbacks are not taken: %v; "+
			"the authority must reach this listener as %s:443", a.Domain, a.problem, a.Domain), nil
	case a.overdue(a.serving):
		return fmt.Sprintf("warning: the certificate for %s is valid until %s and is not renewed; the log has the cause", a.Domain, rfc3339(a.serving.Leaf.NotAfter)), nil
	}
	return "valid until " + rfc3339(a.serving.Leaf.NotAfter), nil
}
