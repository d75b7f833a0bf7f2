package console

import (
	"encoding/json"
	"strings"
	"testing"
	"time"

	"github.com/PuerkitoBio/goquery"

	v1 "channelsync/api/v1"
)

func theVersions() []v1.Version {
	at := clockNow().Add(-48 * time.Hour)
	theirs := "Mine"
	return []v1.Version{
		{
			Number: 3, SentAt: at.Add(24 * time.Hour), Kind: v1.VersionRepaired, Cause: v1.Cause{Trigger: v1.TriggerManual, Job: "j-1", By: "ann"}, Answer: "updated",
			Projection: json.RawMessage(`{"name":"Northwind","phones":[{"value":"518-555-0100"}]}`), Changes: []v1.Difference{},
			Edited: []v1.DriftField{{Field: "name", Theirs: &theirs, Due: "Northwind"}},
		},
		{
			Number: 2, SentAt: at, Kind: v1.VersionSent, Cause: v1.Cause{Trigger: v1.TriggerCallback, EventID: "journal/7/0"}, Answer: "updated",
			Projection: json.RawMessage(`{"name":"Northwind","phones":[{"value":"518-555-0100"}]}`),
			Changes:    []v1.Difference{{Field: "name", From: "North", To: "Northwind"}, {Field: "phones[0].value", To: "518-555-0100"}},
		},
	}
}

func TestWhatWasSentOverTime(t *testing.T) {
	const versionsAt = companyAt + "/versions"
	w := newEnv(t)
	w.answer("GET "+companyAt, aCompany())
	more := "2"
	w.answer("GET "+versionsAt, v1.VersionPage{Items: theVersions(), NextCursor: &more})
	a := w.get(versionsAt)
	for selector, want := range map[string]string{
		"h1":                                    "What was sent of Northwind Dental",
		"tbody tr:nth-child(1) td.when + td":    "An edit in Channel Program was put right: resync, by ann",
		"tbody tr:nth-child(1) td:nth-child(4)": "Name: Mine became Northwind again",
		"tbody tr:nth-child(2) td.when + td":    "Autotask callbackchange journal/7/0",
		"tbody tr:nth-child(2) td:nth-child(4)": "Name: North became NorthwindPhone number: nothing became 518-555-0100",
	} {
		if got := a.text(selector); got != want {
			t.Errorf("%s: got %q, want %q", selector, got, want)
		}
	}
	if a.doc.Find(`input[name=old][value="2"][checked]`).Length() != 1 || a.doc.Find(`input[name=new][value="3"][checked]`).Length() != 1 {
		t.Error("the last two are not chosen to be compared")
	}
	if next := a.doc.Find("a[rel=next]").AttrOr("href", ""); next != versionsAt+"?cursor=2" {
		t.Errorf("the next page is %q", next)
	}
	if link := w.get(companyAt).doc.Find(`a[href$="/versions"]`).Text(); link != "What was sent, over time" {
		t.Errorf("the record's page leads there by %q", link)
	}
}

func TestWhatWasHeldOnADay(t *testing.T) {
	const versionsAt = companyAt + "/versions"
	w := newEnv(t)
	w.answer("GET "+companyAt, aCompany())
	held := &v1.Held{At: clockNow(), TimeZone: "Europe/Berlin", State: v1.HeldVersion, Detail: "Channel Program held version 2: it took it on 21 November."}
	w.answer("GET "+versionsAt, v1.VersionPage{Items: theVersions()[1:], Held: held})
	a := w.get(versionsAt + "?on=2026-11-21")
	for selector, want := range map[string]string{
		"#held h2":                    "What Channel Program held on 2026-11-21",
		"#held p":                     "Channel Program held version 2: it took it on 21 November. Times are in the zone Europe/Berlin.",
		"#held tbody tr:nth-child(1)": "NameNorthwind",
	} {
		if got := a.text(selector); len(got) == 0 || got[:min(len(got), len(want))] != want {
			t.Errorf("%s: got %q, want %q", selector, got, want)
		}
	}
	if on := a.doc.Find("#on").AttrOr("value", ""); on != "2026-11-21" {
		t.Errorf("the field says %q", on)
	}
	w.answer("GET "+versionsAt, v1.VersionPage{Held: &v1.Held{State: v1.HeldNothing, Detail: "Nothing of it had been sent yet."}})
	if a = w.get(versionsAt + "?on=2020-01-01"); a.doc.Find("#held table").Length() != 0 || a.text("#held strong") != "Nothing of it had been sent yet." {
		t.Errorf("got %s", a.html)
	}
}

func TestADayThatCannotBeAnswered(t *testing.T) {
	const versionsAt = companyAt + "/versions"
	w := newEnv(t)
	w.answer("GET "+companyAt, aCompany())
	w.answer("GET "+versionsAt+"?limit=25", v1.VersionPage{Items: theVersions()})
	w.answer("GET "+versionsAt+"?at=2099-01-01", v1.Invalid("The query of the request is not valid."))
	a := w.get(versionsAt + "?on=2099-01-01")
	if a.StatusCode != 200 || a.text("#on-error") != "Enter a day that has passed, such as 2026-11-23." || a.doc.Find("#held").Length() != 0 || a.doc.Find("tbody tr").Length() != 2 {
		t.Errorf("%d: %s", a.StatusCode, a.html)
	}
}

func TestTwoVersionsSideBySide(t *testing.T) {
	const versionsAt = companyAt + "/versions"
	w := newEnv(t)
	w.answer("GET "+companyAt, aCompany())
	w.answer("GET "+versionsAt, v1.VersionPage{Items: theVersions()})
	first := theVersions()[1]
	first.Number, first.Projection = 1, json.RawMessage(`{"name":"North","websites":[{"value":"north.example"}]}`)
	w.answer("GET "+versionsAt+"?cursor=2&limit=1", v1.VersionPage{Items: []v1.Version{first}})
	w.answer("GET "+versionsAt+"?cursor=4&limit=1", v1.VersionPage{Items: theVersions()[:1]})
	a := w.get(versionsAt + "?old=3&new=1") // in whatever order they are chosen
	for selector, want := range map[string]string{
		"#compared h2":                    "Version 1 beside version 3",
		"#compared tbody tr:nth-child(1)": "Name North Northwind",
		"#compared tbody tr:nth-child(2)": "Phone number nothing 518-555-0100",
		"#compared tbody tr:nth-child(3)": "Website north.example nothing",
	} {
		if got := a.text(selector); got != want {
			t.Errorf("%s: got %q, want %q", selector, got, want)
		}
	}
	if a.doc.Find(`input[name=old][value="1"]`).Length() != 0 || a.doc.Find("#compared del").Length() != 2 || a.doc.Find("#compared ins").Length() != 2 {
		t.Errorf("what differs is not shown as that: %s", a.html)
	}
}

// What was missing to compare two versions was not said, and one that is not kept ended in a page without the list.
func TestWhatIsMissingToCompareIsSaid(t *testing.T) {
	const versionsAt = companyAt + "/versions"
	w := newEnv(t)
	w.answer("GET "+companyAt, aCompany())
	w.answer("GET "+versionsAt, v1.VersionPage{Items: theVersions()})
	w.answer("GET "+versionsAt+"?cursor=4&limit=1", v1.VersionPage{Items: theVersions()[:1]})
	w.answer("GET "+versionsAt+"?cursor=10&limit=1", v1.VersionPage{Items: theVersions()[:1]})
	for query, one := range map[string]struct{ says, left, right string }{
		"old=3":         {"Only version 3 is chosen. Choose another one to compare it with, on the other side.", "3", ""},
		"new=2":         {"Only version 2 is chosen. Choose another one to compare it with, on the other side.", "", "2"},
		"old=x&new=3":   {"Only version 3 is chosen. Choose another one to compare it with, on the other side.", "", "3"},
		"old=&new=":     {"Choose two versions to compare: one on the left and one on the right.", "", ""},
		"old=-1&new=0":  {"Choose two versions to compare: one on the left and one on the right.", "", ""},
		"old=3&new=3":   {"Version 3 is chosen on both sides. Choose another one on one of them.", "3", "3"},
		"old=3&new=9":   {"There is no version 9 of it, or it is no longer kept. Choose two that are listed.", "3", ""},
		"old=3&new=002": {"", "2", "3"},
	} {
		w.answer("GET "+versionsAt+"?cursor=3&limit=1", v1.VersionPage{Items: theVersions()[1:]})
		a := w.get(versionsAt + "?" + query)
		checked := func(radio string) string {
			return a.doc.Find("input[name="+radio+"][checked]").AttrOr("value", "")
		}
		if a.StatusCode != 200 || a.text("#compared[role=alert]") != one.says || a.doc.Find("tbody tr td.when").Length() != 2 {
			t.Errorf("%s: %d %q", query, a.StatusCode, a.text("#compared"))
		}
		if checked("old") != one.left || checked("new") != one.right {
			t.Errorf("%s: checked are %q and %q", query, checked("old"), checked("new"))
		}
	}
}

// A page behind the oldest version said that nothing was sent.
func TestVersionsBehindTheOldest(t *testing.T) {
	const versionsAt = companyAt + "/versions"
	w := newEnv(t)
	w.answer("GET "+companyAt, aCompany())
	w.answer("GET "+versionsAt, v1.VersionPage{Items: []v1.Version{}, KnownSince: clockNow()})
	a := w.get(versionsAt + "?cursor=1")
	if a.text(".empty h2") != "There are no older versions" || a.doc.Find(".empty a").AttrOr("href", "") != versionsAt {
		t.Errorf("got %s", a.text("main"))
	}
	if a = w.get(versionsAt); a.text(".empty h2") != "Nothing was sent" || !strings.Contains(a.text(".empty p"), "Records are kept here since 2026-11-23 ") {
		t.Errorf("of none: %s", a.text("main"))
	}
	w.answer("GET "+versionsAt, v1.VersionPage{Items: theVersions()[:1], NextCursor: new("3")})
	a = w.get(versionsAt + "?cursor=4")
	if a.doc.Find("input[type=radio]").Length() != 0 || a.doc.Find("form button").FilterFunction(func(_ int, s *goquery.Selection) bool { return s.Text() == "Compare" }).Length() != 0 {
		t.Error("one version is to be compared with itself")
	}
	w.answer("GET "+versionsAt, v1.VersionPage{Items: theVersions(), NextCursor: new("2")})
	if a = w.get(versionsAt + "?cursor=4"); a.doc.Find("input[name=cursor]").AttrOr("value", "") != "4" {
		t.Error("comparing leaves the page")
	}
}

// A record that is not known here was answered with a sentence for the command line.
func TestVersionsOfARecordThatWasNeverSeen(t *testing.T) {
	w := newEnv(t)
	w.answer("GET "+companyAt, v1.NotFound("no company 29683580 has been seen yet"))
	a := w.get(companyAt + "/versions")
	if a.StatusCode != 200 || a.text("h1") != "What was sent of Client 29683580" || a.text(".empty h2") != "This record has not been seen here yet" ||
		a.doc.Find(".empty a").AttrOr("href", "") != companyAt+"?explain=1#explain" || a.doc.Find("#on").Length() != 0 {
		t.Errorf("%d: %s", a.StatusCode, a.text("main"))
	}
	if a := w.get(recordsAt + "/company/x/versions"); a.StatusCode != 404 {
		t.Errorf("of no record: %d", a.StatusCode)
	}
}

// What somebody had edited of what was held then was not shown.
func TestWhatSomebodyHadEditedOnADay(t *testing.T) {
	const versionsAt = companyAt + "/versions"
	w := newEnv(t)
	w.answer("GET "+companyAt, aCompany())
	edit := &v1.HeldEdit{Since: clockNow().Add(-time.Hour), Fields: []v1.DriftField{{Field: "name", Theirs: new("Mine"), Due: "Northwind"}, {Field: "websites"}, {Field: "address.city", Theirs: new(""), Due: "Troy"}}}
	held := &v1.Held{At: clockNow(), TimeZone: "Europe/Berlin", State: v1.HeldVersion, Detail: "Channel Program held version 2.", Edited: edit}
	w.answer("GET "+versionsAt, v1.VersionPage{Items: theVersions()[1:], Held: held})
	a := w.get(versionsAt + "?on=2026-11-21")
	for selector, want := range map[string]string{
		"#held li:nth-child(1)": "Name: Mine instead of Northwind", "#held li:nth-child(2)": "Website: overwritten before it was read",
		"#held li:nth-child(3)": "City: nothing instead of Troy", "#held thead th:nth-child(2)": "As it was sent",
	} {
		if got := a.text(selector); got != want {
			t.Errorf("%s: got %q, want %q", selector, got, want)
		}
	}
	edit.Since = clockNow().Add(time.Hour) // seen later: whether it was there is not known
	if a = w.get(versionsAt + "?on=2026-11-21"); a.text("#held thead th:nth-child(2)") != "Value" || a.doc.Find("#held li").Length() != 3 {
		t.Errorf("got %s", a.text("#held"))
	}
}

func TestVersionsAreExported(t *testing.T) {
	const versionsAt = companyAt + "/versions"
	w := newEnv(t)
	w.answer("GET "+companyAt, aCompany())
	w.answer("GET "+versionsAt, v1.VersionPage{Items: theVersions()})
	link, _ := w.get(versionsAt + "?cursor=4").doc.Find("p.exports a").First().Attr("href")
	if want := versionsAt + "/export?format=csv-spreadsheet"; link != want {
		t.Fatalf("the link is %q", link)
	}
	if a := w.get(link); a.StatusCode != 200 {
		t.Errorf("%d %s", a.StatusCode, a.html)
	}
	if reads := w.reads(versionsAt); reads[len(reads)-1] != "?format=csv-spreadsheet" {
		t.Errorf("asked %q", reads)
	}
}
