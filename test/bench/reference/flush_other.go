//go:build !linux

package reference

import "os"

func flush(f *os.File) error { return f.Sync() }
