// Package console is the web console of the admin listener: install, watch, understand and
// repair in a browser. It renders its pages from the answers of the admin API, which it calls
// in process as the actor "console". So the API's checks, audit and problems apply here too,
// and no rule is written twice. Every write is a form that works without JavaScript; a page
// with live parts polls for them at its own URL.
//
// It knows no sync rule and keeps nothing between requests but sessions: a half-filled install
// form carries its own data, sealed. Package present puts the answers into words, bundle
// builds the support bundle, session stores who is logged in, and oidc logs in at the
// organisation. Package handlers uses it.
package console
