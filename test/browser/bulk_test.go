package browser

import (
	"testing"

	"github.com/chromedp/chromedp/kb"

	v1 "channelsync/api/v1"
	"channelsync/test/browser/chrome"
	"channelsync/test/browser/tour"
)

// TestTwoRowsByKeyboard selects two records of a list and syncs them with nothing but keys.
func TestTwoRowsByKeyboard(t *testing.T) {
	t.Parallel()
	w := tour.Start(t)
	first, second := w.Company("Alder Dental"), w.Company("Birch Dental")
	w.Company("Cedar Dental")
	in := w.Install(v1.SyncActiveCustomers)
	w.Quiesce(in.ID)
	k := keyboard{tab(t, w, chrome.Options{}), t}
	logIn(k.Page)
	k.Open(at(in, "/records"))
	k.tabTo("checkbox", "Select Client Alder Dental")
	k.Keys(" ")
	k.tabTo("checkbox", "Select Client Birch Dental")
	k.Keys(" ")
	k.tabTo("button", "Sync now…")
	k.KeysLeave(kb.Enter)
	k.See("Sync now: 2 records?", "Alder Dental", "Birch Dental")
	k.SeeNot("Cedar Dental")
	k.tabTo("button", "Sync now: 2 records")
	k.KeysLeave(kb.Enter)
	k.See("2 are being synced now.")
	for _, id := range []int64{first, second} {
		w.RecordBecomes(in.ID, v1.KindCompany, id, soon, func(r v1.RecordDetail) bool { return r.Outcome == v1.OutcomeUnchanged })
	}
}

// TestAllOfAFilterWithoutScripts syncs all that a search finds, and excludes them, with forms alone.
func TestAllOfAFilterWithoutScripts(t *testing.T) {
	t.Parallel()
	w := tour.Start(t)
	id := w.Company("Alder Dental")
	w.Company("Birch Dental")
	w.Company("Cedar Works")
	in := w.Install(v1.SyncActiveCustomers)
	w.Quiesce(in.ID)
	p := tab(t, w, chrome.Options{NoScript: true})
	logIn(p)
	p.Open(at(in, "/records?q=dental"))
	p.Choose("Act on", "all 2 that fit the filters")
	p.Press("Sync now…")
	p.See("Sync now: 2 records?", "found by “dental”", "evaluated when the job begins")
	p.Press("Sync now: 2 records")
	p.See("2 items are in this job.", "confirmed for 2")
	p.ReloadUntil("2 of 2")
	p.Open(at(in, "/records?q=dental"))
	p.Choose("Act on", "all 2 that fit the filters")
	p.Press("Exclude…")
	p.See("Exclude: 2 clients?", "2 of ", " in scope would leave")
	p.Press("Exclude: 2 clients")
	p.See("2 clients excluded.")
	w.RecordBecomes(in.ID, v1.KindCompany, id, soon, func(r v1.RecordDetail) bool { return r.Outcome == v1.OutcomeNotMet })
}
