// Package identity stores the tokens of the admin API: whose they are, with which role,
// for which installations, until when. The table holds hashes, never a token, and each
// row is sealed, so somebody who can write to the store cannot create a token. The other
// instances learn of a change from the table within moments.
//
// It decides nothing about routes and serves no request. cmd/channelsync/app calls it
// for the handlers.
package identity
