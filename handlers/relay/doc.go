// Package relay makes the admin API the same on every instance: whichever instance gets a
// request about an installation, the one that works for that installation answers it.
//
// A Line carries questions and answers between instances over NATS, sealed with a key that all
// instances have. So another client of NATS can neither read nor ask anything, and a recorded
// question works nowhere a second time. The Relay sends requests of the API along it, and
// passes a request on at most once.
//
// It knows nothing of a request except its installation, and keeps nothing.
// cmd/channelsync/app puts it between the check of the token and the API.
package relay
