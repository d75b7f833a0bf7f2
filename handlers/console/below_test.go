package console

import (
	"net/http"
	"net/http/cookiejar"
	"net/http/httptest"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/PuerkitoBio/goquery"

	"channelsync/handlers/internal/forwarded"
)

const apart = "/integrations/autotask"

// TestLinksStayBelowThePath: on every page that a link leads to, by whatever a browser follows or loads.
func TestLinksStayBelowThePath(t *testing.T) {
	w := newEnvAt(t, "https://apps.example"+apart)
	todo, seen := []string{"/", "/login", "/nothing", "/install"}, map[string]bool{}
	for len(todo) > 0 {
		path := todo[0]
		todo = todo[1:]
		if seen[path] {
			continue
		}
		seen[path] = true
		a := w.get(path)
		if to := a.Header.Get("Location"); to != "" && !strings.HasPrefix(to, apart+"/") {
			t.Errorf("%s leads to %s", path, to)
		}
		a.doc.Find("*").Each(func(_ int, s *goquery.Selection) {
			for _, attr := range s.Nodes[0].Attr {
				if !strings.HasPrefix(attr.Val, "/") || attr.Key == "value" || s.Nodes[0].Data == "path" { // of a form, taken as a path of the console; a drawing
					continue
				}
				below, ok := strings.CutPrefix(attr.Val, apart)
				if !ok || !strings.HasPrefix(below, "/") {
					t.Errorf("%s: <%s %s=%q> escapes", path, s.Nodes[0].Data, attr.Key, attr.Val)
				}
				if attr.Key == "href" {
					todo = append(todo, below)
				}
			}
		})
	}
	if len(seen) < 15 {
		t.Errorf("only %d pages were seen: %v", len(seen), seen)
	}
}

// TestOnlyOnePlaceRedirects, since it knows the path of --admin-url.
func TestOnlyOnePlaceRedirects(t *testing.T) {
	files, err := filepath.Glob("*.go")
	if err != nil || len(files) < 20 {
		t.Fatal(files, err)
	}
	for _, file := range files {
		text, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		// The issuer of people.go is another site.
		if n := strings.Count(string(text), "http.Redirect("); n > 0 && !strings.HasSuffix(file, "_test.go") && file != "below.go" && (file != "people.go" || n > 1) {
			t.Errorf("%s calls http.Redirect: redirect of below.go puts the path before it", file)
		}
	}
}

// TestTheScriptsHaveNoPaths of their own: what they ask for is named by the page.
func TestTheScriptsHaveNoPaths(t *testing.T) {
	for _, file := range []string{"assets/app.js", "assets/app.css"} {
		text, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		for _, start := range []string{`"/`, "`/", "'/", "(/"} {
			for at, line := range strings.Split(string(text), "\n") {
				if strings.Contains(strings.ReplaceAll(line, `event.key !== "/"`, ""), start) && !strings.Contains(line, "replace(/") {
					t.Errorf("%s:%d: %s", file, at+1, line)
				}
			}
		}
	}
}

// TestCookiesStayBelowThePath, so that the host's other programs are not sent them, and a second service there is not in the way.
func TestCookiesStayBelowThePath(t *testing.T) {
	for _, tc := range []struct {
		url, path, name string
		tls             bool
	}{
		{"https://apps.example", "/", "__Host-channelsync_session_443", true},
		{"https://apps.example" + apart, apart, "__Secure-channelsync_session_443", true},
		{"https://apps.example:8443" + apart + "/", apart, "__Secure-channelsync_session_8443", true},
		{"http://localhost:8081" + apart, apart, "channelsync_session_8081", false},
	} {
		w := newEnvAt(t, tc.url)
		u, err := url.Parse(tc.url)
		if err != nil {
			t.Fatal(err)
		}
		r := httptest.NewRequest(http.MethodPost, "/login", strings.NewReader("token="+token+"&next=/audit"))
		r.Host = u.Host
		r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
		a := w.send(r.Clone(forwarded.With(r.Context(), forwarded.Client{TLS: tc.tls})))
		if len(a.Cookies()) != 1 {
			t.Fatalf("%s: %d cookies", tc.url, len(a.Cookies()))
		}
		c := a.Cookies()[0]
		if c.Name != tc.name || c.Path != tc.path || c.Secure != tc.tls || !c.HttpOnly || c.Domain != "" {
			t.Errorf("%s: the cookie is %+v", tc.url, c)
		}
		if to := a.Header.Get("Location"); to != strings.TrimSuffix(tc.path, "/")+"/audit" {
			t.Errorf("%s: the log-in leads to %q", tc.url, to)
		}
		again := httptest.NewRequest(http.MethodGet, "/", nil)
		again.Host = u.Host
		again.AddCookie(c)
		if a := w.send(again.Clone(forwarded.With(again.Context(), forwarded.Client{TLS: tc.tls}))); a.StatusCode != 200 {
			t.Errorf("%s: with that cookie: %d", tc.url, a.StatusCode)
		}
	}
}

// TestTheWayBackStaysBelowThePath: next and back name pages of the console, and nothing beside it on its host.
func TestTheWayBackStaysBelowThePath(t *testing.T) {
	for in, want := range map[string]string{
		"/installations/" + one + "?a=%2F..&b=//c": "/installations/" + one + "?a=%2F..&b=//c",
		"":                                 "/",
		"/":                                "/",
		"//evil.example/":                  "/",
		"///evil.example/":                 "/",
		`/\evil.example`:                   "/",
		"/\t/evil.example":                 "/",
		"https://evil.example/":            "/",
		"https:/evil.example/":             "/",
		"javascript:alert(1)":              "/",
		"/../other":                        "/",
		"/audit/../../other":               "/",
		"/audit/..":                        "/",
		"/%2e%2e/other":                    "/",
		"/%2E./other":                      "/",
		"/.%2e":                            "/",
		"/./audit":                         "/",
		"/..%2fother":                      "/",
		"/audit%2f..%2f..%2fother":         "/",
		"/%zz":                             "/",
		"/...":                             "/...",
		"/" + strings.Repeat("a", maxPath): "/",
	} {
		if got := local(in); got != want {
			t.Errorf("%q: got %q, want %q", in, got, want)
		}
	}
}

// TestTwoServicesOnOneHost do not get each other's cookies, nor does what is beside them.
func TestTwoServicesOnOneHost(t *testing.T) {
	jar, err := cookiejar.New(nil)
	if err != nil {
		t.Fatal(err)
	}
	at := func(path string) *url.URL { return &url.URL{Scheme: "https", Host: "apps.example", Path: path} }
	for _, path := range []string{apart, "/integrations/halo"} {
		w := newEnvAt(t, "https://apps.example"+path)
		r := httptest.NewRequest(http.MethodPost, "/login", strings.NewReader("token="+token))
		r.Host = "apps.example"
		r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
		a := w.send(r.Clone(forwarded.With(r.Context(), forwarded.Client{TLS: true})))
		jar.SetCookies(at(path+"/login"), a.Cookies())
	}
	for path, want := range map[string]int{
		apart: 1, apart + "/audit": 1, "/integrations/halo/": 1, apart + "2": 0, "/integrations": 0, "/": 0, "/other": 0,
	} {
		if got := jar.Cookies(at(path)); len(got) != want {
			t.Errorf("%s is sent %d cookies, want %d", path, len(got), want)
		}
	}
}

// TestASlashAtTheEndLeadsToThePage, below the path, and to no other host.
func TestASlashAtTheEndLeadsToThePage(t *testing.T) {
	for address, path := range map[string]string{"": "", "https://apps.example" + apart: apart} {
		w := newEnvAt(t, address)
		for from, to := range map[string]string{
			"/login/": "/login", "/installations/" + one + "/": "/installations/" + one, "/audit//?cursor=c%261": "/audit?cursor=c%261",
			"//evil.example/": "/", "/./": "/", "///": "/",
		} {
			r := httptest.NewRequest(http.MethodGet, "/", nil)
			u, err := url.Parse("http://console.example" + from)
			if err != nil {
				t.Fatal(err)
			}
			r.URL.Path, r.URL.RawPath, r.URL.RawQuery = u.Path, u.RawPath, u.RawQuery
			if a := w.send(r); a.StatusCode != http.StatusPermanentRedirect || a.Header.Get("Location") != path+to {
				t.Errorf("%s: %d to %q, want %q", from, a.StatusCode, a.Header.Get("Location"), path+to)
			}
		}
		if a := w.send(httptest.NewRequest(http.MethodPost, "/login/", nil)); a.StatusCode == http.StatusPermanentRedirect {
			t.Error("a POST is sent on")
		}
	}
}
