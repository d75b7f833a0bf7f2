package browser

import (
	"errors"
	"os"
	"strconv"
	"sync"
	"testing"
	"time"

	v1 "channelsync/api/v1"
	"channelsync/test/browser/chrome"
	"channelsync/test/harness"
	"channelsync/test/harness/service"
	atsim "channelsync/test/sim/autotask/sim"
	cpsim "channelsync/test/sim/channelprogram/sim"
)

// soon is how long anything may take that a user would call immediate; generous,
// since tests share their machine.
const soon = 60 * time.Second

// browser is the one that all tests open their tabs in: it takes longer to start
// than a product does.
var browser = sync.OnceValues(chrome.Start)

// closing ends the browser after the last test, before leaks are looked for.
type closing struct{ *testing.M }

func (c closing) Run() int {
	code := c.M.Run()
	if b, err := browser(); err == nil {
		if err := b.Close(); err != nil {
			panic(err)
		}
	}
	return code
}

func TestMain(m *testing.M) {
	harness.Parallel(4)
	harness.Main(closing{m})
}

// tab opens a tab at the console of a harness. Without Chromium the test is
// skipped, but never where everything must hold.
func tab(t *testing.T, w *service.Harness, o chrome.Options) *chrome.Page {
	t.Helper()
	b, err := browser()
	switch {
	case errors.Is(err, chrome.ErrNone) && os.Getenv("CI") != "true":
		t.Skip("NOT TESTED: ", err)
	case err != nil:
		t.Fatal(err)
	}
	o.Base = w.AdminURL
	return b.Page(t, o)
}

// company puts an active customer and returns its id.
func company(w *service.Harness, name string) int64 {
	return w.Autotask.Put("Companies", atsim.Row{
		"companyName": name, "companyType": 1, "isActive": true, "phone": "518-555-0100",
	})
}

// agreement puts a fixed price contract of a company and returns its id.
func agreement(w *service.Harness, company int64, name string) int64 {
	now := time.Now()
	return w.Autotask.Put("Contracts", atsim.Row{
		"companyID": company, "contractName": name, "contractType": 3, "status": 1, "estimatedCost": 1250,
		"startDate": now, "endDate": now.AddDate(1, 0, 0),
	})
}

// edit changes a row at Autotask as a person would.
func edit(w *service.Harness, entity string, id int64, fields atsim.Row) {
	w.T.Helper()
	if err := w.Autotask.Edit(entity, id, fields); err != nil {
		w.T.Fatal(err)
	}
}

// settled waits until nothing is on its way any more.
func settled(w *service.Harness, id string) {
	w.T.Helper()
	w.DeliverAll(60 * time.Second)
	w.Until(id, "is at rest", 30*time.Second, func(in v1.Installation) bool { return in.Backlog == 0 && len(in.Jobs) == 0 })
}

// logIn logs in as a person does.
func logIn(p *chrome.Page) {
	p.T.Helper()
	p.Open("/login")
	p.Fill("Admin token", service.AdminToken)
	p.Press("Log in")
	p.At("/")
}

// at is the path of a page of an installation.
func at(in v1.Installation, page string) string { return "/installations/" + in.ID + page }

// text is an id as people enter it.
func text(id int64) string { return strconv.FormatInt(id, 10) }

// named wants a client's name.
func named(name string) func(cpsim.ClientInput) bool {
	return func(c cpsim.ClientInput) bool { return c.Name == name }
}
