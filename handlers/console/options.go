package console

import (
	"cmp"
	"fmt"
	"net/http"
	"slices"
	"strconv"
	"strings"

	"github.com/go-chi/chi/v5"

	v1 "channelsync/api/v1"
	"channelsync/handlers/console/present"
	"channelsync/handlers/internal/export"
	"channelsync/internal/search"
)

func (c *Console) optionRoutes(r chi.Router) {
	const at = "/installations/{id}/settings/options"
	r.Post(at+"/preview", c.preview)
	r.Post(at+"/find", c.asked("settings", (*visit).findCompanies))
	r.Post(at, c.form("settings", (*visit).setOptions, (*visit).optionsAgain))
}

// choice is one of the values an option has.
type choice struct{ Value, Text string }

// optionFields are the options as a form has them: text, with the selected values
// of what has only a few.
type optionFields struct {
	OutOfScope, OverallCost, ContractStatus, Emails string
	Drift                                           string
	TimeZone, Currency, MassChangePercent           string
	// What is chosen: ids and names, one on a line.
	ContractTypes, ContractCategories        string
	CompanyClassifications, Include, Exclude string

	Choices   *v1.Choices // what the tenant has; nil when that is not known
	NoChoices string      // why not

	Companies *foundCompanies // what was looked for by name; nil: nothing
}

// foundCompanies are those that can be added to the lists.
type foundCompanies struct {
	Asked string
	Items []v1.Choice
}

// chosenList is a list of the tenant's choices with those that are chosen.
type chosenList struct {
	Field, Label string
	Items        []chosenItem
}

type chosenItem struct {
	v1.Choice
	Ticked bool
}

// Lists are what can be chosen by ticking, with what is chosen now.
func (f optionFields) Lists() []chosenList {
	if f.Choices == nil {
		return nil
	}
	return []chosenList{
		{"contractTypes", "Contract types", ticked(f.Choices.ContractTypes, f.ContractTypes)},
		{"contractCategories", "Contract categories", ticked(f.Choices.ContractCategories, f.ContractCategories)},
		{"companyClassifications", "Company classifications", ticked(f.Choices.CompanyClassifications, f.CompanyClassifications)},
	}
}

// ticked are the choices, and after them what is chosen and is not among them.
func ticked(known []v1.Choice, selected string) []chosenItem {
	left, _ := v1.IDsAndNames(items(selected))
	var out []chosenItem
	for _, c := range known {
		i := slices.Index(left, c.ID)
		if i >= 0 {
			left = slices.Delete(left, i, i+1)
		}
		out = append(out, chosenItem{c, i >= 0})
	}
	for _, id := range left {
		out = append(out, chosenItem{v1.Choice{ID: id, Name: "No longer in Autotask"}, true})
	}
	return out
}

// The values of the options that have only a few, and what they mean.
func outOfScopeChoices() []choice {
	return []choice{{"leave", "Leave it as it is (default)"}, {"archive", "Archive it in Channel Program"}}
}

func overallCostChoices() []choice {
	return []choice{
		{"auto", "Total (default): all unit rows, else the estimate, else the charges"},
		{"monthly", "Monthly: what the lines in force today cost per month"},
		{"annual", "Annual: 12 times the monthly cost"},
		{"price", "Price: what the customer pays in total"},
	}
}

func contractStatusChoices() []choice {
	return []choice{{"any", "Of any status (default)"}, {"active", "Only those with the status In Effect"}}
}

func emailChoices() []choice {
	return []choice{{"contacts", "Of all active contacts (default)"}, {"primary", "Of the primary contact only"}, {"none", "None"}}
}

func driftChoices() []choice {
	return []choice{{"repair", "Put it right with the next sweep or resync (default)"}, {"report", "Leave it alone and report it until somebody decides"}}
}

// tenantDriftChoices are those in a tenant's words.
func tenantDriftChoices() []choice {
	choices := driftChoices()
	for i := range choices {
		choices[i].Text = present.Tenant(choices[i].Text)
	}
	return choices
}

func fieldsOf(o v1.Options) optionFields {
	f := optionFields{
		OutOfScope: cmp.Or(o.OutOfScope, "leave"), OverallCost: cmp.Or(o.OverallCost, "auto"), ContractStatus: cmp.Or(o.ContractStatus, "any"),
		Emails: cmp.Or(o.Emails, "contacts"), Drift: cmp.Or(o.Drift, "repair"), TimeZone: o.TimeZone, Currency: o.Currency,
		ContractTypes: lines(o.ContractTypes, nil), ContractCategories: lines(o.ContractCategories, nil),
		CompanyClassifications: lines(o.CompanyClassifications, nil), Include: lines(o.Include, nil), Exclude: lines(o.Exclude, nil),
	}
	if o.MassChangePercent != 0 {
		f.MassChangePercent = strconv.Itoa(o.MassChangePercent)
	}
	return f
}

// with are the fields with what was named instead of given by its id.
func (f optionFields) with(names *v1.OptionNames) optionFields {
	if names == nil {
		return f
	}
	for _, of := range []struct {
		text  *string
		names []string
	}{
		{&f.ContractTypes, names.ContractTypes},
		{&f.ContractCategories, names.ContractCategories},
		{&f.CompanyClassifications, names.CompanyClassifications},
		{&f.Include, names.Include},
		{&f.Exclude, names.Exclude},
	} {
		*of.text = v1.Trim(*of.text + "\n" + strings.Join(of.names, "\n"))
	}
	return f
}

// choiceLines is what a field, or several of a name, chooses: ids and names, one on a line.
func (v *visit) choiceLines(name string) string {
	return v1.Trim(strings.Join(v.r.PostForm[name], "\n"))
}

// optionsForm reads the form; what is not a number is named by its field.
func (v *visit) optionsForm() (optionFields, v1.Options, *v1.OptionNames, error) {
	f := optionFields{
		OutOfScope: v.field("outOfScope"), OverallCost: v.field("overallCost"), ContractStatus: v.field("contractStatus"),
		Emails: v.field("emails"), Drift: v.field("drift"), TimeZone: v.field("timeZone"), Currency: strings.ToUpper(v.field("currency")), MassChangePercent: v.field("massChangePercent"),
		ContractTypes: v.choiceLines("contractTypes"), ContractCategories: v.choiceLines("contractCategories"),
		CompanyClassifications: v.choiceLines("companyClassifications"), Include: v.choiceLines("include"), Exclude: v.choiceLines("exclude"),
	}
	o := v1.Options{
		OutOfScope: f.OutOfScope, OverallCost: f.OverallCost, ContractStatus: f.ContractStatus, Emails: f.Emails,
		TimeZone: f.TimeZone, Currency: f.Currency, Drift: f.Drift,
	}
	var wrong []v1.FieldError
	var names v1.OptionNames
	for _, list := range []struct {
		text  string
		ids   *[]int64
		names *[]string
	}{
		{f.ContractTypes, &o.ContractTypes, &names.ContractTypes},
		{f.ContractCategories, &o.ContractCategories, &names.ContractCategories},
		{f.CompanyClassifications, &o.CompanyClassifications, &names.CompanyClassifications},
		{f.Include, (*[]int64)(&o.Include), &names.Include},
		{f.Exclude, (*[]int64)(&o.Exclude), &names.Exclude},
	} {
		*list.ids, *list.names = v1.IDsAndNames(items(list.text))
	}
	if f.MassChangePercent != "" {
		n, err := strconv.Atoi(f.MassChangePercent)
		if err != nil || n < 1 || n > 100 {
			wrong = append(wrong, v1.FieldError{
				Pointer: "#/options/massChangePercent", Code: "range", Detail: fmt.Sprintf("got %q, want a whole number from 1 to 100", present.Cut(f.MassChangePercent, 40)),
			})
		}
		o.MassChangePercent = n
	}
	if len(wrong) > 0 {
		return f, o, nil, v1.Invalid("The options are not changed.", wrong...)
	}
	if names.Empty() {
		return f, o, nil, nil
	}
	return f, o, &names, nil
}

// items are the lines of a list; one of ids alone may have several of them.
func items(text string) (out []string) {
	for line := range strings.Lines(text) {
		if line = v1.Trim(line); strings.Trim(line, "0123456789,; \t") == "" {
			out = append(out, strings.FieldsFunc(line, func(r rune) bool { return strings.ContainsRune(",; \t", r) })...)
		} else {
			out = append(out, line)
		}
	}
	return out
}

// lines is a list of ids for people: a line for each, with its name where that is known.
func lines(list []int64, known []v1.Choice) string {
	text := make([]string, len(list))
	for i, id := range list {
		text[i] = strconv.FormatInt(id, 10)
		if k := slices.IndexFunc(known, func(c v1.Choice) bool { return c.ID == id }); k >= 0 {
			text[i] = known[k].Name + " (" + text[i] + ")"
		}
	}
	return strings.Join(text, "\n")
}

// choose adds what the tenant has to choose from; companies are shown by their names, unless
// the form is shown as it was filled in.
func (v *visit) choose(f *optionFields, o *v1.Options) {
	found, err := v.api.Choices(v.ctx, v.r.PathValue("id"))
	if err != nil {
		f.NoChoices = v.problem(err).Detail
		return
	}
	f.Choices = &found
	if o != nil {
		f.Include, f.Exclude = lines(o.Include, found.Companies), lines(o.Exclude, found.Companies)
	}
}

// mostCompanies is how many companies a search shows.
const mostCompanies = 20

// findCompanies is the settings page with the options as they were entered, and the companies that have a name.
func (v *visit) findCompanies() (*page, error) {
	p, err := v.optionsAgain()
	if err != nil {
		return nil, err
	}
	d := p.Data.(settingsData)
	d.Options.Companies = &foundCompanies{Asked: v.field("company")}
	if d.Options.Companies.Asked != "" {
		found, err := v.api.Records(v.ctx, v.r.PathValue("id"), v1.RecordQuery{Kind: v1.KindCompany, Q: d.Options.Companies.Asked, Limit: mostCompanies})
		if err != nil {
			return nil, err
		}
		for _, r := range found.Items {
			id, err := strconv.ParseInt(r.ID, 10, 64)
			if err == nil {
				d.Options.Companies.Items = append(d.Options.Companies.Items, v1.Choice{ID: id, Name: cmp.Or(r.Name, "No name")})
			}
		}
	}
	p.Data = d
	return p, nil
}

// previewData is what a change of options would do, before it is done.
type previewData struct {
	Preview v1.Preview
	Fields  optionFields
	Q       string             // what is searched for among the records
	Shown   []v1.PreviewRecord // that fit it
	More    int                // how many more there are than can be listed
}

func (c *Console) preview(w http.ResponseWriter, r *http.Request) {
	v := &visit{c, w, r, r.Context()}
	if !v.parse() {
		return
	}
	fields, options, names, err := v.optionsForm()
	var preview v1.Preview
	if err == nil {
		preview, err = v.api.PreviewUpdate(v.ctx, r.PathValue("id"), v1.UpdateInstallation{Options: &options, Names: names})
	}
	if err != nil {
		problem := v.problem(err)
		p, err := v.optionsAgain()
		if err != nil {
			v.fail(err)
			return
		}
		p.Problem = problem
		c.render(w, r, problem.Status, "settings", p)
		return
	}
	if f := export.Format(r.PostFormValue("download")); slices.Contains(export.Formats, f) {
		if err := export.Answer(w, "options-preview", f, preview.Records); err != nil {
			panic(http.ErrAbortHandler)
		}
		return
	}
	in, err := v.installation()
	if err != nil {
		v.fail(err)
		return
	}
	d := previewData{Preview: preview, Fields: fields, Q: v.field("q"), More: preview.Enter + preview.Leave + preview.Change - len(preview.Records)}
	query := search.Parse(d.Q)
	for _, rec := range preview.Records {
		if rec.ID == d.Q || query.In(search.Fold(rec.Name)) {
			d.Shown = append(d.Shown, rec)
		}
	}
	c.render(w, r, http.StatusOK, "options", &page{
		Title: "What the new options would change", Nav: "settings", Installation: in, Data: d,
	})
}

func (v *visit) setOptions() (done, error) {
	_, options, names, err := v.optionsForm()
	if err != nil {
		return done{}, err
	}
	if _, err := v.api.UpdateInstallation(v.ctx, v.r.PathValue("id"), v1.UpdateInstallation{Options: &options, Names: names}); err != nil {
		return done{}, err
	}
	return done{v.under(""), "The options are changed. All records are being compared with them."}, nil
}

// optionsAgain is the settings page with the options as they were entered.
func (v *visit) optionsAgain() (*page, error) {
	p, err := v.settings()
	if err != nil {
		return nil, err
	}
	d := p.Data.(settingsData)
	d.Options, _, _, _ = v.optionsForm() // what is wrong with them is the page's problem already
	v.choose(&d.Options, nil)
	d.Form = "options"
	p.Data = d
	return p, nil
}
