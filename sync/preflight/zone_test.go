package preflight

import (
	"fmt"
	"strings"
	"testing"

	"channelsync/api/autotask"
)

// TestAZoneThatIsNotTheVendorsSaysSo: of one that Autotask names nobody is asked to choose
// another or to leave out what was left empty.
func TestAZoneThatIsNotTheVendorsSaysSo(t *testing.T) {
	wrong := &autotask.ZoneError{Got: `"https://elsewhere.example"`, Want: "a host of Autotask's"}
	typed := ZoneProblem(wrong)
	if !strings.Contains(typed.Hint, "leave it out") || typed.Errors[0].Detail != `got "https://elsewhere.example", want a host of Autotask's` {
		t.Errorf("one that was entered: %+v", typed)
	}
	named := ZoneProblem(fmt.Errorf("discover: %w: %w", autotask.ErrForeignZone, wrong))
	if !strings.Contains(named.Detail, "Autotask names for this user is not one of Autotask's own") || strings.Contains(named.Hint, "leave it out") ||
		named.Errors[0].Detail != `Autotask names "https://elsewhere.example", want a host of Autotask's` {
		t.Errorf("one that Autotask names: %+v", named)
	}
}
