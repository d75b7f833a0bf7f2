package browser

import (
	"fmt"
	"testing"

	"github.com/chromedp/chromedp"
	"github.com/chromedp/chromedp/kb"

	v1 "channelsync/api/v1"
	"channelsync/test/browser/chrome"
	"channelsync/test/browser/tour"
	"channelsync/test/harness/service"
	atsim "channelsync/test/sim/autotask/sim"
)

// mostTabs is how many stops of the Tab key a page may have before its main
// control: more, and the keyboard is a punishment.
const mostTabs = 40

// keyboard is a person without a mouse.
type keyboard struct {
	*chrome.Page
	t *testing.T
}

// tabTo presses Tab until the focus is on what has that name, and wants it to be
// seen at every stop of the way.
func (k keyboard) tabTo(role, name string) {
	k.t.Helper()
	var way []string
	for range mostTabs {
		k.Keys(kb.Tab)
		atRole, atName := k.Focus()
		way = append(way, fmt.Sprintf("%s %q", atRole, atName))
		if atRole != "RootWebArea" && !chrome.Eval[bool](k.Page, focusSeen) {
			k.t.Errorf("the focus is not to be seen on the %s %q", atRole, atName)
		}
		if atRole == role && atName == name {
			return
		}
	}
	k.t.Fatalf("no way by Tab to the %s %q: %v", role, name, way)
}

// focusSeen says whether what has the focus is in the window and outlined.
const focusSeen = `(() => {
	const e = document.activeElement, s = getComputedStyle(e), r = e.getBoundingClientRect();
	return s.outlineStyle !== "none" && parseFloat(s.outlineWidth) >= 2 && r.width > 0 && r.height > 0 &&
		r.bottom > 0 && r.top < innerHeight && r.right > 0 && r.left < innerWidth;
})()`

func (k keyboard) enter(label, text string) {
	k.t.Helper()
	k.tabTo("textbox", label)
	k.Keys(text)
}

// TestWizardByKeyboard installs with nothing but keys.
func TestWizardByKeyboard(t *testing.T) {
	t.Parallel()
	w := tour.Start(t)
	tour.Realistic(w, 5)
	k := keyboard{tab(t, w, chrome.Options{}), t}
	k.Open("/")
	focused(t, k.Page, "Access token")
	k.Keys(service.AdminToken)
	k.KeysLeave(kb.Enter)

	k.Keys(kb.Tab)
	if role, name := k.Focus(); role != "link" || name != "Skip to the content" {
		t.Errorf("the first stop is the %s %q, want the link past the navigation", role, name)
	}
	k.Keys(kb.Enter)
	k.tabTo("link", "Install")
	k.KeysLeave(kb.Enter)

	k.tabTo("checkbox", "Active Customers")
	if !chrome.Eval[bool](k.Page, "document.activeElement.checked") {
		k.Keys(" ")
	}
	k.tabTo("checkbox", "Active Customer Contracts")
	k.Keys(" ")
	k.Keys(" ")
	k.Keys(kb.Tab, chromedp.ModifierShift)
	if _, name := k.Focus(); name != "Active Customers" {
		t.Errorf("Shift+Tab leads to %q, want back to Active Customers", name)
	}
	k.enter("Name of this installation", "Harbor Point IT")
	k.enter("Username (key)", service.Username)
	k.enter("Password (secret)", service.Secret)
	k.enter("API tracking identifier", service.TrackingID)
	k.enter("Connection id", service.Connection)
	k.enter("Connection token", service.Token)
	k.tabTo("button", "Check the connections")
	k.KeysLeave(" ")
	k.See("Check and preview", "will sync,")
	k.tabTo("button", "Start the first sync")
	k.KeysLeave(kb.Enter)
	k.See("in Channel Program. ")
	finished(t, w)
	k.tabTo("link", "Go to the overview")
	k.KeysLeave(kb.Enter)
	k.See("Last 24 hours")
}

// TestCompanyIsLeftOutByKeyboard: the key Enter finds where companies are looked for, and previews in every other field.
func TestCompanyIsLeftOutByKeyboard(t *testing.T) {
	t.Parallel()
	w, id, in, p := begin(t)
	k := keyboard{p, t}
	k.Open(at(in, "/settings#options"))
	k.Click("Filters: contract types, categories, classifications, companies")
	k.enter("Part of the name, or id", "northw")
	k.KeysLeave(kb.Enter)
	k.tabTo("checkbox", "Never Northwind Dental, "+service.Text(id))
	k.Keys(" ")
	k.tabTo("button", "Show what would change")
	k.KeysLeave(kb.Enter)
	k.See("Would leave", "Northwind Dental")
	k.tabTo("button", "Change the options")
	k.KeysLeave(" ")
	w.RecordBecomes(in.ID, v1.KindCompany, id, soon, func(r v1.RecordDetail) bool { return r.Outcome == v1.OutcomeNotMet })
	k.Open(at(in, "/settings#options"))
	k.Fill("Currency", "EUR")
	k.KeysLeave(kb.Enter)
	k.See("What the new options would change")
}

// TestSearchByKeyboard finds a record from its list with the key /, as people type.
func TestSearchByKeyboard(t *testing.T) {
	t.Parallel()
	w := tour.Start(t)
	w.Company("Northwind Dental")
	id := w.Autotask.Put("Companies", atsim.Row{"companyName": "Café Søn & O’Brien", "companyType": 1, "isActive": true, "phone": "+1 (518) 555-0142"})
	in := w.Install()
	w.Quiesce(in.ID)
	k := keyboard{tab(t, w, chrome.Options{}), t}
	logIn(k.Page)
	for _, typed := range []string{"cafe son", "518.555.0142", "obrien"} {
		k.Open(at(in, "/records"))
		k.Keys("/")
		if _, name := k.Focus(); name != "Name, phone, e-mail, address or id" {
			t.Fatalf("the key / leads to %q, want the search", name)
		}
		k.Keys(typed)
		k.KeysLeave(kb.Enter)
		k.See("1 record found", "Café Søn & O’Brien")
	}
	k.Follow("Café Søn & O’Brien")
	k.See(service.Text(id))
}
