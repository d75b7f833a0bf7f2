package service

import "testing"

// TestTheAccountOfAServiceIsKnownBeforeWindowsMakesIt: that of Windows' own installer is documented.
func TestTheAccountOfAServiceIsKnownBeforeWindowsMakesIt(t *testing.T) {
	if got, want := sidOf("TrustedInstaller"), "S-1-5-80-956008885-3418522649-1831038044-1853292631-2271478464"; got != want {
		t.Errorf("got %s, want %s", got, want)
	}
}
