package console

import (
	"context"
	"errors"
	"net/http"
	"strings"

	"go.uber.org/zap"

	"channelsync/api/client"
	v1 "channelsync/api/v1"
	"channelsync/handlers/console/present"
	"channelsync/handlers/internal/identity"
	"channelsync/handlers/internal/web"
)

// maxForm bounds what a form may send, in bytes.
const maxForm = 256 << 10

// visit is one request while it is being served.
type visit struct {
	*Console
	w   http.ResponseWriter
	r   *http.Request
	ctx context.Context
}

// show makes the page for a GET. A page with a "live" block is also asked for
// anew by those who have it open, see live.go.
func (c *Console) show(name string, load func(*visit) (*page, error)) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		v := &visit{c, w, r, r.Context()}
		w.Header().Set("Vary", "Accept")
		if follows(r) && c.hasLive(name) {
			v.live(name, load)
			return
		}
		p, err := load(v)
		if err != nil {
			v.fail(err)
			return
		}
		p.Flash = v.takeFlash()
		c.render(w, r, http.StatusOK, name, p)
	}
}

// done is what a write that went well leads to.
type done struct {
	to  string // the path that is shown next
	say string // what happened, in a sentence
}

// do serves a POST of a button: the browser is sent on to a page that says what
// became of it. When it was refused, that is the page the button is on.
func (c *Console) do(write func(*visit) (done, error)) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		v := &visit{c, w, r, r.Context()}
		if !v.parse() {
			return
		}
		d, err := write(v)
		if err != nil {
			back := v.back()
			if back == "" {
				v.fail(err)
				return
			}
			p := v.problem(err)
			v.setFlash(flash{Problem: true, Text: p.Detail, Hint: p.Hint})
			c.redirect(w, r, back)
			return
		}
		v.leave(d)
	}
}

// form serves a POST of a form with fields: when it was refused, again shows the
// form as it was filled in, with what is wrong and where.
func (c *Console) form(name string, write func(*visit) (done, error), again func(*visit) (*page, error)) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		v := &visit{c, w, r, r.Context()}
		if !v.parse() {
			return
		}
		d, err := write(v)
		if err == nil {
			v.leave(d)
			return
		}
		problem := v.problem(err)
		p, err := again(v)
		if err != nil {
			v.fail(err)
			return
		}
		p.Problem = problem
		c.render(w, r, problem.Status, name, p)
	}
}

// leave sends the browser on, with what is to be said there.
func (v *visit) leave(d done) {
	if d.say != "" {
		if v.tenant() {
			d.say = present.Tenant(d.say)
		}
		v.setFlash(flash{Text: d.say})
	}
	v.redirect(v.w, v.r, d.to)
}

// parse reads the form; when it cannot, it answers and returns false.
func (v *visit) parse() bool {
	v.r.Body = http.MaxBytesReader(v.w, v.r.Body, maxForm)
	if err := v.r.ParseForm(); err != nil {
		v.failWith(v1.NewProblem(http.StatusBadRequest, v1.CodeInvalid, "The form cannot be read.", "Go back and send it again."))
		return false
	}
	return true
}

// list is the list that a request acts on or exports, with its filters as far as there are such; empty for others.
func (v *visit) list() string {
	id := v.r.PathValue("id")
	if !web.IsInstallationID(id) {
		return ""
	}
	switch rest := strings.TrimPrefix(v.r.URL.Path, "/installations/"+id); rest {
	case "/records", "/records/reconcile", "/records/exclude", "/records/export", "/records/lookup":
		_ = v.r.ParseForm() // a form that cannot be read has no filters
		return v.under("/records") + filters(recordQuery(v.r.Form), "")
	case "/dead-letters", "/dead-letters/bulk", "/dead-letters/export", "/dead-letters/requeue":
		return v.under("/dead-letters")
	}
	return ""
}

// back is the page of ours that a write came from: the form names it.
func (v *visit) back() string {
	if b := v.r.PostFormValue("back"); b != "" {
		return local(b)
	}
	return ""
}

// problem is err in words for people.
func (v *visit) problem(err error) *v1.Problem {
	p := v.problemOf(err)
	if v.tenant() {
		return present.TenantProblem(p)
	}
	return p
}

func (v *visit) problemOf(err error) *v1.Problem {
	if p, ok := errors.AsType[*v1.Problem](err); ok && p.Status >= http.StatusBadRequest {
		if p.Code == v1.CodeInvalid && strings.HasPrefix(p.Detail, "The body has fields") { // people sent a form, not a body
			formed := *p
			formed.Detail = "Some fields of the form need another look."
			return &formed
		}
		return p
	}
	if v.ctx.Err() == nil {
		v.log.Error("page failed", zap.String(v1.LogOperation, v.r.Method+" "+v.r.URL.Path), zap.Error(err))
	}
	return web.Internal()
}

// fail answers with the page that says what happened and what to do.
func (v *visit) fail(err error) { v.failWith(v.problemOf(err)) }

func (v *visit) failWith(p *v1.Problem) {
	if follows(v.r) {
		v.failLive(p)
		return
	}
	if v.tenant() {
		p = present.TenantProblem(p)
	}
	title := "This did not work"
	if p.Status == http.StatusNotFound {
		title = "There is nothing here"
	}
	v.render(v.w, v.r, p.Status, "problem", &page{Title: title, Problem: p, Back: v.list()})
}

func (c *Console) notFound(w http.ResponseWriter, r *http.Request) {
	v := &visit{c, w, r, r.Context()}
	v.failWith(v1.NewProblem(http.StatusNotFound, v1.CodeNotFound, "This console has no such page.", "Start from the integrations."))
}

// otherSite answers a write that did not come from a page of ours.
func (c *Console) otherSite(w http.ResponseWriter, r *http.Request) {
	v := &visit{c, w, r, r.Context()}
	v.failWith(v1.NewProblem(http.StatusForbidden, v1.CodeInvalid, "This form was sent from another site, so nothing was changed.",
		"Start from the integrations. If it was sent from this console, the proxy in front of it must pass on the Host header as it is."))
}

// tenant says whether a tenant asks, who reads other words.
func (v *visit) tenant() bool { return isTenant(identity.Of(v.ctx).Identity) }

// API is the admin API as the console calls it.
func (v *visit) API() *client.Client { return v.api }

// installation loads the installation of the path.
func (v *visit) installation() (*v1.Installation, error) {
	id := v.r.PathValue("id")
	if !web.IsInstallationID(id) {
		return nil, v1.NotFound("There is no such installation.")
	}
	in, err := v.api.Installation(v.ctx, id)
	if err != nil {
		return nil, err
	}
	if v.tenant() {
		present.TenantInstallation(&in)
	}
	return &in, nil
}

// under is the path of a page of the installation in the request's path.
func (v *visit) under(page string) string { return "/installations/" + v.r.PathValue("id") + page }

// field is a form's field without what pasting brings along at its ends.
func (v *visit) field(name string) string { return v1.Trim(v.r.PostFormValue(name)) }
