package browser

import (
	_ "embed"
	"fmt"
	"strings"
	"testing"

	"channelsync/test/browser/chrome"
	"channelsync/test/browser/tour"
)

//go:embed testdata/axe/axe.min.js
var axe string

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

// TestEveryPage walks a realistic tenant and holds every page in every state
// against what must be true of all: axe-core finds nothing, in light and dark, on
// a phone and a desk; nothing scrolls sideways; the headers are there.
func TestEveryPage(t *testing.T) {
	t.Parallel()
	w := tour.Start(t)
	tenant := tour.Realistic(w, 25)
	p := tab(t, w, chrome.Options{})
	stops := 0
	tour.Walk(w, p, tenant, func(stop string, p *chrome.Page) {
		stops++
		everythingHolds(t, stop, p)
	})
	if stops < 50 {
		t.Errorf("only %d pages were seen", stops)
	}
}

// everythingHolds holds a page against what must be true of all.
func everythingHolds(t *testing.T, stop string, p *chrome.Page) {
	t.Helper()
	headersHold(t, stop, p)
	headingsHold(t, stop, p)
	for _, width := range []int{375, 1440} {
		p.Resize(width)
		if got := chrome.Eval[int](p, `document.documentElement.scrollWidth`); got > width {
			t.Errorf("%s: the page is %d px wide in a window of %d: %s", stop, got, width, chrome.Eval[string](p, widest))
		}
		for _, dark := range []bool{false, true} {
			p.Dark(dark)
			for _, v := range violations(p, dark) {
				t.Errorf("%s at %d px, dark %v: %s", stop, width, dark, v)
			}
		}
	}
	p.Dark(false)
}

// violations runs axe-core with all its rules, or with those of colours alone. What
// the protocol evaluates is not subject to the page's content security policy.
func violations(p *chrome.Page, colours bool) []violation {
	p.T.Helper()
	options := `{resultTypes: ["violations"]}`
	if colours {
		options = `{resultTypes: ["violations"], runOnly: ["cat.color"]}`
	}
	if !chrome.Eval[bool](p, `!!window.axe`) { // half a megabyte, and most pages are looked at four times
		chrome.Eval[int](p, axe+"; 0")
	}
	return chrome.Eval[[]violation](p, "axe.run(document, "+options+").then((r) => r.violations)")
}

// widest names what makes a page wider than its window.
const widest = `[...document.querySelectorAll("body *")]
	.filter((e) => e.getBoundingClientRect().right > document.documentElement.clientWidth + 1)
	.map((e) => e.tagName + "." + e.className + " " + e.textContent.trim().slice(0, 40)).slice(0, 5).join(" | ")`

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
