package screen

import (
	"fmt"
	"io"
	"strings"
)

const (
	gap       = 2
	narrowest = 6  // no column is cut below this
	foldable  = 30 // what a last column that folds gets at least, if it needs it
)

// Table is rows under a header.
type Table struct {
	Header []string
	Rows   [][]string
	Fold   bool // the last column goes on in the next line instead of being cut
}

// Add adds a row. An empty cell is shown as "-".
func (t *Table) Add(cells ...string) { t.Rows = append(t.Rows, cells) }

// Write writes the table, its widest columns cut so that it fits the width; 0
// cuts nothing.
func (t *Table) Write(w io.Writer, width int) error {
	lines := make([][]string, 0, len(t.Rows)+1)
	lines = append(lines, t.Header)
	for _, row := range t.Rows {
		cells := make([]string, len(row))
		for i, c := range row {
			if cells[i] = Clean(c); strings.TrimSpace(cells[i]) == "" {
				cells[i] = "-"
			}
		}
		lines = append(lines, cells)
	}
	widths := t.fit(lines, width)
	var b strings.Builder
	for _, cells := range lines {
		at := 0
		for i, c := range cells {
			if i < len(cells)-1 {
				c = Cut(c, widths[i])
				b.WriteString(c + strings.Repeat(" ", widths[i]-Width(c)+gap))
				at += widths[i] + gap
				continue
			}
			if !t.Fold || width <= 0 {
				b.WriteString(Cut(c, widths[i]) + "\n")
				continue
			}
			b.WriteString(strings.Join(Fold(c, widths[i]), "\n"+strings.Repeat(" ", at)) + "\n")
		}
	}
	if _, err := io.WriteString(w, b.String()); err != nil {
		return fmt.Errorf("write table: %w", err)
	}
	return nil
}

// fit is the width of each column: what it needs, less what the widest have to
// give so that all fit.
func (t *Table) fit(lines [][]string, width int) []int {
	var widths []int
	for _, cells := range lines {
		for i, c := range cells {
			if i == len(widths) {
				widths = append(widths, 0)
			}
			widths[i] = max(widths[i], Width(c))
		}
	}
	if width <= 0 {
		return widths
	}
	last := len(widths) - 1
	if t.Fold {
		widths[last] = min(widths[last], foldable)
	}
	total := gap * last
	for _, w := range widths {
		total += w
	}
	for ; total > width; total-- {
		widest := 0
		for i, w := range widths {
			if w > widths[widest] {
				widest = i
			}
		}
		if widths[widest] <= narrowest {
			break
		}
		widths[widest]--
	}
	if t.Fold {
		widths[last] += max(0, width-total)
	}
	return widths
}
