package v1

import (
	"slices"
	"testing"
)

func TestIDsAndNames(t *testing.T) {
	ids, names := IDsAndNames([]string{" 7 ", "Recurring Service", "", "Acme (West) (174)", "007", "-1", "Acme (West)", "99999999999999999999"})
	if !slices.Equal(ids, []int64{7, 174}) || !slices.Equal(names, []string{"Recurring Service", "007", "-1", "Acme (West)", "99999999999999999999"}) {
		t.Errorf("got %v and %q", ids, names)
	}
}
