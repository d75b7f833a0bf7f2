package oidc

import (
	"context"
	"crypto/rand"
	"crypto/sha256"
	"crypto/subtle"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"net/mail"
	"net/url"
	"regexp"
	"slices"
	"strings"
	"unicode"

	"github.com/coreos/go-oidc/v3/oidc"
	"golang.org/x/oauth2"

	v1 "channelsync/api/v1"
)

const (
	maxParameter = 8 << 10  // of what the issuer sends the browser back with
	maxToken     = 64 << 10 // an ID token, in bytes
	maxValues    = 2000     // of the claim of roles
	maxText      = 200      // a name, in characters
)

// Flow is a log-in under way. It lies in a sealed cookie of the browser that began it, and
// is of use to no other.
type Flow struct {
	State    string `json:"s"`
	Nonce    string `json:"n"`
	Verifier string `json:"v"`
	Redirect string `json:"r"` // the address that the issuer sends the browser back to
}

// Person is who has logged in.
type Person struct {
	ID     string // the same for one person of one issuer, and no other's
	Name   string // for people and the audit, with v1.PersonPrefix: no token's, and no other person's
	Role   v1.Role
	Only   []string // the installations it is for; nil: all of them
	Values []string // of the claim, those that give a role
}

// The errors that callers tell apart with errors.Is.
var (
	// ErrRefused: the issuer, or the person, did not want it.
	ErrRefused = errors.New("refused by the issuer")
	// ErrForeign: the answer does not belong to a log-in that this browser began.
	ErrForeign = errors.New("the answer belongs to another log-in")
	// ErrNoRole: the person is who it says, and no value of the claim gives a role.
	ErrNoRole = errors.New("no value of the claim gives a role")
)

// Begin returns a log-in, and the address at the issuer to send the browser to.
func (p *Provider) Begin(ctx context.Context, redirect string) (Flow, string, error) {
	is, err := p.describe(ctx)
	if err != nil {
		return Flow{}, "", err
	}
	f := Flow{State: rand.Text(), Nonce: rand.Text(), Verifier: oauth2.GenerateVerifier(), Redirect: redirect}
	cfg := p.oauth(is, redirect)
	return f, cfg.AuthCodeURL(f.State, oidc.Nonce(f.Nonce), oauth2.S256ChallengeOption(f.Verifier)), nil
}

// errorCode is what RFC 6749 lets an error code be, as far as it is shown.
var errorCode = regexp.MustCompile(`^[a-z_]{1,64}$`)

// Finish makes a person of what the issuer sent the browser back with. A person without a
// role comes with ErrNoRole.
func (p *Provider) Finish(ctx context.Context, f Flow, query url.Values) (Person, error) {
	for _, values := range query {
		if len(values) != 1 || len(values[0]) > maxParameter {
			return Person{}, fmt.Errorf("read the answer of %s: %w", p.host, ErrForeign)
		}
	}
	if f.State == "" || subtle.ConstantTimeCompare([]byte(query.Get("state")), []byte(f.State)) != 1 {
		return Person{}, fmt.Errorf("read the answer of %s: %w", p.host, ErrForeign)
	}
	if from := query.Get("iss"); from != "" && from != p.cfg.Issuer { // RFC 9207
		return Person{}, fmt.Errorf("read the answer of %s: it is of another issuer: %w", p.host, ErrForeign)
	}
	if code := query.Get("error"); code != "" {
		if !errorCode.MatchString(code) {
			code = "an error without a code"
		}
		return Person{}, fmt.Errorf("%w: %s", ErrRefused, code)
	}
	is, err := p.known(ctx)
	if err != nil {
		return Person{}, err
	}
	ctx, cancel := context.WithTimeoutCause(oidc.ClientContext(ctx, p.client), 2*callWithin, fmt.Errorf("log in at %s: not within %s", p.host, 2*callWithin))
	defer cancel()
	cfg := p.oauth(is, f.Redirect)
	tokens, err := cfg.Exchange(ctx, query.Get("code"), oauth2.VerifierOption(f.Verifier))
	if err != nil {
		if refused, ok := errors.AsType[*oauth2.RetrieveError](err); ok { // its body is not repeated anywhere
			return Person{}, fmt.Errorf("exchange the code at %s: answered %s %s", p.host, refused.Response.Status, errorCode.FindString(refused.ErrorCode))
		}
		return Person{}, fmt.Errorf("exchange the code at %s: %w", p.host, short{err})
	}
	raw, _ := tokens.Extra("id_token").(string)
	if raw == "" || len(raw) > maxToken {
		return Person{}, fmt.Errorf("exchange the code at %s: got an ID token of %d bytes, want 1 to %d", p.host, len(raw), maxToken)
	}
	verified, err := is.Verifier(&oidc.Config{ClientID: p.cfg.ClientID, Now: p.cfg.Now}).Verify(ctx, raw)
	if err != nil {
		return Person{}, fmt.Errorf("check the ID token of %s: %w", p.host, short{err})
	}
	return p.person(verified, f.Nonce)
}

// person reads the claims of an ID token whose signature, issuer, audience and end are right.
func (p *Provider) person(token *oidc.IDToken, nonce string) (Person, error) {
	if subtle.ConstantTimeCompare([]byte(token.Nonce), []byte(nonce)) != 1 {
		return Person{}, fmt.Errorf("check the ID token of %s: it was made for another log-in: %w", p.host, ErrForeign)
	}
	claims := map[string]json.RawMessage{}
	if err := token.Claims(&claims); err != nil {
		return Person{}, fmt.Errorf("read the ID token of %s: %w", p.host, err)
	}
	if azp := text(claims["azp"]); len(token.Audience) > 1 && azp != p.cfg.ClientID || azp != "" && azp != p.cfg.ClientID {
		return Person{}, fmt.Errorf("check the ID token of %s: it was made for another client: %w", p.host, ErrForeign)
	}
	if token.Subject == "" || len(token.Subject) > 255 {
		return Person{}, fmt.Errorf("check the ID token of %s: got a subject of %d bytes, want 1 to 255", p.host, len(token.Subject))
	}
	sum := sha256.Sum256([]byte(p.cfg.Issuer + "\x00" + token.Subject))
	id := hex.EncodeToString(sum[:16])
	out := Person{ID: "oidc-" + id, Name: name(claims, token.Subject, id[:8])}
	given, err := values(claims[p.cfg.RoleClaim])
	if err != nil {
		return out, fmt.Errorf("read the claim %s of %s: %w", p.cfg.RoleClaim, p.host, err)
	}
	for _, v := range given {
		if _, gives := p.cfg.Roles[v]; gives && !slices.Contains(out.Values, v) {
			out.Values = append(out.Values, v)
		}
	}
	out.Role, out.Only = p.Granted(out.Values)
	if out.Role == "" {
		return out, ErrNoRole
	}
	return out, nil
}

// Granted is the highest role that values of the claim give, and the installations it is for; empty when none does. A
// role for all installations counts before any for one, whatever role that is: nobody has one role here and another there.
func (p *Provider) Granted(values []string) (role v1.Role, only []string) {
	limited := !slices.ContainsFunc(values, func(v string) bool { g, gives := p.cfg.Roles[v]; return gives && g.Installation == "" })
	for _, v := range values {
		if g := p.cfg.Roles[v]; (g.Installation != "") == limited && g.Role != "" && !role.Covers(g.Role) {
			role = g.Role
		}
	}
	for _, v := range values {
		if g := p.cfg.Roles[v]; limited && g.Role != "" && g.Role == role {
			only = append(only, g.Installation)
		}
	}
	slices.Sort(only)
	return role, slices.Compact(only)
}

// name is what a person is called: by an address that the issuer has verified, which is one person's, else by the user name
// with a part of the id, since an issuer may let several people, or everybody, choose the same. No token is called so.
func name(claims map[string]json.RawMessage, subject, id string) string {
	if address := text(claims["email"]); verified(claims) && isAddress(address) {
		return v1.PersonPrefix + address
	}
	called := "somebody"
	for _, c := range []string{text(claims["preferred_username"]), text(claims["name"]), subject} {
		c = strings.Map(func(r rune) rune {
			if !unicode.IsPrint(r) {
				return -1
			}
			return r
		}, c)
		if r := []rune(c); len(r) > maxText {
			c = string(r[:maxText])
		}
		if c = v1.Trim(c); c != "" {
			called = c
			break
		}
	}
	return v1.PersonPrefix + called + "#" + id
}

// verified says whether the issuer says that it has verified the address; what it does not say is not believed.
func verified(claims map[string]json.RawMessage) bool {
	return string(claims["email_verified"]) == "true" || text(claims["email_verified"]) == "true" // some issuers write a text
}

// isAddress says whether an address differs from every user name with a part of an id, and from every other address.
func isAddress(s string) bool {
	a, err := mail.ParseAddress(s)
	return err == nil && a.Address == s && len(s) <= maxText && strings.IndexFunc(s, func(r rune) bool {
		return r == '#' || r > unicode.MaxASCII || !unicode.IsGraphic(r)
	}) < 0
}

func text(raw json.RawMessage) (s string) {
	_ = json.Unmarshal(raw, &s) // whatever is no text is none
	return s
}

// values reads a claim that is a text or a list of texts.
func values(raw json.RawMessage) ([]string, error) {
	if len(raw) == 0 || string(raw) == "null" {
		return nil, nil
	}
	var one string
	if json.Unmarshal(raw, &one) == nil {
		return []string{one}, nil
	}
	var many []string
	if err := json.Unmarshal(raw, &many); err != nil {
		return nil, errors.New("want a text or a list of texts")
	}
	if len(many) > maxValues {
		return nil, fmt.Errorf("got %d values, want %d at most", len(many), maxValues)
	}
	return many, nil
}
