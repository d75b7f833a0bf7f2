//go:build !linux

package cli

// noDump does nothing where there is no prctl(2); production is Linux.
func NoDump() error { return nil }
