package browser

import (
	"errors"
	"fmt"
	"regexp"
	"strings"
	"testing"

	"channelsync/test/browser/chrome"
	"channelsync/test/browser/tour"
	"channelsync/test/harness"
	atsim "channelsync/test/sim/autotask/sim"
)

// TestTimesCountOnAndAreExactWhereItMatters: seconds are shown as they are, the exact time is on the
// hover and in what is copied, in the reader's zone or in UTC.
func TestTimesCountOnAndAreExactWhereItMatters(t *testing.T) {
	t.Parallel()
	w := tour.Start(t)
	company := w.Autotask.Put("Companies", atsim.Row{"companyName": "Northwind Dental", "companyType": 1, "isActive": true, "phone": "518-555-0100"})
	in := w.Install()
	w.Quiesce(in.ID)
	p := tab(t, w, chrome.Options{})
	logIn(p)
	p.Open(at(in, "/records/company/"+tour.ID(company)))
	const first = `document.querySelector("#facts time")`
	read := func(script string) string {
		t.Helper()
		return chrome.Eval[string](p, script)
	}
	if got := read(first + `.textContent`); !regexp.MustCompile(`^(just now|\d+ s ago|\d minutes? ago)$`).MatchString(got) {
		t.Errorf("a time that has just been is %q", got)
	}
	if got := read(`(() => { const t = ` + first + `; t.dateTime = new Date(Date.now() - 12400).toISOString(); document.dispatchEvent(new Event("visibilitychange")); return t.textContent })()`); got != "12 s ago" && got != "13 s ago" {
		t.Errorf("12.4 seconds are %q", got)
	}
	const copied = `(() => {
		const t = ` + first + `, range = document.createRange(), data = new DataTransfer();
		range.selectNode(t);
		document.getSelection().removeAllRanges();
		document.getSelection().addRange(range);
		document.dispatchEvent(new ClipboardEvent("copy", { clipboardData: data, bubbles: true, cancelable: true }));
		return data.getData("text/plain") + "|" + t.title + "|" + t.textContent;
	})()`
	check := func(zone string) {
		t.Helper()
		text, title, shown := three(strings.Split(read(copied), "|"))
		if !regexp.MustCompile(`^\d{4}-\d\d-\d\d \d\d:\d\d:\d\d `+zone+`$`).MatchString(title) || text != shown+" ("+title+")" || strings.Contains(shown, "(") {
			t.Errorf("copied %q, on the hover %q, shown %q", text, title, shown)
		}
	}
	check(`\S+`)
	p.Click("Show times in UTC")
	check("UTC")
	p.Open(at(in, "/records/company/"+tour.ID(company))) // it is remembered
	check("UTC")
	p.Click("Show times in your zone")
	p.See("Show times in UTC")
}

// TestTimesGoByTheServicesClock: on a machine whose clock is 3 minutes slow nothing is in 2 minutes, and a clock that is
// set while a page is open makes nothing older.
func TestTimesGoByTheServicesClock(t *testing.T) {
	t.Parallel()
	w := tour.Start(t)
	company := w.Company("Northwind Dental")
	in := w.Install()
	w.Quiesce(in.ID)
	p := tab(t, w, chrome.Options{Before: `const clock = Date.now; window.set = (by) => { Date.now = () => clock() + by }; set(-180000)`})
	logIn(p)
	p.Open(at(in, "/records/company/"+tour.ID(company)))
	check := func() error {
		times := chrome.Eval[[]string](p, `(document.dispatchEvent(new Event("visibilitychange")), [...document.querySelectorAll("#facts time")].map((t) => t.textContent))`)
		if len(times) == 0 {
			return errors.New("there is no time")
		}
		for _, said := range times {
			if strings.HasPrefix(said, "in ") || strings.Contains(said, "hour") {
				return fmt.Errorf("what has just been is %q", said)
			}
		}
		return nil
	}
	if err := check(); err != nil {
		t.Error(err)
	}
	for _, by := range []string{"-180000", "0", "7200000"} {
		chrome.Eval[int](p, `(set(`+by+`), 0)`)
		harness.Eventually(t, "times that are right", soon, check)
	}
}

func three(parts []string) (a, b, c string) {
	parts = append(parts, "", "", "")
	return parts[0], parts[1], parts[2]
}
