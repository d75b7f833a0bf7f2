//go:build linux

package fault

import (
	"cmp"
	"errors"
	"fmt"
	"io"
	"os"
	"slices"
	"strings"
	"sync"
	"time"
)

// line is what one fault came to, in deliveries unless it says otherwise.
type line struct {
	order        int // in the table of faults
	fault        string
	sent         int
	acknowledged int           // answered 2xx
	refused      int           // never answered 2xx: given up, or thrown away with a webhook that was switched off
	reflected    int           // acknowledged, and Channel Program holds what the record came to
	lost         int           // acknowledged, but not in the journal or not reflected
	twice        int           // records pushed again with a content that Channel Program held already
	recovered    time.Duration // from the end of the fault until both sides agreed and nothing waited
	note         string
}

// report gathers the lines of every fault. It is safe for concurrent use.
type report struct {
	mu    sync.Mutex
	lines []line
}

func (r *report) add(l line) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.lines = append(r.lines, l)
}

// writeTo writes the table in Markdown; nothing when no fault ran.
func (r *report) writeTo(w io.Writer, form string) error {
	r.mu.Lock()
	defer r.mu.Unlock()
	if len(r.lines) == 0 {
		return nil
	}
	slices.SortStableFunc(r.lines, func(a, b line) int { return cmp.Compare(a.order, b.order) })
	rows := [][]string{
		{"Fault", "Sent", "Acknowledged", "Refused", "Reflected", "Lost", "Pushed twice", "Recovered after", "Note"},
	}
	for _, l := range r.lines {
		rows = append(rows, []string{
			l.fault, fmt.Sprint(l.sent), fmt.Sprint(l.acknowledged), fmt.Sprint(l.refused), fmt.Sprint(l.reflected),
			fmt.Sprint(l.lost), fmt.Sprint(l.twice), fmt.Sprintf("%.1f s", l.recovered.Seconds()), l.note,
		})
	}
	var b strings.Builder
	fmt.Fprintf(&b, "\n## Fault suite, %s form\n\n", form)
	for i, row := range rows {
		fmt.Fprintf(&b, "| %s |\n", strings.Join(row, " | "))
		if i == 0 {
			fmt.Fprintf(&b, "|---|%s---|\n", strings.Repeat("---:|", len(row)-2))
		}
	}
	b.WriteString("\nSent, acknowledged, refused, reflected and lost count deliveries, each once however often it was tried. " +
		"Refused ones reach\nChannel Program by the vendor's error log and the stamps.\n")
	_, err := io.WriteString(w, b.String())
	return err
}

// save writes the table into a file.
func (r *report) save(path, form string) error {
	f, err := os.Create(path)
	if err != nil {
		return err
	}
	return errors.Join(r.writeTo(f, form), f.Close())
}
