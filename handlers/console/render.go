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

// pages are the templates by name: each page's own file over the shared ones, once for each of
// those who see different buttons.
type pages map[string]map[mays]*template.Template

// mays is what makes a difference to the buttons of a page: nobody is shown one that would be refused.
// A tenant reads other words: see present.Tenant.
type mays struct{ operate, admin, install, tenant bool }

func maysOf(who v1.Identity) mays {
	return mays{
		operate: who.Role.Covers(v1.RoleOperator), admin: who.Role.Covers(v1.RoleAdmin),
		install: who.Role.Covers(v1.RoleAdmin) && !who.Scoped(), tenant: isTenant(who),
	}
}

func parsePages(c *Console) (pages, error) {
	all := pages{}
	for _, may := range []mays{
		{},
		{operate: true},
		{operate: true, admin: true},
		{operate: true, admin: true, install: true},
		{tenant: true},
		{tenant: true, operate: true},
		{tenant: true, operate: true, admin: true},
	} {
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
		if err := all.parse(may, funcs); err != nil {
			return nil, err
		}
	}
	return all, nil
}

func (all pages) parse(may mays, funcs template.FuncMap) error {
	base, err := template.New("").Funcs(funcs).ParseFS(pageFiles, "pages/layout/*.html")
	if err != nil {
		return fmt.Errorf("parse layout: %w", err)
	}
	files, err := fs.Glob(pageFiles, "pages/*.html")
	if err != nil {
		return fmt.Errorf("list pages: %w", err)
	}
	for _, file := range files {
		t, err := base.Clone()
		if err == nil {
			t, err = t.ParseFS(pageFiles, file)
		}
		if err != nil {
			return fmt.Errorf("parse page %s: %w", file, err)
		}
		name := strings.TrimSuffix(path.Base(file), ".html")
		if all[name] == nil {
			all[name] = map[mays]*template.Template{}
		}
		all[name][may] = t
	}
	return nil
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
	t := c.pages[name][maysOf(p.Who)]
	if t == nil {
		return fmt.Errorf("there is no page %s", name)
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
	t := c.pages[name][mays{}]
	return t != nil && t.Lookup("live") != nil
}
