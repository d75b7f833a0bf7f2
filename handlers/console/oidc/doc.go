// Package oidc logs people in to the console with their organisation's own log-in, by
// OpenID Connect: authorization code flow with PKCE, state and nonce. The protocol is
// github.com/coreos/go-oidc's and golang.org/x/oauth2's; what is here are the bounds around
// them, the values of a claim that give a role, and what is said of an issuer that does not
// answer. It keeps no session and serves no request. Used by handlers and handlers/console.
package oidc
