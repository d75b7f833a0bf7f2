package control

import (
	"context"
	"crypto/sha256"
	"crypto/subtle"
	"fmt"
	"sync"
	"time"

	"golang.org/x/time/rate"

	v1 "channelsync/api/v1"
	"channelsync/sync/installation"
)

// Compare says of each claim which installation it is of, and what it says otherwise than
// is stored here. It asks no vendor and changes nothing. A secret is compared in constant
// time, and wrong ones are counted: whoever may install can learn whether a guess is
// right, and only slowly.
func (m *Manager) Compare(ctx context.Context, claims []v1.Claim) ([]v1.Comparison, error) {
	if m.Cluster != nil { // another instance may just have made one
		if err := m.Store.Refresh(ctx); err != nil {
			return nil, fmt.Errorf("compare installations: %w", err)
		}
	}
	all := m.Store.List()
	out := make([]v1.Comparison, len(claims))
	for i, c := range claims {
		out[i] = v1.Comparison{Differs: []v1.Different{}}
		if in := claimed(all, c); in != nil {
			out[i] = m.compare(in, c)
		}
	}
	return out, nil
}

// claimed finds the installation of a claim. A name alone is not enough: two tenants may
// have the same, and one would get the other's credentials.
func claimed(all []*installation.Installation, c v1.Claim) *installation.Installation {
	var named []*installation.Installation
	for _, in := range all {
		if in.SameAccount(c.Username, c.TrackingIdentifier.Reveal()) {
			return in
		}
		if v1.Same(in.Name, c.Name) && v1.Same(in.ConnectionID, c.ChannelProgram.ConnectionID) {
			named = append(named, in)
		}
	}
	if len(named) == 1 {
		return named[0]
	}
	return nil
}

func (m *Manager) compare(in *installation.Installation, c v1.Claim) v1.Comparison {
	out := v1.Comparison{Installation: in.ID, Differs: []v1.Different{}}
	add := func(what v1.Different, differs bool) {
		if differs {
			out.Differs = append(out.Differs, what)
		}
	}
	var secret, token bool
	account := in.SameAccount(c.Username, c.TrackingIdentifier.Reveal())
	out.Limited = !m.guesses.try(in.ID, m.Now(), func() (right bool) {
		secret = account && !equal(in.Secrets.Secret, c.Secret)
		token = !equal(in.Secrets.Token, c.ChannelProgram.Token)
		return !secret && !token
	})
	add(v1.DiffersAccount, !account)
	add(v1.DiffersSecret, secret)
	add(v1.DiffersZone, c.Zone != "" && m.elsewhere(in, c))
	add(v1.DiffersConnection, in.ConnectionID != c.ChannelProgram.ConnectionID)
	add(v1.DiffersToken, token)
	return out
}

// elsewhere says whether a claim names another zone: neither by the name that Autotask
// gave it nor by any that may be chosen. One that cannot be read counts as another: whoever
// sets it learns what is wrong. No zone is looked up for it.
func (m *Manager) elsewhere(in *installation.Installation, c v1.Claim) bool {
	if v1.Same(c.Zone, in.Zone.Name) {
		return false
	}
	zone, err := m.Discovery.ResolveZone(context.Background(), c.Zone, c.Username)
	return err != nil || zone.URL != in.Zone.URL
}

// equal compares in a time that depends on neither text.
func equal(stored string, given v1.Secret) bool {
	a, b := sha256.Sum256([]byte(stored)), sha256.Sum256([]byte(given.Reveal()))
	return subtle.ConstantTimeCompare(a[:], b[:]) == 1
}

const (
	guessBurst = 10          // wrong secrets of one installation at once
	guessEvery = time.Minute // and one more each
)

// guesses count the wrong secrets that an installation's were compared with. Only
// installations that exist have an entry.
type guesses struct {
	mu sync.Mutex // guards what follows; never held across a call
	of map[string]*rate.Limiter
}

// try runs compare, unless it was wrong too often lately: then right secrets are not
// compared either, so that an answer tells nothing.
func (g *guesses) try(installation string, now time.Time, compare func() (right bool)) bool {
	g.mu.Lock()
	defer g.mu.Unlock()
	l := g.of[installation]
	if l != nil && l.TokensAt(now) < 1 {
		return false
	}
	if compare() {
		return true
	}
	if l == nil {
		if g.of == nil {
			g.of = map[string]*rate.Limiter{}
		}
		l = rate.NewLimiter(rate.Every(guessEvery), guessBurst)
		g.of[installation] = l
	}
	l.AllowN(now, 1)
	return true
}

// forget drops what is counted of an installation that is erased.
func (g *guesses) forget(installation string) {
	g.mu.Lock()
	defer g.mu.Unlock()
	delete(g.of, installation)
}
