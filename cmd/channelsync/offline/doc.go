// Package offline is what is done to a store while no service runs on it: a backup
// is checked and put back, an embedded store moves into a cluster. It never
// overwrites a store, and never leaves one half made where a service would find
// it. The command line calls it; what it copies is copied by package events.
package offline
