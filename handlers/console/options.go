package console

import (
	"fmt"
	"net/http"
	"strconv"
	"strings"

	"github.com/go-chi/chi/v5"

	v1 "channelsync/api/v1"
	"channelsync/handlers/console/present"
)

func (c *Console) optionRoutes(r chi.Router) {
	const at = "/installations/{id}/settings/options"
	r.Post(at+"/preview", c.preview)
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
	ContractTypes, ContractCategories               string
	CompanyClassifications, Include, Exclude        string
}

// The values of the options that have only a few, and what they mean.
func outOfScopeChoices() []choice {
	return []choice{{"leave", "Leave it as it is (default)"}, {"archive", "Archive it in Channel Program"}}
}

func overallCostChoices() []choice {
	return []choice{
		{"auto", "Total (default): all unit rows, else the estimate, else the charges"},
		{"monthly", "Monthly: what the lines in force today cost a month"},
		{"annual", "Annual: 12 times the month"},
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
	return []choice{{"repair", "Put it right with the next sweep or resync (default)"}, {"report", "Leave it alone, and say so, until somebody decides"}}
}

func fieldsOf(o v1.Options) optionFields {
	f := optionFields{
		OutOfScope: or(o.OutOfScope, "leave"), OverallCost: or(o.OverallCost, "auto"), ContractStatus: or(o.ContractStatus, "any"),
		Emails: or(o.Emails, "contacts"), Drift: or(o.Drift, "repair"), TimeZone: o.TimeZone, Currency: o.Currency,
		ContractTypes: ids(o.ContractTypes), ContractCategories: ids(o.ContractCategories),
		CompanyClassifications: ids(o.CompanyClassifications), Include: ids(o.Include), Exclude: ids(o.Exclude),
	}
	if o.MassChangePercent != 0 {
		f.MassChangePercent = strconv.Itoa(o.MassChangePercent)
	}
	return f
}

// optionsForm reads the form; what is not a number is named by its field.
func (v *visit) optionsForm() (optionFields, v1.Options, error) {
	f := optionFields{
		OutOfScope: v.field("outOfScope"), OverallCost: v.field("overallCost"), ContractStatus: v.field("contractStatus"),
		Emails: v.field("emails"), Drift: v.field("drift"), TimeZone: v.field("timeZone"), Currency: strings.ToUpper(v.field("currency")), MassChangePercent: v.field("massChangePercent"),
		ContractTypes: v.field("contractTypes"), ContractCategories: v.field("contractCategories"),
		CompanyClassifications: v.field("companyClassifications"), Include: v.field("include"), Exclude: v.field("exclude"),
	}
	o := v1.Options{
		OutOfScope: f.OutOfScope, OverallCost: f.OverallCost, ContractStatus: f.ContractStatus, Emails: f.Emails,
		TimeZone: f.TimeZone, Currency: f.Currency, Drift: f.Drift,
	}
	var wrong []v1.FieldError
	for _, list := range []struct {
		name, text string
		into       *[]int64
	}{
		{"contractTypes", f.ContractTypes, &o.ContractTypes},
		{"contractCategories", f.ContractCategories, &o.ContractCategories},
		{"companyClassifications", f.CompanyClassifications, &o.CompanyClassifications},
		{"include", f.Include, (*[]int64)(&o.Include)},
		{"exclude", f.Exclude, (*[]int64)(&o.Exclude)},
	} {
		got, err := parseIDs(list.text)
		if err != nil {
			wrong = append(wrong, v1.FieldError{Pointer: "#/options/" + list.name, Code: "ids", Detail: err.Error()})
		}
		*list.into = got
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
		return f, o, v1.Invalid("The options are not changed.", wrong...)
	}
	return f, o, nil
}

// parseIDs reads ids between commas or white space.
func parseIDs(text string) ([]int64, error) {
	var out []int64
	for _, part := range strings.FieldsFunc(text, func(r rune) bool { return r == ',' || r == ';' || r == ' ' || r == '\n' || r == '\t' || r == '\r' }) {
		id, err := strconv.ParseInt(part, 10, 64)
		if err != nil || id < 0 {
			return nil, fmt.Errorf("got %q, want Autotask ids between commas", present.Cut(part, 40))
		}
		out = append(out, id)
	}
	return out, nil
}

func ids(list []int64) string {
	text := make([]string, len(list))
	for i, id := range list {
		text[i] = strconv.FormatInt(id, 10)
	}
	return strings.Join(text, ", ")
}

func or(s, otherwise string) string {
	if s == "" {
		return otherwise
	}
	return s
}

// previewData is what a change of options would do, before it is done.
type previewData struct {
	Preview v1.Preview
	Fields  optionFields
}

func (c *Console) preview(w http.ResponseWriter, r *http.Request) {
	v := &visit{c, w, r, r.Context()}
	if !v.parse() {
		return
	}
	fields, options, err := v.optionsForm()
	var preview v1.Preview
	if err == nil {
		preview, err = v.api.PreviewUpdate(v.ctx, r.PathValue("id"), v1.UpdateInstallation{Options: &options})
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
	in, err := v.installation()
	if err != nil {
		v.fail(err)
		return
	}
	c.render(w, r, http.StatusOK, "options", &page{
		Title: "What the new options would change", Nav: "settings", Installation: in, Data: previewData{preview, fields},
	})
}

func (v *visit) setOptions() (done, error) {
	_, options, err := v.optionsForm()
	if err != nil {
		return done{}, err
	}
	if _, err := v.api.UpdateInstallation(v.ctx, v.r.PathValue("id"), v1.UpdateInstallation{Options: &options}); err != nil {
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
	d.Options, _, _ = v.optionsForm() // what is wrong with them is the page's problem already
	d.Form = "options"
	p.Data = d
	return p, nil
}
