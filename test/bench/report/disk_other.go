//go:build !linux

package report

// diskOf knows the file systems of Linux only.
func diskOf(string) string { return "unknown" }
