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

	// Set by render.
	Now      time.Time
	Version  string
	LoggedIn bool
	Path     string // of the request, for links that come back
}

// pages are the templates by name: each page's own file over the shared ones.
type pages map[string]*template.Template

func parsePages(c *Console) (pages, error) {
	base, err := template.New("").Funcs(c.funcs()).ParseFS(pageFiles, "pages/layout/*.html")
	if err != nil {
		return nil, fmt.Errorf("parse layout: %w", err)
	}
	files, err := fs.Glob(pageFiles, "pages/*.html")
	if err != nil {
		return nil, fmt.Errorf("list pages: %w", err)
	}
	all := pages{}
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
	t := c.pages[name]
	if t == nil {
		return fmt.Errorf("there is no page %s", name)
	}
	p.Now, p.Version, p.Path = c.now(), c.version, r.URL.RequestURI()
	if cookie, err := r.Cookie(cookieName(r, sessionCookie)); err == nil {
		_, p.LoggedIn = c.sessions.check(cookie.Value)
	}
	if err := t.ExecuteTemplate(out, block, p); err != nil {
		return fmt.Errorf("render %s: %w", name, err)
	}
	return nil
}

// hasLive says whether a page has parts that follow what happens.
func (c *Console) hasLive(name string) bool {
	t := c.pages[name]
	return t != nil && t.Lookup("live") != nil
}
