package oracle

import (
	"context"
	"fmt"
	"strings"
	"time"
)

// pollInterval is the least pause between two looks; mostListed is how many differences an error of Agree lists.
const (
	pollInterval = 50 * time.Millisecond
	mostListed   = 10
)

// Agree compares both sides, again and again, until there is no difference, and returns nil then. It looks at least
// once; when ctx ends first, the error wraps why and lists the first 10 differences of the last look.
//
// Both functions are called for each look, expected first, so that either side may still move. While the source is
// edited, agreement is that of one moment. A look is followed by a pause of 50 ms, or of as long as the look took, so
// that watching a large tenant takes at most half of one core.
func Agree(ctx context.Context, expected, actual func() State) error {
	ticker := time.NewTicker(pollInterval)
	defer ticker.Stop()
	for {
		began := time.Now()
		want := expected()
		differences := Compare(want, actual())
		if len(differences) == 0 {
			return nil
		}
		ticker.Reset(max(pollInterval, time.Since(began)))
		select {
		case <-ctx.Done():
			return fmt.Errorf("wait until both sides agree: %w\n%s", context.Cause(ctx), listed(differences))
		case <-ticker.C:
		}
	}
}

func listed(differences []Difference) string {
	lines := []string{fmt.Sprintf("differences: %d", len(differences))}
	for i, d := range differences {
		if i == mostListed {
			lines = append(lines, fmt.Sprintf("  and %d more", len(differences)-i))
			break
		}
		lines = append(lines, "  "+d.String())
	}
	return strings.Join(lines, "\n")
}
