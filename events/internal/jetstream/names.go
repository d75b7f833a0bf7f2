package jetstream

import (
	"errors"
	"fmt"
	"strings"
)

// ErrBadName is returned for an installation, kind, id, key or message id that
// cannot stand in a subject. Nothing from outside reaches a subject unchecked.
var ErrBadName = errors.New("not a valid name")

const InstallationLength = 26 // a lower-case ULID

// CheckInstallation wants the id of an installation.
func CheckInstallation(s string) error {
	if len(s) != InstallationLength || strings.Trim(s, "abcdefghijklmnopqrstuvwxyz0123456789") != "" {
		return fmt.Errorf("installation %q: %w", s, ErrBadName)
	}
	return nil
}

// IsAlphanumeric says whether a byte is an ASCII letter or digit.
func IsAlphanumeric(c byte) bool {
	return c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' || c >= '0' && c <= '9'
}
