package lifecycle

import (
	"bufio"
	"net/http"
	"net/http/cookiejar"
	"net/url"
	"regexp"
	"strings"
	"testing"

	"channelsync/api/client"
	v1 "channelsync/api/v1"
	"channelsync/test/harness/service"
	atsim "channelsync/test/sim/autotask/sim"
)

// apart is the path that a proxy has the console below.
const apart = "/integrations/autotask"

// TestBelowAPathOfAnotherSite: the console, the API and the probes below a path of a host that has other things too, by a
// proxy that strips the path and by one that passes it on.
func TestBelowAPathOfAnotherSite(t *testing.T) {
	t.Parallel()
	passing, stripping := service.NewSite(t, apart, false), service.NewSite(t, apart, true)
	w := service.New(t, service.Options{Autotask: service.Unlimited(), Settings: map[string]string{"admin-url": passing.URL + "/"}})
	passing.Leads(w)
	stripping.Leads(w)
	company := w.Company("Clinic")
	in := w.Install()
	w.Quiesce(in.ID)
	for name, site := range map[string]*service.Site{"passed on": passing, "stripped": stripping} {
		t.Run(name, func(t *testing.T) {
			b := newEmbedded(t, site)
			b.logIn()
			b.crawl("/", "/nothing", "/installations/"+in.ID+"/records/company/"+service.Text(company)+"?explain=1", "/installations/"+in.ID+"/jobs/none")
			b.write(in)
			b.stream(w, in, company)
			b.program(in)
		})
	}
	// On the machine itself the path is not needed.
	for _, path := range []string{"/livez", "/readyz", "/metrics", "/login", apart + "/livez", apart + "/login"} {
		resp, err := http.Get(w.AdminURL + path) //nolint:noctx // of this machine
		if status, _ := read(t, resp, err); status != http.StatusOK {
			t.Errorf("%s: %d", path, status)
		}
	}
}

// embedded is a browser before a site that has the console below a path.
type embedded struct {
	t       *testing.T
	at      string // of the console
	browser *http.Client
}

func newEmbedded(t *testing.T, site *service.Site) *embedded {
	jar, err := cookiejar.New(nil)
	if err != nil {
		t.Fatal(err)
	}
	transport := &http.Transport{}
	t.Cleanup(transport.CloseIdleConnections)
	return &embedded{t, site.URL, &http.Client{Jar: jar, Transport: transport}}
}

// is fails when the browser was led to another page, or out of the path.
func (b *embedded) is(resp *http.Response, path string) {
	b.t.Helper()
	if got := resp.Request.URL.String(); resp.StatusCode != http.StatusOK || got != b.at+path {
		b.t.Errorf("at %s with %d, want %s", got, resp.StatusCode, b.at+path)
	}
}

func (b *embedded) post(path string, form url.Values) *http.Response {
	b.t.Helper()
	resp, err := b.browser.PostForm(b.at+path, form)
	if err != nil {
		b.t.Fatal(err)
	}
	_ = resp.Body.Close()
	return resp
}

func (b *embedded) logIn() {
	b.t.Helper()
	resp, err := b.browser.Get(b.at + "/audit?installation=")
	_, _ = read(b.t, resp, err)
	b.is(resp, "/login?next=%2Faudit%3Finstallation%3D")
	b.is(b.post("/login", url.Values{"token": {service.AdminToken}, "next": {"/audit?installation="}}), "/audit?installation=")
	for _, next := range []string{"//evil.example", "/../other", "/%2e%2e/other", "https://evil.example"} {
		b.is(b.post("/login", url.Values{"token": {service.AdminToken}, "next": {next}}), "/")
	}
	resp, err = b.browser.Get(b.at) // without a slash
	_, _ = read(b.t, resp, err)
	b.is(resp, "")
}

// crawl opens every page that a link leads to. Whatever leaves the path is an error at the site.
func (b *embedded) crawl(from ...string) {
	b.t.Helper()
	link := regexp.MustCompile(` (href|src|action|data-[a-z]+)="([^"]*)"`)
	todo, seen := from, map[string]bool{}
	for len(todo) > 0 && len(seen) < 150 {
		path := strings.ReplaceAll(todo[0], "&amp;", "&")
		todo = todo[1:]
		if seen[path] {
			continue
		}
		seen[path] = true
		resp, err := b.browser.Get(b.at + path)
		status, page := read(b.t, resp, err)
		if status != http.StatusOK && path != "/nothing" && !strings.HasSuffix(path, "/none") && !strings.HasPrefix(path, "/installations/"+nowhere) && status != http.StatusMethodNotAllowed {
			b.t.Errorf("%s: %d", path, status)
		}
		for _, l := range link.FindAllStringSubmatch(page, -1) {
			if !strings.HasPrefix(l[2], "/") {
				continue
			}
			below, ok := strings.CutPrefix(l[2], apart)
			if !ok || !strings.HasPrefix(below, "/") {
				b.t.Errorf("%s: %s escapes", path, l[0])
			} else if l[1] == "href" || l[1] == "src" {
				todo = append(todo, below)
			}
		}
	}
	if len(seen) < 20 {
		b.t.Errorf("only %d pages were seen", len(seen))
	}
}

// write presses buttons, each of which leads on.
func (b *embedded) write(in v1.Installation) {
	b.t.Helper()
	at := "/installations/" + in.ID
	b.is(b.post(at+"/stop", url.Values{"back": {at + "/settings"}}), at+"/settings")
	b.is(b.post(at+"/start", url.Values{}), at)
	b.is(b.post(at+"/start", url.Values{"back": {"/../../other"}}), "/")
	b.is(b.post(at+"/settings/name", url.Values{"form": {"name"}, "name": {in.Name}}), at+"/settings")
}

// stream follows a page with live parts until it has one of them.
func (b *embedded) stream(w *service.Harness, in v1.Installation, company int64) {
	b.t.Helper()
	r, err := http.NewRequestWithContext(b.t.Context(), http.MethodGet, b.at+"/installations/"+in.ID+"/activity", http.NoBody)
	if err != nil {
		b.t.Fatal(err)
	}
	r.Header.Set("Accept", "text/event-stream")
	resp, err := b.browser.Do(r)
	if err != nil {
		b.t.Fatal(err)
	}
	defer func() { _ = resp.Body.Close() }()
	if err := w.Autotask.Edit("Companies", company, atsim.Row{"phone": "518-555-0101"}); err != nil {
		b.t.Fatal(err)
	}
	want := `href="` + apart + "/installations/" + in.ID + "/records/company/"
	for lines := bufio.NewScanner(resp.Body); lines.Scan(); {
		if strings.Contains(lines.Text(), want) {
			return
		}
	}
	b.t.Error("the stream has no link to a record below the path")
}

// program uses the API as the command line does, with the path in its URL.
func (b *embedded) program(in v1.Installation) {
	b.t.Helper()
	c, err := client.New(client.Config{URL: b.at, Token: service.AdminToken, Transport: b.browser.Transport})
	if err != nil {
		b.t.Fatal(err)
	}
	if got, err := c.Installation(b.t.Context(), in.ID); err != nil || got.Name != in.Name {
		b.t.Errorf("the API: %+v, %v", got.Name, err)
	}
	if _, err := c.Ready(b.t.Context()); err != nil {
		b.t.Errorf("readiness: %v", err)
	}
}
