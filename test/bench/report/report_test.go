package report

import (
	"bytes"
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"channelsync/test/harness"
)

func example() *Report {
	r := &Report{Machine: Machine{Cores: 2, Kernel: "6.1", Disk: "ext4", Go: "go1.26", Load: "0.1 0.2 0.3"}}
	s := Section{Title: "Callbacks", Columns: []string{"", "a second"}}
	s.Row("bare", "9")
	s.Note("of %d rounds", 3)
	r.Sections = append(r.Sections, s)
	r.AtLeast("callbacks", 9, 10, " /s")
	r.AtMost("p99", 12.34, 15, " ms")
	return r
}

func TestMarkdown(t *testing.T) {
	_, got, _ := strings.Cut(example().Markdown(), "\n\n")
	want := `### Targets

| Figure | Target | Measured |  |
| --- | --- | --- | --- |
| callbacks | at least 10 /s | 9 /s | **missed** |
| p99 | at most 15 ms | 12.3 ms | met |

### Callbacks

|  | a second |
| --- | --- |
| bare | 9 |

of 3 rounds
`
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
}

func TestJSON(t *testing.T) {
	var b bytes.Buffer
	harness.OK(t, example().JSON(&b))
	var got Report
	harness.OK(t, json.Unmarshal(b.Bytes(), &got))
	if diff := cmp.Diff(*example(), got); diff != "" {
		t.Error(diff)
	}
}

func TestWriteInto(t *testing.T) {
	path := filepath.Join(t.TempDir(), "performance.md")
	harness.OK(t, os.WriteFile(path, []byte("before\n"+beginMark+"\nSTALE\n"+endMark+"\nafter\n"), 0o600))
	for range 2 { // the second run replaces the first
		harness.OK(t, example().WriteInto(path))
	}
	text, err := os.ReadFile(path)
	harness.OK(t, err)
	got := string(text)
	if strings.Contains(got, "STALE") || strings.Count(got, "### Callbacks") != 1 ||
		!strings.HasPrefix(got, "before\n") || !strings.HasSuffix(got, endMark+"\nafter\n") {
		t.Errorf("the document is now\n%s", got)
	}
	for _, document := range []string{"", endMark + beginMark, beginMark} {
		if _, err := example().Replace(document); err == nil {
			t.Errorf("%q: no error", document)
		}
	}
}

func TestNumber(t *testing.T) {
	for f, want := range map[float64]string{0: "0", 7: "7", 1234.5: "1234", 12.34: "12.3", 0.5: "0.50", 0.0083: "0.0083"} {
		if got := Number(f); got != want {
			t.Errorf("%v: got %s, want %s", f, got, want)
		}
	}
}

func TestObserve(t *testing.T) {
	m := Observe(t.TempDir())
	if m.Cores < 1 || m.Kernel == "" || m.Disk == "" || m.Load == "" {
		t.Errorf("observed %+v", m)
	}
}
