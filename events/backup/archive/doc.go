// Package archive is the file that a backup is written to: a plain tar whose
// entries are pieces of each part's content, in order, and last the manifest
// with what there must be. It is written in one go, without a file beside it,
// and read twice: once to check all of it, once to use it.
//
// It knows neither streams nor keys: parts are names with bytes. Package events
// writes one, cmd reads one. It never writes to a disk by itself.
package archive
