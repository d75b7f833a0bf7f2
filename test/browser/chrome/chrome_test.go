package chrome

import (
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"path"
	"strings"
	"testing"

	"channelsync/test/harness"
)

func TestMain(m *testing.M) { harness.Main(m) }

// site serves pages by path, with a policy as the console's.
func site(t *testing.T, pages map[string]string) string {
	t.Helper()
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, ok := pages[r.URL.Path]
		if !ok {
			http.NotFound(w, r)
			return
		}
		w.Header().Set("Content-Security-Policy", "default-src 'self'; img-src data:")
		if kind, ok := map[string]string{".js": "text/javascript", ".css": "text/css"}[path.Ext(r.URL.Path)]; ok {
			w.Header().Set("Content-Type", kind)
			fmt.Fprint(w, body)
			return
		}
		w.Header().Set("Content-Type", "text/html; charset=utf-8")
		if r.URL.Path == "/refused" {
			w.WriteHeader(http.StatusUnprocessableEntity)
		}
		fmt.Fprintf(w, `<!doctype html><html lang="en"><title>A page</title><link rel="icon" href="data:,">%s`, body)
	}))
	t.Cleanup(s.Close)
	return s.URL
}

func begin(t *testing.T) *Browser {
	t.Helper()
	b, err := Start()
	switch {
	case errors.Is(err, ErrNone) && os.Getenv("CI") != "true":
		t.Skip("NOT TESTED: ", err)
	case err != nil:
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := b.Close(); err != nil {
			t.Error(err)
		}
	})
	return b
}

// TestComplaints: what must fail a test on any page is noticed.
func TestComplaints(t *testing.T) {
	base := site(t, map[string]string{
		"/fine":      `<p>Fine</p>`,
		"/refused":   `<p>Refused</p>`,
		"/inline":    `<script>document.title = "run"</script>`,
		"/style":     `<p style="color: red">Red</p>`,
		"/thrown":    `<script src="/throws.js"></script>`,
		"/throws.js": `throw new Error("on purpose")`,
		"/said":      `<script src="/says.js"></script>`,
		"/says.js":   `console.error("on purpose")`,
		"/dialog":    `<script src="/alerts.js"></script>`,
		"/alerts.js": `alert("on purpose")`,
		"/missing":   `<script src="/nowhere.js"></script>`,
	})
	b := begin(t)
	for path, want := range map[string]string{
		"/fine": "", "/refused": "", "/inline": "Content Security Policy", "/style": "Content Security Policy", "/thrown": "on purpose",
		"/said": "on purpose", "/dialog": "a dialog opened: on purpose", "/missing": "404",
	} {
		t.Run(path, func(t *testing.T) {
			p := b.Page(t, Options{Base: base})
			p.Open(path)
			got := strings.Join(p.Complaints(), "\n")
			if (want == "") != (got == "") || !strings.Contains(got, want) {
				t.Errorf("complaints %q, want %q in them", got, want)
			}
		})
	}
}

// TestActs goes through what a person can do, with scripts and without.
func TestActs(t *testing.T) {
	base := site(t, map[string]string{
		"/": `<h1>A form</h1><form action="/next"><label for="n">Name</label><input id="n" name="n" value="old">
			<label for="s">Kind</label><select id="s" name="s"><option value="1">One</option><option value="2">Two</option></select>
			<section aria-label="First"><button>Go</button></section><section aria-label="Second"><a href="/other">Go</a><button>Go</button></section></form>
			<details><summary>More</summary><p>Unfolded</p></details>`,
		"/next": `<h1>Next</h1><a href="/">Back</a>`, "/other": `<h1>Other</h1>`,
	})
	b := begin(t)
	for name, noScript := range map[string]bool{"scripts": false, "no scripts": true} {
		t.Run(name, func(t *testing.T) {
			p := b.Page(t, Options{Base: base, NoScript: noScript, Width: 375})
			p.Open("/")
			p.See("A form")
			p.SeeNot("Unfolded")
			p.Click("More")
			p.See("Unfolded")
			p.Fill("Name", "new & <other>")
			p.Choose("Kind", "Two")
			if got := p.Value("Name") + p.Value("Kind"); got != "new & <other>2" {
				t.Errorf("the form holds %q", got)
			}
			p.In("Second").Press("Go")
			p.At("/next")
			if got := p.Path(); got != "/next?n=new+%26+%3Cother%3E&s=2" {
				t.Errorf("the form led to %q", got)
			}
			if p.Status() != http.StatusOK || p.Header("Content-Type") == "" {
				t.Errorf("status %d, header %q", p.Status(), p.Header("Content-Type"))
			}
			p.Follow("Back")
			p.Follow("Go")
			p.See("Other")
			if png := p.Screenshot(); !strings.HasPrefix(string(png), "\x89PNG") {
				t.Errorf("a picture begins %.8q", png)
			}
			if p.Has("link", "Back") {
				t.Error("a link of another page is still there")
			}
		})
	}
}

// TestCovered: a person does not click what something lies over; once it is gone
// they do. What was waited for meanwhile leaves nothing behind, or goleak says so.
func TestCovered(t *testing.T) {
	base := site(t, map[string]string{
		"/": `<link rel="stylesheet" href="/cover.css"><script src="/uncover.js" defer></script>
			<form action="/next"><button>Go</button></form><div id="cover"></div>`,
		"/cover.css":  `#cover { position: fixed; inset: 0; }`,
		"/uncover.js": `setTimeout(() => document.getElementById("cover").remove(), 500);`,
		"/next":       `<h1>Next</h1>`,
	})
	p := begin(t).Page(t, Options{Base: base})
	p.Open("/")
	p.Press("Go")
	p.See("Next")
}
