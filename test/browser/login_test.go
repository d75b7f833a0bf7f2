package browser

import (
	"strings"
	"testing"

	"channelsync/test/browser/chrome"
	"channelsync/test/browser/tour"
	"channelsync/test/harness/service"
)

func TestLogIn(t *testing.T) {
	t.Parallel()
	w := tour.Start(t)
	for name, o := range map[string]chrome.Options{"scripts": {}, "no scripts": {NoScript: true}} {
		t.Run(name, func(t *testing.T) {
			p := tab(t, w, o)
			p.Open("/?q=dental")
			p.At("/login")
			focused(t, p, "Access token")
			p.Fill("Access token", "a-wrong-token-of-somebody")
			p.Press("Log in")
			p.See("This token is not valid.")
			if p.Status() != 401 {
				t.Errorf("status %d, want 401", p.Status())
			}
			if html := chrome.Eval[string](p, "document.documentElement.outerHTML"); strings.Contains(html, "a-wrong-token-of-somebody") {
				t.Error("the page repeats the token that was entered")
			}
			p.Fill("Access token", "  "+service.AdminToken+" ") // pasted with its surroundings
			p.Press("Log in")
			p.At("/")
			p.Press("Log out")
			p.At("/login")
			p.Open("/")
			p.At("/login")
		})
	}
}
