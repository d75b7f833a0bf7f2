// Package disk is what the service asks of directories and files that every platform does
// in its own way: who may read a directory, what is free, that a file's name is as
// durable as what is in it, and that one process alone works in a directory.
//
// It never retries what a disk refuses, except that Windows lets nobody rename a file that
// somebody else (a virus scanner) has just opened. The store, the keys, backups and
// restores are written through it.
package disk

import "errors"

// ErrInUse: another process has the lock.
var ErrInUse = errors.New("in use by another process")

// Space is the room on the disk of a directory, in bytes.
type Space struct {
	Free int64 // what this process may still fill
	Size int64 // that, and all that is taken
}
