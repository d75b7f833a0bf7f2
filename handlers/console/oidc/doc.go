// Package oidc logs people in to the console at their own organisation, by OpenID Connect:
// authorization code flow with PKCE, state and nonce. github.com/coreos/go-oidc and
// golang.org/x/oauth2 implement the protocol. This package adds bounds, maps values of a claim
// to roles, and says what is wrong when an issuer does not answer. It keeps no session and
// serves no request. Packages handlers and handlers/console use it.
package oidc
