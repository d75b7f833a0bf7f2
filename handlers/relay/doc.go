// Package relay makes the admin API the same on every instance: a request about an
// installation is answered by the instance that works for it, whichever was asked.
//
// A Line carries questions and answers between instances over NATS, sealed with a
// key that all instances have, so that a mere client of NATS can neither read nor
// ask anything, and a question that was recorded works a second time nowhere. The
// Relay sends requests of the API along it; a request is passed on once at most.
//
// It knows nothing of what a request means but whose it is, and keeps nothing.
// cmd/channelsync/app puts it between the token's gate and the API.
package relay
