package web

import "strings"

// IsInstallationID says whether s has the form of an installation's id: 26
// lower-case letters and digits. Anything else is unknown without being looked up.
func IsInstallationID(s string) bool {
	return len(s) == 26 && strings.Trim(s, "abcdefghijklmnopqrstuvwxyz0123456789") == ""
}
