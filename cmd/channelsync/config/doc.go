// Package config turns flags, environment and secret files into one checked
// Config, makes the keys that an embedded installation needs, and prints the
// settings with every secret masked.
//
// It knows names, defaults and limits (docs: interfaces §2) and nothing of what
// a setting is used for: it opens no listener, dials nobody and reads no file
// but those that hold a secret, a certificate or a generated key. Called by
// cmd/channelsync and cmd/sandbox before anything is started.
package config
