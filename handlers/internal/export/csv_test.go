package export

import (
	"errors"
	"slices"
	"strings"
	"testing"

	"pgregory.net/rapid"
)

// parse reads RFC 4180: records of cells, whose line breaks are as they were.
func parse(text string) (records [][]string, err error) {
	var record []string
	for text != "" {
		var cell strings.Builder
		if strings.HasPrefix(text, `"`) {
			text = text[1:]
			for {
				end := strings.IndexByte(text, '"')
				if end < 0 {
					return nil, errors.New("a quote is not closed")
				}
				cell.WriteString(text[:end])
				if text = text[end+1:]; !strings.HasPrefix(text, `"`) {
					break
				}
				cell.WriteByte('"')
				text = text[1:]
			}
		} else {
			end := strings.IndexAny(text, ",\r\n\"")
			if end < 0 || text[end] == '"' {
				return nil, errors.New("a cell has no end, or a bare quote")
			}
			cell.WriteString(text[:end])
			text = text[end:]
		}
		record = append(record, cell.String())
		switch {
		case strings.HasPrefix(text, ","):
			text = text[1:]
			if text == "" {
				return nil, errors.New("a record has no end")
			}
		case strings.HasPrefix(text, "\r\n"):
			records, record, text = append(records, record), nil, text[2:]
		default:
			return nil, errors.New("neither a comma nor a line's end after a cell")
		}
	}
	return records, nil
}

func written(t interface{ Fatal(...any) }, spreadsheet bool, header []string, rows ...[]string) string {
	var b strings.Builder
	to := table{to: &b, header: header, spreadsheet: spreadsheet}
	if err := to.begin(); err != nil {
		t.Fatal(err)
	}
	for _, row := range rows {
		if err := to.row(row); err != nil {
			t.Fatal(err)
		}
	}
	return b.String()
}

func TestCSV(t *testing.T) {
	for _, tc := range []struct{ name, cell, plain, spreadsheet string }{
		{"text", "Acme", `Acme`, `Acme`},
		{"nothing", "", ``, ``},
		{"comma and quote", `Smith, "Bob"`, `"Smith, ""Bob"""`, `"Smith, ""Bob"""`},
		{"line break", "a\nb", "\"a\nb\"", "\"a\nb\""},
		{"CR LF stays", "a\r\nb", "\"a\r\nb\"", "\"a\r\nb\""},
		{"formula", "=1+1", `=1+1`, `'=1+1`},
		{"phone", "+1 518 555", `+1 518 555`, `'+1 518 555`},
		{"negative", "-5.00", `-5.00`, `'-5.00`},
		{"at", "@SUM(A1)", `@SUM(A1)`, `'@SUM(A1)`},
		{"tab", "\t=1", "\t=1", "'\t'=1"},
		{"CR", "\r=1", "\"\r=1\"", "\"'\r'=1\""},
		{"NUL", "\x00=1", "\x00=1", "'\x00=1"},
		{"full width", "＝1", `＝1`, `'＝1`},
		{"full-width at", "＠x", `＠x`, `'＠x`},
		{"behind spaces", "  =1", `  =1`, `'  =1`},
		{"behind a wide space", "\u3000=1", "\u3000=1", "'\u3000=1"},
		{"behind a semicolon", "a;=1", `a;=1`, `a;'=1`},
		{"behind a comma", "a, -1", `"a, -1"`, `"a, '-1"`},
		{"behind a quote", `a"=1`, `"a""=1"`, `"a""'=1"`},
		{"in a word", "e-mail", `e-mail`, `e-mail`},
		{"an address", "ann@acme.example", `ann@acme.example`, `ann@acme.example`},
		{"leading zeros", "00123", `00123`, `'00123`},
		{"zero", "0", `0`, `0`},
		{"fifteen digits", "123456789012345", `123456789012345`, `123456789012345`},
		{"sixteen digits", "1234567890123456", `1234567890123456`, `'1234567890123456`},
		{"power of ten", "12e34", `12e34`, `'12e34`},
		{"upper power", "1E+5", `1E+5`, `'1E+5`},
		{"decimal power", "1.2E5", `1.2E5`, `'1.2E5`},
		{"month of a year", "2024-05", `2024-05`, `'2024-05`},
		{"date", "2026-11-30", `2026-11-30`, `'2026-11-30`},
		{"named month", "3 May", `3 May`, `'3 May`},
		{"named month and year", "Sept-24", `Sept-24`, `'Sept-24`},
		{"fraction", "1/2", `1/2`, `'1/2`},
		{"range", "3-4", `3-4`, `'3-4`},
		{"negative in brackets", "(123)", `(123)`, `'(123)`},
		{"boolean", "TRUE", `TRUE`, `'TRUE`},
		{"our boolean", "true", `true`, `true`},
		{"percent", "50 %", `50 %`, `'50 %`},
		{"currency", "$5", `$5`, `'$5`},
		{"currency behind", "5 €", `5 €`, `'5 €`},
		{"hour", "9 AM", `9 AM`, `'9 AM`},
		{"time of day", "9:30", `9:30`, `'9:30`},
		{"name with a number", "3 Acme", `3 Acme`, `3 Acme`},
		{"name like a month", "May Dental", `May Dental`, `May Dental`},
		{"amount", "8412.50", `8412.50`, `8412.50`},
		{"time", "2026-11-30T09:00:00Z", `2026-11-30T09:00:00Z`, `2026-11-30T09:00:00Z`},
		{"a mark of its own", "\ufeffa", "\"\ufeffa\"", "\"\ufeffa\""},
	} {
		t.Run(tc.name, func(t *testing.T) {
			if got, want := written(t, false, []string{"n", "v"}, []string{"1", tc.cell}), "n,v\r\n1,"+tc.plain+"\r\n"; got != want {
				t.Errorf("plain: got %q, want %q", got, want)
			}
			altered := ""
			if tc.plain != tc.spreadsheet {
				altered = "v"
			}
			want := "\ufeffn,v," + Altered + "\r\n1," + tc.spreadsheet + "," + altered + "\r\n"
			if got := written(t, true, []string{"n", "v"}, []string{"1", tc.cell}); got != want {
				t.Errorf("for a spreadsheet: got %q, want %q", got, want)
			}
		})
	}
}

func TestPlainCSVComesBackAsItWas(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		width := rapid.IntRange(1, 5).Draw(t, "width")
		cell := rapid.OneOf(rapid.String(), rapid.StringOfN(rapid.SampledFrom([]rune(",;\"\r\n\t =+-@'0\ufeff")), 0, 8, -1))
		rows := rapid.SliceOfN(rapid.SliceOfN(cell, width, width), 1, 6).Draw(t, "rows")
		back, err := parse(written(t, false, rows[0], rows[1:]...))
		if err != nil || !slices.EqualFunc(back, rows, slices.Equal) {
			t.Fatalf("%q came back as %q, %v", rows, back, err)
		}
	})
}

// A cell as programs read the file, and as one reads it that separates by semicolons, tabs or bars and knows no quotes.
func FuzzNoCellOfASpreadsheetIsAFormula(f *testing.F) {
	for _, s := range []string{"=1", "a;=1", "\t+1", "\r\n-1", "\u3000＝1", `";=1`, ",,=", "0012", "a\n @b", ";;\t ; -1"} {
		f.Add(s)
	}
	const begins = "=+-@＝＋－＠"
	f.Fuzz(func(t *testing.T, s string) {
		got := inert(s)
		if strings.ContainsAny(first(got), "\t\r\n\x00") {
			t.Errorf("%q begins with a control character: %q", s, got)
		}
		for _, part := range strings.FieldsFunc(got, func(r rune) bool { return strings.ContainsRune(";,|\"\t\r\n", r) }) {
			if begun := strings.TrimLeft(part, " \u00a0\u3000"); strings.ContainsAny(first(begun), begins) {
				t.Errorf("%q became %q, which has %q", s, got, part)
			}
		}
		if strings.ReplaceAll(got, "'", "") != strings.ReplaceAll(s, "'", "") {
			t.Errorf("%q became %q: more than apostrophes", s, got)
		}
	})
}

func first(s string) string {
	for i := range s {
		if i > 0 {
			return s[:i]
		}
	}
	return s
}
