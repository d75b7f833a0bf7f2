// Package config turns flags, environment and secret files into one checked
// Config, generates the keys that an embedded installation needs, and prints the
// settings with every secret masked.
//
// It knows names, defaults and limits (docs: interfaces §2) but not what
// a setting is used for: it opens no listener, dials nobody and reads no files
// except those that hold a secret, a certificate or a generated key. cmd/channelsync
// and cmd/sandbox call it before they start anything.
package config
