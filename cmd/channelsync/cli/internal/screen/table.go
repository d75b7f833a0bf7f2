package screen

import (
	"bytes"
	"fmt"
	"io"
	"strings"
	"text/tabwriter"
	"unicode/utf8"
)

const (
	gap       = 2
	narrowest = 6 // no column is cut below this
)

// Table is rows under a header.
type Table struct {
	Header []string
	Rows   [][]string
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
	widths := fit(lines, width)
	var b bytes.Buffer
	tw := tabwriter.NewWriter(&b, 0, 0, gap, ' ', 0)
	for _, cells := range lines {
		for i, c := range cells {
			end := "\t"
			if i == len(cells)-1 {
				end = "\n"
			}
			_, _ = fmt.Fprint(tw, Cut(c, widths[i]), end) // into memory
		}
	}
	_ = tw.Flush()
	if _, err := w.Write(b.Bytes()); err != nil {
		return fmt.Errorf("write table: %w", err)
	}
	return nil
}

// fit is the width of each column: what it needs, less what the widest have to
// give so that all fit.
func fit(lines [][]string, width int) []int {
	var widths []int
	for _, cells := range lines {
		for i, c := range cells {
			if i == len(widths) {
				widths = append(widths, 0)
			}
			widths[i] = max(widths[i], utf8.RuneCountInString(c))
		}
	}
	if width <= 0 {
		return widths
	}
	total := gap * (len(widths) - 1)
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
	return widths
}
