package browser

import (
	"errors"
	"fmt"
	"os"
	"sync"
	"testing"
	"time"

	v1 "channelsync/api/v1"
	"channelsync/test/browser/chrome"
	"channelsync/test/browser/tour"
	"channelsync/test/harness"
	"channelsync/test/harness/service"
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
	if o.Base == "" {
		o.Base = w.AdminURL
	}
	return b.Page(t, o)
}

// begin starts a service that holds one company in sync, and logs in at its console.
func begin(t *testing.T) (*service.Harness, int64, v1.Installation, *chrome.Page) {
	t.Helper()
	w := tour.Start(t)
	id := w.Company("Northwind Dental")
	in := w.Install()
	w.Quiesce(in.ID)
	p := tab(t, w, chrome.Options{})
	logIn(p)
	return w, id, in, p
}

// logIn logs in as a person does.
func logIn(p *chrome.Page) {
	p.T.Helper()
	p.Open("/login")
	p.Fill("Access token", service.AdminToken)
	p.Press("Log in")
	p.At("/")
}

// at is the path of a page of an installation.
func at(in v1.Installation, page string) string { return "/installations/" + in.ID + page }

// focused wants a page that was opened to have the focus in a field, which comes with its first frame.
func focused(t *testing.T, p *chrome.Page, label string) {
	t.Helper()
	harness.Eventually(t, "the focus to be in "+label, soon, func() error {
		if role, name := p.Focus(); role != "textbox" || name != label {
			return fmt.Errorf("it is on the %s %q", role, name)
		}
		return nil
	})
}
