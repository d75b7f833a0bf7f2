package browser

import (
	"regexp"
	"strings"
	"testing"

	"channelsync/test/browser/chrome"
	"channelsync/test/browser/tour"
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

func three(parts []string) (a, b, c string) {
	parts = append(parts, "", "", "")
	return parts[0], parts[1], parts[2]
}
