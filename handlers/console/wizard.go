package console

import (
	"bytes"
	"net/http"
	"slices"

	"github.com/go-chi/chi/v5"

	v1 "channelsync/api/v1"
)

func (c *Console) wizardRoutes(r chi.Router) {
	r.Get("/install", c.show("install", (*visit).wizard))
	r.Post("/install", c.step((*visit).tryDraft))
	r.Get("/install/region", c.region)
	r.Post("/install/change", c.step((*visit).changeDraft))
	r.Post("/install/preview", c.step((*visit).previewDraft))
	r.Post("/install/choose", c.step((*visit).chooseDraft))
	r.Post("/install/start", c.step((*visit).startDraft))
	// Whoever reloads the address of a step begins anew: what was entered was in the form only.
	r.Get("/install/*", func(w http.ResponseWriter, r *http.Request) { c.redirect(w, r, "/install") })
	r.Get("/installations/{id}/welcome", c.show("install-welcome", (*visit).welcome))
}

// step serves a POST of the wizard. Its answer is a page, not a redirect: what was
// entered travels sealed in the page, and must not be in an address.
func (c *Console) step(take func(*visit) error) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		v := &visit{c, w, r, r.Context()}
		if !v.parse() {
			return
		}
		if err := take(v); err != nil {
			v.fail(err)
		}
	}
}

// wizard is the first step, empty but for a sync that was selected on the way here.
func (v *visit) wizard() (*page, error) {
	return v.installForm(newDraft(v1.Sync(v.r.URL.Query().Get("sync"))), nil)
}

// tryDraft tries what was entered and keeps nothing. It leads on to the checks, or
// back to the form with what is wrong.
func (v *visit) tryDraft() error {
	d, err := v.entered()
	if err != nil {
		return v.showForm(d, forgotten())
	}
	found, err := v.api.TryInstallation(v.ctx, d.request())
	if err != nil {
		return v.showForm(d, v.problem(err))
	}
	if slices.ContainsFunc(found.Checks, func(c v1.Check) bool { return c.Name == "installation" && !c.OK }) {
		// Installed already: the preview refuses it at once, and says as which one.
		if _, err := v.api.PreviewInstallation(v.ctx, d.request()); err != nil {
			return v.showForm(d, v.problem(err))
		}
	}
	d.Checks = found.Checks
	return v.showChecks(d, nil, nil)
}

// changeDraft goes back to the form with all that was entered.
func (v *visit) changeDraft() error {
	d, err := v.draft()
	if err != nil {
		return v.showForm(newDraft(""), forgotten())
	}
	return v.showForm(d, nil)
}

// chooseDraft goes back to the form with what the tenant has to choose from, and the companies
// that were looked for. It comes from the form as well as from the checks.
func (v *visit) chooseDraft() error {
	read := v.draft
	if v.r.PostForm.Has("username") {
		read = v.entered
	}
	d, err := read()
	if err != nil {
		return v.showForm(newDraft(""), forgotten())
	}
	company := v.field("company")
	found, err := v.api.SetupChoices(v.ctx, d.request(), v1.ChoiceQuery{Counted: true, Company: company})
	if err != nil {
		return v.showForm(d, v.problem(err))
	}
	d.Options, d.Names = found.Options, nil
	p, err := v.installForm(d, nil)
	if err != nil {
		return err
	}
	data := p.Data.(installData)
	data.OptionsOpen, data.Options.Choices = true, &found.Choices
	if v.r.PostForm.Has("company") {
		data.Options.Companies = &foundCompanies{company, found.Companies}
	}
	p.Data = data
	v.answer("install", p)
	return nil
}

// previewDraft says what the first sync would bring; it can take a minute or two.
func (v *visit) previewDraft() error {
	d, err := v.draft()
	if err != nil {
		return v.showForm(newDraft(""), forgotten())
	}
	preview, err := v.api.PreviewInstallation(v.ctx, d.request())
	if err != nil {
		return v.showChecks(d, nil, v.problem(err))
	}
	d.Checks = preview.Checks
	return v.showChecks(d, &preview, nil)
}

// startDraft makes the installation; its first sync begins by itself.
func (v *visit) startDraft() error {
	d, err := v.draft()
	if err != nil {
		return v.showForm(newDraft(""), forgotten())
	}
	made, err := v.api.CreateInstallation(v.ctx, d.request())
	if err != nil {
		return v.showForm(d, v.problem(err))
	}
	v.redirect(v.w, v.r, "/installations/"+made.ID+"/welcome")
	return nil
}

func (v *visit) showForm(d draft, problem *v1.Problem) error {
	p, err := v.installForm(d, problem)
	if err != nil {
		return err
	}
	v.answer("install", p)
	return nil
}

func (v *visit) showChecks(d draft, preview *v1.SetupPreview, problem *v1.Problem) error {
	p, err := v.installChecks(d, preview, problem)
	if err != nil {
		return err
	}
	v.answer("install-check", p)
	return nil
}

// answer renders a page with the status of its problem.
func (v *visit) answer(name string, p *page) {
	status := http.StatusOK
	if p.Problem != nil {
		status = p.Problem.Status
	}
	v.render(v.w, v.r, status, name, p)
}

// forgotten says that a draft cannot be opened any more.
func forgotten() *v1.Problem {
	return v1.NewProblem(http.StatusUnprocessableEntity, v1.CodeInvalid,
		"This form was open for more than 30 minutes, so what was entered is no longer kept. Nothing was installed.",
		"Enter it again; what is in the fields below is still there.")
}

// region answers the script of the form, which asks for the region of a user name
// as soon as that is entered.
func (c *Console) region(w http.ResponseWriter, r *http.Request) {
	v := &visit{c, w, r, r.Context()}
	var d foundRegion
	if username := v1.Trim(r.URL.Query().Get("username")); username != "" {
		zones, err := v.api.ZonesOf(v.ctx, username)
		d = regionFound(zones)
		if err != nil {
			_ = v.problem(err) // logs what is no answer of Autotask's
			d.Note = "The region could not be looked up just now. Continue, and it is looked up again. Or choose it yourself."
		}
	}
	var out bytes.Buffer
	if err := v.execute(&out, r, "install", "region", &page{Data: d}); err != nil {
		v.fail(err)
		return
	}
	w.Header().Set("Content-Type", "text/html; charset=utf-8")
	_, _ = w.Write(out.Bytes()) // the browser is gone if this fails
}
