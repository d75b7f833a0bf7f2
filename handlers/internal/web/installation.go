package web

// IsInstallationID says whether s has the form of an installation's id: 26
// lower-case letters and digits. Anything else is unknown without being looked up.
func IsInstallationID(s string) bool {
	if len(s) != 26 {
		return false
	}
	for i := range len(s) {
		if c := s[i]; (c < 'a' || c > 'z') && (c < '0' || c > '9') {
			return false
		}
	}
	return true
}
