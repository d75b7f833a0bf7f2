package browser

import (
	_ "embed"
	"fmt"
	"strings"
	"sync"
	"testing"

	"github.com/chromedp/chromedp/kb"

	"channelsync/test/browser/chrome"
)

//go:embed testdata/axe/axe.min.js
var axe string

//go:embed testdata/holds.js
var holds string

// violation is what axe-core has against a page.
type violation struct {
	ID, Impact, Help string
	Nodes            []struct {
		HTML           string
		FailureSummary string
	}
}

func (v violation) String() string {
	var b strings.Builder
	fmt.Fprintf(&b, "%s (%s): %s", v.ID, v.Impact, v.Help)
	for _, n := range v.Nodes {
		fmt.Fprintf(&b, "\n    %.300s\n      %s", n.HTML, strings.ReplaceAll(n.FailureSummary, "\n", "\n      "))
	}
	return b.String()
}

// The windows that every page is looked at in, in CSS pixels.
const (
	desk  = 1440
	phone = 360
	least = 320 // WCAG 1.4.10: 1280 pixels at 400 %
)

// shapes are the kinds of elements that were looked at in every way.
var shapes sync.Map

// unseen says whether a page has an element of a kind that no page before had: if not, its layout has been looked at.
func unseen(p *chrome.Page) (found bool) {
	for _, shape := range chrome.Eval[[]string](p, `holds.shapes()`) {
		if _, seen := shapes.LoadOrStore(shape, true); !seen {
			found = true
		}
	}
	return found
}

// everythingHolds holds a page against what must be true of all. What depends on the layout is looked at in the others
// only where there is something that no page before had: axe-core takes longest.
func everythingHolds(t *testing.T, stop string, p *chrome.Page) {
	t.Helper()
	headersHold(t, stop, p)
	headingsHold(t, stop, p)
	if !chrome.Eval[bool](p, `!!window.axe`) {
		chrome.Eval[int](p, axe+"; 0")
	}
	chrome.Eval[int](p, holds+"; 0")
	said(t, stop, p, `holds.focus()`)
	for _, width := range []int{least, phone} {
		p.Resize(width)
		said(t, fmt.Sprintf("%s at %d px", stop, width), p, `holds.width()`)
	}
	p.Zoom(200)
	said(t, stop+" at 200 %", p, `holds.width()`)
	p.Resize(desk)
	accessible(t, stop+" on a desk", p, false)
	if !unseen(p) {
		return
	}
	keyboardHolds(t, stop, p)
	said(t, stop+" with twice the text", p, `holds.largeText()`)
	p.Dark(true)
	accessible(t, stop+" in the dark", p, true)
	p.Media("", "forced-colors", "active", "prefers-reduced-motion", "reduce")
	said(t, stop+" with forced colours, without motion", p, `holds.forced()`)
	p.Media("print")
	said(t, stop+" on paper", p, `holds.print()`)
	p.Dark(false)
	p.Resize(phone)
	accessible(t, stop+" on a phone", p, false)
	p.Resize(desk)
}

// said wants nothing from a script that lists what is wrong.
func said(t *testing.T, where string, p *chrome.Page, script string) {
	t.Helper()
	for _, wrong := range chrome.Eval[[]string](p, script) {
		t.Errorf("%s: %s", where, wrong)
	}
}

// accessible runs axe-core with all its rules and that of the targets' size, or with those of
// colours alone. What the protocol evaluates is not subject to the page's content security policy.
func accessible(t *testing.T, where string, p *chrome.Page, colours bool) {
	t.Helper()
	options := `{resultTypes: ["violations"], rules: {"target-size": {enabled: true}}}`
	if colours {
		options = `{resultTypes: ["violations"], runOnly: ["cat.color"]}`
	}
	for _, v := range chrome.Eval[[]violation](p, "axe.run(document, "+options+").then((r) => r.violations)") {
		t.Errorf("%s: %s", where, v)
	}
}

// keyboardHolds presses Tab from the top of the page to its end: everything that can be
// operated is met, is operated by the keys that people know, and shows that it has the focus.
func keyboardHolds(t *testing.T, stop string, p *chrome.Page) {
	t.Helper()
	if n := chrome.Eval[int](p, `holds.beginTabs()`); n > 0 {
		p.Keys(strings.Repeat(kb.Tab, n))
	}
	said(t, stop+" by keyboard", p, `holds.endTabs()`)
}

// headingsHold wants headings in order: one of the first level, none left out.
func headingsHold(t *testing.T, stop string, p *chrome.Page) {
	t.Helper()
	levels := chrome.Eval[[]int](p, `[...document.querySelectorAll("h1,h2,h3,h4,h5,h6")].filter((h) => h.checkVisibility()).map((h) => +h.tagName[1])`)
	first, before := 0, 0
	for _, level := range levels {
		if level == 1 {
			first++
		}
		if level > before+1 {
			t.Errorf("%s: a heading of level %d follows one of level %d", stop, level, before)
		}
		before = level
	}
	if first != 1 {
		t.Errorf("%s: %d headings of the first level", stop, first)
	}
}

func headersHold(t *testing.T, stop string, p *chrome.Page) {
	t.Helper()
	for name, want := range map[string]string{
		"x-content-type-options": "nosniff", "x-frame-options": "DENY", "referrer-policy": "same-origin", "cache-control": "no-store",
		"cross-origin-opener-policy": "same-origin", "cross-origin-resource-policy": "same-origin", "content-type": "text/html; charset=utf-8",
	} {
		if got := p.Header(name); got != want {
			t.Errorf("%s: %s is %q, want %q", stop, name, got, want)
		}
	}
	policy := p.Header("content-security-policy")
	for _, want := range []string{"default-src 'none'", "script-src 'self'", "frame-ancestors 'none'", "form-action 'self'", "base-uri 'none'"} {
		if !strings.Contains(policy, want) {
			t.Errorf("%s: the policy %q lacks %s", stop, policy, want)
		}
	}
	if strings.Contains(policy, "unsafe") {
		t.Errorf("%s: the policy %q allows what is unsafe", stop, policy)
	}
}
