package export

import (
	"io"
	"regexp"
	"strings"
)

// A Format is how a list is written.
type Format string

// The formats. CSV and JSON have every value as it is.
const (
	CSV  Format = "csv"
	JSON Format = "json"
	// Spreadsheet is CSV that a spreadsheet may open: no cell of it is a formula, and none is turned into another value.
	Spreadsheet Format = "csv-spreadsheet"
)

// Formats are all of them.
var Formats = []Format{CSV, Spreadsheet, JSON}

// Altered is the last column of a spreadsheet: the columns of the row in which an apostrophe was put in.
const Altered = "apostropheAddedIn"

// bom tells a spreadsheet that what follows is UTF-8. Plain CSV has none: programs would take it for
// a part of the first column's name.
const bom = "\ufeff"

// leading is what a spreadsheet may take for the beginning of a formula, in its full-width form too, and what it
// passes over before one.
var leading = regexp.MustCompile(`^[ \x{00a0}\x{3000}]*[=+\-@\t\r\n\x00\x{ff1d}\x{ff0b}\x{ff0d}\x{ff20}]`)

// inner is the same after what separates cells: where Excel separates by semicolons, what follows one inside of a
// cell begins a cell, whatever the quotes say.
var inner = regexp.MustCompile(`([;,|"\t\r\n][ \x{00a0}\x{3000}]*)([=+\-@\x{ff1d}\x{ff0b}\x{ff0d}\x{ff20}])`)

// turned is what a spreadsheet may take for a number, a date, a time, a fraction or a boolean, and show as another
// text: whatever has no other characters than these have, and a digit; months, and hours with AM or PM.
var turned = regexp.MustCompile(`(?i)^ *([0-9.,:/()%$€£¥ e+-]*[0-9][0-9.,:/()%$€£¥ e+-]*|` +
	`([0-9]{1,4}[ ./-]*)?(jan|feb|mar|apr|may|jun|jul|aug|sep|oct|nov|dec)[a-z]*\.?([ ,./-]*[0-9]{1,4}){0,2}|` +
	`[0-9:. ]+[ap]\.?(m\.?)?|true|false) *$`)

// plain is what stays as it is all the same: a number that a spreadsheet has the same digits of, and our own booleans.
var plain = regexp.MustCompile(`^((0|[1-9][0-9]{0,14})|(0|[1-9][0-9]{0,9})\.[0-9]{1,5}|true|false)$`)

// inert is a text that no spreadsheet computes or turns into something else: an apostrophe stands before what it would do that to.
func inert(s string) string {
	s = inner.ReplaceAllString(s, "$1'$2")
	if leading.MatchString(s) || turned.MatchString(s) && !plain.MatchString(s) {
		return "'" + s
	}
	return s
}

// table writes rows as RFC 4180 has them.
type table struct {
	to          io.Writer
	header      []string
	spreadsheet bool
}

func (t *table) begin() error {
	if !t.spreadsheet {
		return t.write(t.header)
	}
	if _, err := io.WriteString(t.to, bom); err != nil {
		return err //nolint:wrapcheck // of whoever is written to
	}
	return t.write(append(t.header[:len(t.header):len(t.header)], Altered))
}

func (t *table) row(cells []string) error {
	if !t.spreadsheet {
		return t.write(cells)
	}
	var altered []string
	safe := make([]string, len(cells), len(cells)+1)
	for i, cell := range cells {
		if safe[i] = inert(cell); safe[i] != cell {
			altered = append(altered, t.header[i])
		}
	}
	return t.write(append(safe, strings.Join(altered, " ")))
}

// write is not encoding/csv's: that one changes the line breaks inside of values with those of the file.
func (t *table) write(cells []string) error {
	var b strings.Builder
	for i, cell := range cells {
		if i > 0 {
			b.WriteByte(',')
		}
		if strings.ContainsAny(cell, "\",\r\n") || strings.HasPrefix(cell, bom) || cell == "" && len(cells) == 1 {
			cell = `"` + strings.ReplaceAll(cell, `"`, `""`) + `"`
		}
		b.WriteString(cell)
	}
	b.WriteString("\r\n")
	_, err := io.WriteString(t.to, b.String())
	return err //nolint:wrapcheck // of whoever is written to
}
