package console

import (
	"bytes"
	"embed"
	"fmt"
	"html/template"
	"io/fs"
	"net/http"
	"path"
	"strings"
	"sync"
	"time"

	"go.uber.org/zap"

	v1 "channelsync/api/v1"
	"channelsync/handlers/console/present"
	"channelsync/handlers/internal/identity"
)

//go:embed pages
var pageFiles embed.FS

// page is what the layout shows around a page's own data.
type page struct {
	Title        string
	Nav          string           // which of the navigation's entries it is under
	Installation *v1.Installation // set on the pages of one
	Flash        *flash           // what became of the last write
	Problem      *v1.Problem      // why the form on it was not taken
	Data         any
	Back         string // the list that a problem's page leads back to

	// Set by render.
	Page    string // the name of its template
	Now     time.Time
	Version string
	Site    string      // what the console is called
	Who     v1.Identity // nobody, when nobody is logged in
	Path    string      // of the request, for links that come back
}

// pages are the templates of one console: what is parsed, with the console's own functions, once for each of those who see
// different buttons, as soon as one of them comes.
type pages struct {
	parsed map[string]*template.Template
	funcs  func(mays) template.FuncMap

	mu    sync.Mutex
	bound map[pageFor]*template.Template
}

type pageFor struct {
	name string
	may  mays
}

// of is the page of that name.
func (p *pages) of(name string, may mays) (*template.Template, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	key := pageFor{name, may}
	if t := p.bound[key]; t != nil {
		return t, nil
	}
	t := p.parsed[name]
	if t == nil {
		return nil, fmt.Errorf("there is no page %s", name)
	}
	t, err := t.Clone()
	if err != nil {
		return nil, fmt.Errorf("copy page %s: %w", name, err)
	}
	p.bound[key] = t.Funcs(p.funcs(may))
	return t, nil
}

// mays is what makes a difference to the buttons of a page: nobody is shown one that would be refused.
// A tenant reads other words: see present.Tenant.
type mays struct{ operate, admin, install, tenant bool }

func maysOf(who v1.Identity) mays {
	return mays{
		operate: who.Role.Covers(v1.RoleOperator), admin: who.Role.Covers(v1.RoleAdmin),
		install: who.Role.Covers(v1.RoleAdmin) && !who.Scoped(), tenant: isTenant(who),
	}
}

// parsedPages are the templates by name: each page's own file over the shared ones. They are parsed once in a process, and
// never executed themselves: what was executed cannot be copied.
var parsedPages = sync.OnceValues(func() (map[string]*template.Template, error) {
	names := new(Console).funcsFor(mays{})
	base, err := template.New("").Funcs(names).ParseFS(pageFiles, "pages/layout/*.html")
	if err != nil {
		return nil, fmt.Errorf("parse layout: %w", err)
	}
	files, err := fs.Glob(pageFiles, "pages/*.html")
	if err != nil {
		return nil, fmt.Errorf("list pages: %w", err)
	}
	all := map[string]*template.Template{}
	for _, file := range files {
		t, err := base.Clone()
		if err == nil {
			t, err = t.ParseFS(pageFiles, file)
		}
		if err != nil {
			return nil, fmt.Errorf("parse page %s: %w", file, err)
		}
		all[strings.TrimSuffix(path.Base(file), ".html")] = t
	}
	return all, nil
})

// funcsFor are the functions for those who see such buttons.
func (c *Console) funcsFor(may mays) template.FuncMap {
	funcs := c.funcs()
	for name, yes := range map[string]bool{"mayOperate": may.operate, "mayAdmin": may.admin, "mayInstall": may.install, "tenant": may.tenant} {
		funcs[name] = func() bool { return yes }
	}
	funcs["say"] = func(text string) string { return text }
	if may.tenant {
		funcs["say"] = present.Tenant
		funcs["jobName"] = present.TenantJobName
		funcs["cause"] = present.TenantCauseWord
		funcs["driftChoices"] = tenantDriftChoices
		funcs["reason"] = func(code string) string { return present.TenantDetail(present.ReasonWord(code)) }
		funcs["headline"] = func(in *v1.Installation) present.Headline { return present.TenantHeadline(in, c.now()) }
	}
	return funcs
}

// render writes a whole page, or the plainest of errors if it cannot be made.
func (c *Console) render(w http.ResponseWriter, r *http.Request, status int, name string, p *page) {
	var out bytes.Buffer
	if err := c.execute(&out, r, name, "layout", p); err != nil {
		c.log.Error("page cannot be made", zap.String(v1.LogOperation, name), zap.Error(err))
		http.Error(w, "This page cannot be made; the log of channelsync has the cause.", http.StatusInternalServerError)
		return
	}
	w.Header().Set("Content-Type", "text/html; charset=utf-8")
	w.Header().Set("Cache-Control", "no-store")
	w.WriteHeader(status)
	_, _ = w.Write(out.Bytes()) // the browser is gone if this fails
}

// execute renders one block of a page.
func (c *Console) execute(out *bytes.Buffer, r *http.Request, name, block string, p *page) error {
	p.Who = identity.Of(r.Context()).Identity
	t, err := c.pages.of(name, maysOf(p.Who))
	if err != nil {
		return err
	}
	if isTenant(p.Who) {
		p.Title = present.TenantTitle(p.Title)
	}
	p.Page, p.Now, p.Version, p.Path = name, c.now(), c.version, r.URL.RequestURI()
	if p.Site = "channelsync"; isTenant(p.Who) || p.Who.Role == "" && c.path != "" { // below a path nobody who comes need know us
		p.Site = "Autotask for Channel Program"
	}
	var html bytes.Buffer
	if err := t.ExecuteTemplate(&html, block, p); err != nil {
		return fmt.Errorf("render %s: %w", name, err)
	}
	return c.write(out, html.Bytes())
}

// hasLive says whether a page has parts that follow what happens.
func (c *Console) hasLive(name string) bool {
	t := c.pages.parsed[name]
	return t != nil && t.Lookup("live") != nil
}
