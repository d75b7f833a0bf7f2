package screen

import (
	"bytes"
	"encoding/json"
	"strings"
	"testing"
	"time"
	"unicode"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"
)

func TestTable(t *testing.T) {
	table := Table{Header: []string{"ID", "NAME", "DETAIL"}}
	table.Add("7", "Ärzte & Co", "The API user may not read companies")
	table.Add("1024", "", "ok\x1b[31m\nred")
	for width, want := range map[int]string{
		0: "ID    NAME        DETAIL\n" +
			"7     Ärzte & Co  The API user may not read companies\n" +
			"1024  -           ok [31m red\n",
		40: "ID    NAME        DETAIL\n" +
			"7     Ärzte & Co  The API user may not…\n" +
			"1024  -           ok [31m red\n",
		18: "ID      7\nNAME    Ärzte & Co\nDETAIL  The API\n        user may\n        not read\n        companies\n\n" +
			"ID      1024\nNAME    -\nDETAIL  ok [31m\n        red\n",
	} {
		var b bytes.Buffer
		if err := table.Write(&b, width); err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(want, b.String()); diff != "" {
			t.Errorf("width %d: %s", width, diff)
		}
	}
}

// TestTablesFit: no line is wider than the terminal, as long as that is sensible.
func TestTablesFit(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		table := Table{Header: []string{"A", "B", "C"}, Fold: rapid.IntRange(0, 3).Draw(t, "fold")}
		for range rapid.IntRange(0, 5).Draw(t, "rows") {
			cell := rapid.StringN(0, 60, -1)
			table.Add(cell.Draw(t, "a"), cell.Draw(t, "b"), cell.Draw(t, "c"))
		}
		width := rapid.IntRange(3*narrowest+2*gap, 120).Draw(t, "width")
		var b bytes.Buffer
		if err := table.Write(&b, width); err != nil {
			t.Fatal(err)
		}
		lines := strings.Split(strings.TrimSuffix(b.String(), "\n"), "\n")
		if len(lines) < len(table.Rows)+1 || table.Fold == 0 && len(lines) > len(table.Rows)+1 {
			t.Fatalf("%d lines for %d rows", len(lines), len(table.Rows))
		}
		for _, l := range lines {
			if Width(l) > width {
				t.Fatalf("%d wide, want at most %d: %q", Width(l), width, l)
			}
		}
	})
}

// TestColumnsStandUnderEachOther: whatever the characters of a cell take.
func TestColumnsStandUnderEachOther(t *testing.T) {
	table := Table{Header: []string{"NAME", "STATE"}}
	table.Add("株式会社サンプル", "live")
	table.Add("Zu\u0308rich", "live")
	table.Add("Cafe 🙂", "live")
	var b bytes.Buffer
	if err := table.Write(&b, 0); err != nil {
		t.Fatal(err)
	}
	for line := range strings.Lines(b.String()) {
		if before, _, found := strings.Cut(line, "live"); found && Width(before) != 18 {
			t.Errorf("the second column begins at %d: %q", Width(before), line)
		}
	}
}

func TestTheLastColumnFolds(t *testing.T) {
	table := Table{Header: []string{"CHECK", "RESULT", "DETAIL"}, Fold: 1}
	table.Add("webhooks", "warning", "The API user may not create webhooks, so changes are found by polling.")
	for width, want := range map[int]string{
		0: "CHECK     RESULT   DETAIL\nwebhooks  warning  The API user may not create webhooks, so changes are found by polling.\n",
		50: "CHECK     RESULT   DETAIL\n" +
			"webhooks  warning  The API user may not create\n" +
			"                   webhooks, so changes are found\n" +
			"                   by polling.\n",
	} {
		var b bytes.Buffer
		if err := table.Write(&b, width); err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(want, b.String()); diff != "" {
			t.Errorf("width %d: %s", width, diff)
		}
	}
	if got := strings.Join(Fold("a verylongword and 株式会社", 6), "|"); got != "a|verylo|ngword|and|株式会|社" {
		t.Errorf("got %s", got)
	}
}

// TestSeveralColumnsFold: a difference at the end of a long value can be read.
func TestSeveralColumnsFold(t *testing.T) {
	table := Table{Header: []string{"FIELD", "OLD", "NEW"}, Fold: 2}
	table.Add("contacts[0].email", "somebody with a long name and a 1", "somebody with a long name and a 2")
	var b bytes.Buffer
	if err := table.Write(&b, 60); err != nil {
		t.Fatal(err)
	}
	want := "FIELD              OLD                  NEW\n" +
		"contacts[0].email  somebody with a      somebody with a long\n" +
		"                   long name and a 1    name and a 2\n"
	if diff := cmp.Diff(want, b.String()); diff != "" {
		t.Error(diff)
	}
}

// TestIDsAreNeverCut: the next command needs them.
func TestIDsAreNeverCut(t *testing.T) {
	const id, job = "01jxacmeaaaaaaaaaaaaaaaaaa", "company 29683503"
	table := Table{Header: []string{"FOUND", "STATE", "RECORD", "ID", "NAME", "FIELD", "THEIRS", "OURS"}, Fold: 2}
	table.Add("4m ago", "overwritten", job, id, "A name that is as long as names are", "address.line1", "1 of a street", "2 of another street")
	for _, width := range []int{20, 40, 80, 120, 200} {
		var b bytes.Buffer
		if err := table.Write(&b, width); err != nil {
			t.Fatal(err)
		}
		if !strings.Contains(b.String(), id) || !strings.Contains(b.String(), job) || !strings.Contains(b.String(), "address.line1") {
			t.Errorf("width %d cuts an id:\n%s", width, b.String())
		}
	}
}

func TestWhen(t *testing.T) {
	now := time.Date(2026, 11, 23, 12, 0, 0, 0, time.UTC)
	for ago, want := range map[time.Duration]string{
		0: "just now", time.Second: "just now", 12 * time.Second: "12s ago", 119 * time.Second: "119s ago",
		5 * time.Minute: "5m ago", 90 * time.Minute: "90m ago", 3 * time.Hour: "3h ago", 47 * time.Hour: "47h ago",
		50 * time.Hour: "2d ago", -30 * time.Second: "in 30s", -3 * time.Hour: "in 3h", -10 * time.Millisecond: "now",
	} {
		if got := When(now, now.Add(-ago)); got != want {
			t.Errorf("%s: got %q, want %q", ago, got, want)
		}
	}
	if got := WhenPtr(now, nil, "never"); got != "never" {
		t.Errorf("got %q", got)
	}
	if got := WhenPtr(now, &now, "never"); got != "just now" {
		t.Errorf("got %q", got)
	}
	for s, want := range map[float64]string{0: "0.0s", 0.43: "0.4s", 9.94: "9.9s", 42: "42s", 600: "10m"} {
		if got := Seconds(s); got != want {
			t.Errorf("%v: got %q, want %q", s, got, want)
		}
	}
}

func TestCut(t *testing.T) {
	for _, tc := range []struct {
		text  string
		width int
		want  string
	}{{"abc", 3, "abc"}, {"abcd", 3, "ab…"}, {"ab cd", 4, "ab…"}, {"äöü", 2, "ä…"}, {"株式会社", 5, "株式…"}, {"株式会社", 4, "株…"}, {"👩‍🚀ab", 3, "👩‍🚀…"}, {"e\u0301e\u0301e\u0301", 2, "e\u0301…"}, {"abc", 1, "…"}, {"abc", 0, "abc"}} {
		if got := Cut(tc.text, tc.width); got != tc.want {
			t.Errorf("%q to %d: got %q, want %q", tc.text, tc.width, got, tc.want)
		}
	}
}

func TestNoControlCharacterReachesATerminal(t *testing.T) {
	for given, want := range map[string]string{
		"plain Ärzte & Co <a> 🙂": "plain Ärzte & Co <a> 🙂",
		"a\u009b31mb":            `a\u009b31mb`, // C1: as ESC [ does
		"a\u0085b\x7fc":          `a\u0085b\u007fc`,
		"a\u202egnp.exe\u2069":   `a\u202egnp.exe\u2069`, // what follows is read from the right
		"a\u200bb\ufeffc":        `a\u200bb\ufeffc`,
		"a\U000e0041b":           `a\udb40\udc41b`,
		"a\x1b[31m\nb":           `a\u001b[31m\nb`,
		"a\u2028b":               `a\u2028b`,
		"<a> & \\u0026":          `<a> & \\u0026`, // as the texts of documents that were made for web pages
	} {
		b, err := json.Marshal(given)
		if err != nil {
			t.Fatal(err)
		}
		if got := string(JSON(b)); got != `"`+want+`"` {
			t.Errorf("%q: got %s, want %s", given, got, want)
		}
	}
	if got := Lines("a\u009b31mb\nc\u202ed\x1b[1m"); got != "a 31mb\nc d [1m" {
		t.Errorf("got %q", got)
	}
	rapid.Check(t, func(t *rapid.T) {
		given := rapid.String().Draw(t, "text")
		b, err := json.Marshal(given)
		if err != nil {
			t.Fatal(err)
		}
		var back, before string
		shown := JSON(b)
		if json.Unmarshal(b, &before) != nil || json.Unmarshal(shown, &back) != nil || back != before {
			t.Fatalf("%q became %q", before, back)
		}
		for _, r := range string(shown) {
			if unicode.In(r, unicode.Cc, unicode.Cf) {
				t.Fatalf("%q has %U", shown, r)
			}
		}
	})
}
