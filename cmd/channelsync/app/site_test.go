package app

import (
	"strings"
	"testing"

	"channelsync/cmd/channelsync/config"
	"channelsync/handlers"
)

// TestNoAdminURLIsMistakenForAPage: below a path that the console or the API has by itself, a request that a proxy passed
// on and one that it stripped would look alike.
func TestNoAdminURLIsMistakenForAPage(t *testing.T) {
	for _, first := range handlers.FirstParts() {
		for _, more := range []string{"", "/", "/more"} {
			_, err := config.Parse([]string{"--admin-url=https://apps.example/" + first + more}, func(string) (string, bool) { return "", false })
			if err == nil || !strings.Contains(err.Error(), "does not begin with /"+first) {
				t.Errorf("--admin-url below /%s%s: %v", first, more, err)
			}
		}
	}
}
