package console

import (
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"

	"github.com/go-chi/chi/v5"
	"go.uber.org/zap"

	"channelsync/api/client"
	v1 "channelsync/api/v1"
	"channelsync/handlers/internal/export"
	"channelsync/handlers/internal/web"
)

// exportedLists are the lists of an installation that its pages show.
var exportedLists = []string{"records", "dead-letters", "drift", "jobs", "activity", "issues", "bridges"}

func (c *Console) exportRoutes(r chi.Router) {
	for page, list := range map[string]string{
		"": client.ExportInstallations, "/issues": client.ExportIssues, "/audit": client.ExportAudit, "/tokens": client.ExportTokens,
	} {
		r.Get(page+"/export", c.export(func(*http.Request) string { return list }))
	}
	for _, list := range exportedLists {
		r.Get("/installations/{id}/"+list+"/export", c.export(func(r *http.Request) string {
			return client.ExportOf(r.PathValue("id"), list)
		}))
	}
	r.Get("/installations/{id}/records/{kind}/{record}/versions/export", c.export(func(r *http.Request) string {
		return client.ExportVersions(r.PathValue("id"), v1.Kind(r.PathValue("kind")), r.PathValue("record"))
	}))
	r.Get("/sessions/export", c.exportSessions)
}

// filtersOf are those of a query that say something; where a page is on its list is none.
func filtersOf(q url.Values) url.Values {
	out := url.Values{}
	for _, name := range append([]string{"q"}, export.Filters...) {
		if v := v1.Trim(q.Get(name)); v != "" {
			out.Set(name, v)
		}
	}
	return out
}

// export passes a whole list on as the API writes it. One that breaks off is cut, so that the browser says so.
func (c *Console) export(list func(*http.Request) string) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		v := &visit{c, w, r, r.Context()}
		if id := r.PathValue("id"); id != "" && !web.IsInstallationID(id) {
			v.fail(v1.NotFound("There is no such installation."))
			return
		}
		begun := false
		err := c.api.Export(r.Context(), list(r), filtersOf(r.URL.Query()), r.URL.Query().Get("format"), export.Pieces(w), func(h http.Header) {
			begun = true
			for _, name := range []string{"Content-Type", "Content-Disposition", "Cache-Control", "X-Accel-Buffering"} {
				w.Header().Set(name, h.Get(name))
			}
		})
		switch {
		case err == nil:
		case !begun:
			v.fail(err)
		default:
			c.log.Warn("export ended early", zap.String(v1.LogOperation, r.URL.Path), zap.Error(err))
			panic(http.ErrAbortHandler)
		}
	}
}

// exportLinks are the links to a page's list in each format, with the filters of the page.
type exportLinks struct{ Excel, CSV, JSON string }

// exportsOf are those of the page at a path with a query.
func exportsOf(uri string) exportLinks {
	path, query, _ := strings.Cut(uri, "?")
	q, _ := url.ParseQuery(query)
	filters := filtersOf(q)
	link := func(f export.Format) string {
		filters.Set("format", string(f))
		return strings.TrimSuffix(path, "/") + "/export?" + filters.Encode()
	}
	return exportLinks{link(export.Spreadsheet), link(export.CSV), link(export.JSON)}
}

// sessionLine is a session in an export. What names its cookie stays here.
type sessionLine struct {
	Who           string    `json:"who"`
	Role          v1.Role   `json:"role"`
	LogIn         string    `json:"logIn"` // token or organisation
	LoggedInAt    time.Time `json:"loggedInAt"`
	LastRequestAt time.Time `json:"lastRequestAt"`
	Address       string    `json:"address"`
	Browser       string    `json:"browser"`
	This          bool      `json:"this"`
}

func (c *Console) exportSessions(w http.ResponseWriter, r *http.Request) {
	v := &visit{c, w, r, r.Context()}
	format := export.Format(r.URL.Query().Get("format"))
	if !slices.Contains(export.Formats, format) {
		v.fail(v1.Invalid("There is no such format; the formats are csv, csv-spreadsheet and json."))
		return
	}
	d, err := v.endable()
	if err != nil {
		v.fail(err)
		return
	}
	lines := make([]sessionLine, len(d.Rows))
	for i, s := range d.Rows {
		lines[i] = sessionLine{s.Who.Name, s.Who.Role, "token", s.Made, s.Used, s.Address, s.Agent, s.This}
		if s.Person {
			lines[i].LogIn = "organisation"
		}
	}
	v.note("export", "sessions as "+string(format))
	if err := export.Answer(w, "sessions", format, lines); err != nil {
		panic(http.ErrAbortHandler)
	}
}
