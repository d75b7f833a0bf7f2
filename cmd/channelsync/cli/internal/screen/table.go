package screen

import (
	"fmt"
	"io"
	"slices"
	"strings"
)

const (
	gap       = 2
	narrowest = 6  // no column is cut below this
	foldable  = 30 // what a column that folds gets first, if it needs it
	foldLeast = 14 // and at least, before rows are written below each other
)

// keyColumns are the headers of columns that are never cut: the next command needs what is in them.
var keyColumns = []string{"ID", "RECORD", "JOB", "GUID", "INSTALLATION ID", "FIELD"}

// Table is rows under a header.
type Table struct {
	Header []string
	Rows   [][]string
	Fold   int // this many of the last columns go on in the next line instead of being cut
}

// Add adds a row. An empty cell is shown as "-".
func (t *Table) Add(cells ...string) { t.Rows = append(t.Rows, cells) }

// Write writes the table so that it fits the width, its widest columns cut or folded. Where that is
// not enough each cell has a line of its own. A width of 0 cuts nothing.
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
	var b strings.Builder
	if widths, fits := t.fit(lines, width); fits {
		for _, cells := range lines {
			t.writeRow(&b, cells, widths)
		}
	} else {
		stack(&b, lines, width)
	}
	if _, err := io.WriteString(w, b.String()); err != nil {
		return fmt.Errorf("write table: %w", err)
	}
	return nil
}

// writeRow writes cells beside each other, in as many lines as the longest that folds takes.
func (t *Table) writeRow(b *strings.Builder, cells []string, widths []int) {
	parts, height := make([][]string, len(cells)), 1
	for i, c := range cells {
		if parts[i] = []string{Cut(c, widths[i])}; t.folds(i) {
			parts[i] = Fold(c, widths[i])
			height = max(height, len(parts[i]))
		}
	}
	for n := range height {
		at, written := 0, 0
		for i, part := range parts {
			if n < len(part) {
				b.WriteString(strings.Repeat(" ", at-written) + part[n])
				written = at + Width(part[n])
			}
			at += widths[i] + gap
		}
		b.WriteByte('\n')
	}
}

// stack writes each cell in lines of its own, behind the header of its column.
func stack(b *strings.Builder, lines [][]string, width int) {
	header, label := lines[0], 0
	for _, h := range header {
		label = max(label, Width(h)+gap)
	}
	for n, cells := range lines[1:] {
		if n > 0 {
			b.WriteByte('\n')
		}
		for i, c := range cells {
			parts := []string{c}
			if !slices.Contains(keyColumns, header[i]) {
				parts = Fold(c, max(narrowest, width-label))
			}
			b.WriteString(header[i] + strings.Repeat(" ", label-Width(header[i])))
			b.WriteString(strings.Join(parts, "\n"+strings.Repeat(" ", label)) + "\n")
		}
	}
}

func (t *Table) folds(column int) bool { return column >= len(t.Header)-t.Fold }

// fit is the width of each column: what it needs, less what the widest have to give so that all
// fit. What is left goes to those that fold. It says whether they can be made to fit.
func (t *Table) fit(lines [][]string, width int) (widths []int, fits bool) {
	needs := make([]int, len(t.Header))
	for _, cells := range lines {
		for i, c := range cells {
			needs[i] = max(needs[i], Width(c))
		}
	}
	if width <= 0 {
		return needs, true
	}
	widths = slices.Clone(needs)
	least := make([]int, len(needs))
	total := -gap
	for i, need := range needs {
		switch {
		case slices.Contains(keyColumns, t.Header[i]):
			least[i] = need
		case t.folds(i):
			widths[i], least[i] = min(need, foldable), min(need, foldLeast)
		default:
			least[i] = min(need, narrowest)
		}
		total += widths[i] + gap
	}
	for ; total > width; total-- {
		widest := -1
		for i, w := range widths {
			if w > least[i] && (widest < 0 || w > widths[widest]) {
				widest = i
			}
		}
		if widest < 0 {
			return nil, false
		}
		widths[widest]--
	}
	for ; total < width; total++ {
		narrow := -1
		for i, w := range widths {
			if w < needs[i] && t.folds(i) && (narrow < 0 || w < widths[narrow]) {
				narrow = i
			}
		}
		if narrow < 0 {
			break
		}
		widths[narrow]++
	}
	return widths, true
}
