package console

import (
	"slices"
	"strings"

	v1 "channelsync/api/v1"
	"channelsync/handlers/console/present"
)

// installData is the form of the wizard as it is shown: never a secret, only
// whether it was entered.
type installData struct {
	Draft                            string // sealed; empty when no secret was entered yet
	Name, Username, Zone, Connection string
	HasSecret, HasTracking, HasToken bool
	Syncs                            []syncChoice
	Zones                            []choice
	Options                          optionFields
	OptionsOpen                      bool
	Checks                           []v1.Check        // what the test that was refused found
	Wrong                            map[string]string // what is wrong with a field, by its id
}

type syncChoice struct {
	ID       v1.Sync
	Text     present.SyncText
	Selected bool
}

func (v *visit) installForm(d draft, problem *v1.Problem) (*page, error) {
	zones, err := v.api.Zones(v.ctx)
	if err != nil {
		return nil, err
	}
	data := installData{
		Name: d.Name, Username: d.Username, Zone: d.Zone, Connection: d.ConnectionID, Zones: zoneChoices(zones, d.Zone),
		HasSecret: d.Secret != "", HasTracking: d.TrackingIdentifier != "", HasToken: d.Token != "",
		Options: fieldsOf(d.Options).with(d.Names), Wrong: map[string]string{},
	}
	for _, s := range v1.Syncs {
		data.Syncs = append(data.Syncs, syncChoice{s, present.SyncWords(s), d.has(s)})
	}
	if data.HasSecret || data.HasTracking || data.HasToken {
		if data.Draft, err = v.sealer.seal(d); err != nil {
			return nil, err
		}
	}
	if problem != nil {
		problem = inWords(problem)
		data.Checks = problem.Checks
		for _, e := range problem.Errors {
			data.Wrong[present.FieldID(e.Pointer)] = e.Detail
		}
	}
	data.OptionsOpen = data.Options != fieldsOf(v1.Options{})
	return &page{Title: "Install Autotask", Nav: "integrations", Problem: problem, Data: data}, nil
}

// zoneChoices are the regions to choose from; the selected one is among them even
// when it was found and is not on the list.
func zoneChoices(zones []v1.Zone, selected string) []choice {
	out := []choice{{"", "Find it from the user name (recommended)"}}
	for _, z := range zones {
		out = append(out, choice{z.Name, z.Name})
	}
	if !slices.ContainsFunc(out, func(c choice) bool { return c.Value == selected }) {
		out = append(out, choice{selected, selected})
	}
	return out
}

// foundRegion is what a look-up of the region came to.
type foundRegion struct {
	Value, Text string // of the choice; empty when nothing was found
	Note        string
}

func regionFound(zones v1.Zones) foundRegion {
	if zones.Found == nil {
		return foundRegion{Note: "Autotask names no region for this user name. Check the name; if it is right, choose the region by hand."}
	}
	found := foundRegion{Value: zones.Found.URL, Text: zones.Found.Name}
	for _, z := range zones.Items { // the list has the name that is known to people
		if strings.EqualFold(z.URL, zones.Found.URL) {
			found.Value, found.Text = z.Name, z.Name
		}
	}
	found.Note = "Found from the user name: " + found.Text + "."
	return found
}

// inWords is a refusal as the form says it: which of its fields are meant, and
// what to enter there.
func inWords(p *v1.Problem) *v1.Problem {
	out := *p
	out.Errors = slices.Clone(p.Errors)
	if p.Code == v1.CodeInvalid && len(p.Errors) > 0 {
		out.Detail = "Something is missing or cannot be used. Nothing was sent to Autotask or installed."
		for _, e := range p.Errors {
			if e.Pointer == "#/zone" {
				out.Detail = "The region cannot be used."
			}
		}
	}
	if p.Code == v1.CodeCredentialsRejected { // its own words have the answer of the server in them; the check shows it
		out.Detail = "Autotask refuses the user name, the secret or the tracking identifier."
	}
	for i, e := range out.Errors {
		out.Errors[i].Detail = fieldAdvice(e)
	}
	if len(out.Errors) == 0 {
		out.Errors = blamed(p.Code)
	}
	slices.SortStableFunc(out.Errors, func(a, b v1.FieldError) int { return place(a.Pointer) - place(b.Pointer) })
	return &out
}

// place is where on the form a field is.
func place(pointer string) int {
	return slices.Index([]string{
		"syncs", "name", "username", "secret", "trackingIdentifier", "zone", "channelProgram-connectionId", "channelProgram-token",
		"options-timeZone", "options-currency", "options-contractTypes", "options-contractCategories", "options-companyClassifications",
		"options-include", "options-exclude",
	}, present.FieldID(pointer))
}

// fieldAdvice says what to enter in a field.
func fieldAdvice(e v1.FieldError) string {
	empty := e.Code == "required" || e.Code == "min"
	switch {
	case present.FieldID(e.Pointer) == "syncs" && empty:
		return "Choose at least one."
	case empty:
		return "Enter it."
	case e.Code == "iso4217":
		return "Enter a currency code of three letters, such as EUR, or leave it empty."
	}
	return present.Sentence(present.Capital(e.Detail))
}

// blamed are the fields that a refusal of Autotask's or Channel Program's is about.
func blamed(code string) []v1.FieldError {
	field := func(pointer, detail string) v1.FieldError {
		return v1.FieldError{Pointer: pointer, Code: code, Detail: detail}
	}
	switch code {
	case v1.CodeCredentialsRejected:
		return []v1.FieldError{
			field("#/username", "Check that it is copied whole."),
			field("#/secret", "Copy it again."),
			field("#/trackingIdentifier", "Copy it again."),
		}
	case v1.CodeZoneUnknown:
		return []v1.FieldError{
			field("#/username", "Check that it is copied whole."),
			field("#/zone", "If the user name is right, choose the region by hand."),
		}
	case v1.CodeChannelProgramRejected:
		return []v1.FieldError{
			field("#/channelProgram/connectionId", "Check that it is copied whole."),
			field("#/channelProgram/token", "Copy it again."),
		}
	}
	return nil
}
