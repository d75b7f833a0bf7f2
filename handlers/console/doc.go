// Package console is the web console of the admin listener: install, watch,
// understand, repair, in a browser. Its pages are rendered here from what the
// admin API answers, which it calls in process as the actor "console": the API's
// checks, its audit and its problems are therefore the console's own, and no rule
// is written twice. Every write is a form that works without JavaScript; a page
// with live parts asks for them anew at its own URL. It knows no sync
// rule and keeps nothing between requests but sessions: a half-filled install form
// travels sealed with the form itself. What is said of an answer is in present, the
// support bundle in bundle, who is logged in in session, and the organisation's
// log-in in oidc. Used by handlers.
package console
