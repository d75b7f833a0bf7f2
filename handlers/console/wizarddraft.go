package console

import (
	"cmp"
	"slices"

	v1 "channelsync/api/v1"
)

// draft is what was entered in the wizard. It is sealed as a whole when it leaves
// here, so its secrets are plain text: a v1.Secret would be masked in it. No page
// is given a draft, only the form made of it.
type draft struct {
	Name               string
	Syncs              []v1.Sync
	Username           string
	Secret             string
	TrackingIdentifier string
	Zone               string // empty: found from the user name
	ConnectionID       string
	Token              string
	Options            v1.Options
	Names              *v1.OptionNames // of what the options choose
	Checks             []v1.Check      // what the last test found
}

// newDraft is an empty form: both syncs, as is recommended, unless one was selected.
func newDraft(selected v1.Sync) draft {
	if slices.Contains(v1.Syncs, selected) {
		return draft{Syncs: []v1.Sync{selected}}
	}
	return draft{Syncs: v1.Syncs}
}

// entered reads the form. A secret that was left empty is the one that was entered
// before; errDraft says that there is none any more, although the form had one.
func (v *visit) entered() (draft, error) {
	before, err := draft{}, error(nil)
	if v.r.PostFormValue("draft") != "" {
		before, err = v.draft()
	}
	d := draft{
		Name: v.field("name"), Username: v.field("username"), Zone: v.field("zone"), ConnectionID: v.field("connectionId"),
		Secret: cmp.Or(v.field("secret"), before.Secret), TrackingIdentifier: cmp.Or(v.field("trackingIdentifier"), before.TrackingIdentifier),
		Token: cmp.Or(v.field("token"), before.Token),
	}
	for _, s := range v1.Syncs {
		if slices.Contains(v.r.PostForm["syncs"], string(s)) {
			d.Syncs = append(d.Syncs, s)
		}
	}
	// The wizard has none of the fields that could be wrong in themselves.
	_, d.Options, d.Names, _ = v.optionsForm()
	if d.Secret != "" && d.TrackingIdentifier != "" && d.Token != "" {
		err = nil // everything was entered anew
	}
	return d, err
}

// draft opens the sealed one that the form carries.
func (v *visit) draft() (draft, error) {
	var d draft
	err := v.sealer.open(v.r.PostFormValue("draft"), &d)
	return d, err
}

// request is the draft as the admin API takes it.
func (d draft) request() v1.CreateInstallation {
	return v1.CreateInstallation{
		Name: d.Name, Username: d.Username, Secret: v1.Secret(d.Secret), TrackingIdentifier: v1.Secret(d.TrackingIdentifier),
		Zone: d.Zone, Syncs: d.Syncs, Options: &d.Options, Names: d.Names,
		ChannelProgram: v1.ChannelProgramTarget{ConnectionID: d.ConnectionID, Token: v1.Secret(d.Token)},
	}
}

// has says whether a sync was selected.
func (d draft) has(s v1.Sync) bool { return slices.Contains(d.Syncs, s) }
