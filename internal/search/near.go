package search

import (
	"cmp"
	"slices"
	"strings"
)

// leastAlike is how alike a name is that somebody may have meant, from 0 to 1.
const leastAlike = 0.3

// Near returns those of the names that somebody who typed this may have meant, the likeliest
// first, at most as many as are wanted.
func Near(typed string, names []string, most int) []string {
	type scored struct {
		name  string
		score float64
	}
	var out []scored
	query, folded := Parse(typed), Fold(typed)
	for _, name := range names {
		of := Fold(name)
		score := alike(folded, of)
		if folded != "" && (query.In(of) || strings.Contains(folded, of) && of != "") {
			score++
		}
		if score >= leastAlike {
			out = append(out, scored{name, score})
		}
	}
	slices.SortStableFunc(out, func(a, b scored) int { return cmp.Compare(b.score, a.score) })
	near := make([]string, 0, most)
	for _, s := range out[:min(most, len(out))] {
		near = append(near, s.name)
	}
	return near
}

// alike is the share of pairs of neighbours that two folded texts have in common (Dice).
func alike(a, b string) float64 {
	pairs, total := map[string]int{}, 0
	x, y := []rune(a), []rune(b)
	for i := range len(x) - 1 {
		pairs[string(x[i:i+2])]++
		total++
	}
	both := 0
	for i := range len(y) - 1 {
		total++
		if pair := string(y[i : i+2]); pairs[pair] > 0 {
			pairs[pair]--
			both++
		}
	}
	if total == 0 {
		return 0
	}
	return 2 * float64(both) / float64(total)
}
