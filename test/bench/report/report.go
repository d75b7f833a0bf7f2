// Package report holds what a run of the benchmarks measured and writes it as Markdown,
// as JSON, or into the marked block of a document. It measures nothing.
package report

import (
	"encoding/json"
	"fmt"
	"io"
	"os"
	"strings"
)

// Report is one run on one machine.
type Report struct {
	Machine  Machine   `json:"machine"`
	Sections []Section `json:"sections"`
	Claims   []Claim   `json:"claims"`
}

// Section is one table.
type Section struct {
	Title   string     `json:"title"`
	Columns []string   `json:"columns"`
	Rows    [][]string `json:"rows"`
	Notes   []string   `json:"notes,omitempty"`
}

// Row adds a row, with one text for each column.
func (s *Section) Row(cells ...string) { s.Rows = append(s.Rows, cells) }

// Note adds a line below the table.
func (s *Section) Note(format string, v ...any) { s.Notes = append(s.Notes, fmt.Sprintf(format, v...)) }

// Claim is a figure that the product is to reach, and what this run came to.
type Claim struct {
	What   string `json:"what"`
	Wanted string `json:"wanted"`
	Got    string `json:"got"`
	Holds  bool   `json:"holds"`
}

// AtMost adds a claim that a figure is no larger than its bound.
func (r *Report) AtMost(what string, got, bound float64, unit string) {
	r.Claims = append(r.Claims, Claim{what, "at most " + Number(bound) + unit, Number(got) + unit, got <= bound})
}

// AtLeast adds a claim that a figure is no smaller than its bound.
func (r *Report) AtLeast(what string, got, bound float64, unit string) {
	r.Claims = append(r.Claims, Claim{what, "at least " + Number(bound) + unit, Number(got) + unit, got >= bound})
}

// Number writes a figure with no more digits than it is worth.
func Number(f float64) string {
	switch {
	case f >= 100 || f == float64(int64(f)):
		return fmt.Sprintf("%.0f", f)
	case f >= 10:
		return fmt.Sprintf("%.1f", f)
	case f >= 0.1:
		return fmt.Sprintf("%.2f", f)
	}
	return fmt.Sprintf("%.4f", f)
}

// JSON writes the report as one JSON document.
func (r *Report) JSON(w io.Writer) error {
	enc := json.NewEncoder(w)
	enc.SetIndent("", "  ")
	if err := enc.Encode(r); err != nil {
		return fmt.Errorf("write report: %w", err)
	}
	return nil
}

// Markdown is the report as a reader sees it.
func (r *Report) Markdown() string {
	var b strings.Builder
	fmt.Fprintf(&b, "%s\n", r.Machine)
	if len(r.Claims) > 0 {
		claims := Section{Title: "Targets", Columns: []string{"Figure", "Target", "Measured", ""}}
		for _, c := range r.Claims {
			verdict := "**missed**"
			if c.Holds {
				verdict = "met"
			}
			claims.Row(c.What, c.Wanted, c.Got, verdict)
		}
		claims.markdown(&b)
	}
	for _, s := range r.Sections {
		s.markdown(&b)
	}
	return b.String()
}

func (s Section) markdown(b *strings.Builder) {
	fmt.Fprintf(b, "\n### %s\n\n", s.Title)
	line := func(cells []string) { fmt.Fprintf(b, "| %s |\n", strings.Join(cells, " | ")) }
	line(s.Columns)
	rule := make([]string, len(s.Columns))
	for i := range rule {
		rule[i] = "---"
	}
	line(rule)
	for _, row := range s.Rows {
		line(row)
	}
	for _, note := range s.Notes {
		fmt.Fprintf(b, "\n%s\n", note)
	}
}

// The block of a document that a run replaces.
const (
	beginMark = "<!-- bench: begin -->"
	endMark   = "<!-- bench: end -->"
)

// Replace puts the report into the marked block of a Markdown document.
func (r *Report) Replace(document string) (string, error) {
	before, rest, ok := strings.Cut(document, beginMark)
	_, after, ended := strings.Cut(rest, endMark)
	if !ok || !ended {
		return "", fmt.Errorf("find the block to replace: the document has no %s followed by %s", beginMark, endMark)
	}
	return before + beginMark + "\n" + r.Markdown() + endMark + after, nil
}

// WriteInto replaces the marked block of a file.
func (r *Report) WriteInto(path string) error {
	document, err := os.ReadFile(path)
	if err != nil {
		return fmt.Errorf("read the document: %w", err)
	}
	replaced, err := r.Replace(string(document))
	if err != nil {
		return err
	}
	if err := os.WriteFile(path, []byte(replaced), 0o644); err != nil { //nolint:gosec // a document of the repository
		return fmt.Errorf("write the document: %w", err)
	}
	return nil
}
