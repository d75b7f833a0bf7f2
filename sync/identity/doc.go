// Package identity keeps the tokens of the admin API: who may ask, in which role,
// for which installations, until when. The table holds hashes, never a token, and
// each row is sealed, so that nobody who can write to the store can make a token.
// What one instance changes the others learn from the table within a moment.
//
// It decides nothing about any route and serves no request. Called by
// cmd/channelsync/app, for the handlers.
package identity
