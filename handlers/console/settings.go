package console

import (
	"net/http"

	"github.com/go-chi/chi/v5"

	v1 "channelsync/api/v1"
)

func (c *Console) settingsRoutes(r chi.Router) {
	const at = "/installations/{id}/settings"
	again := (*visit).settings
	r.Get(at, c.show("settings", again))
	r.Post(at+"/name", c.form("settings", (*visit).rename, again))
	r.Post(at+"/credentials", c.form("settings", (*visit).setCredentials, again))
	r.Post(at+"/channel-program", c.form("settings", (*visit).setChannelProgram, again))
	r.Post(at+"/test", c.asked("settings", (*visit).test))
	r.Post(at+"/bridges", c.asked("settings", (*visit).makeBridge))
	r.Post(at+"/bridges/{bridge}/rotate", c.asked("settings", (*visit).rotateBridge))
	r.Post(at+"/bridges/{bridge}/end", c.do((*visit).endBridge))
	c.optionRoutes(r)
}

// settingsData is the settings page with what was entered, never a secret.
type settingsData struct {
	Zones   []v1.Zone
	Form    string            // the form that was refused
	Values  map[string]string // what was entered in it
	Checks  []v1.Check        // what a test found
	Tested  bool
	Bridge  *v1.Bridge // one that was just made, or given a new secret: shown this once
	Bridges []v1.BridgeStatus
	Options optionFields
}

func (v *visit) settings() (*page, error) {
	in, err := v.installation()
	if err != nil {
		return nil, err
	}
	zones, err := v.api.Zones(v.ctx)
	if err != nil {
		return nil, err
	}
	bridges, err := v.api.Bridges(v.ctx, in.ID)
	if err != nil {
		return nil, err
	}
	d := settingsData{Zones: zones, Bridges: bridges, Values: map[string]string{"name": in.Name}, Options: fieldsOf(in.Options)}
	for _, name := range []string{"name", "username", "zone", "connectionId"} {
		if entered, ok := v.r.PostForm[name]; ok && len(entered) > 0 {
			d.Values[name] = entered[0]
		}
	}
	if d.Form = v.field("form"); d.Form != "options" {
		v.choose(&d.Options, &in.Options)
	}
	return &page{Title: "Settings", Nav: "settings", Installation: in, Data: d}, nil
}

// asked serves a POST that changes nothing that is kept in view, but answers with
// a page of its own: what a test found, a secret that is shown once.
func (c *Console) asked(name string, ask func(*visit) (*page, error)) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		v := &visit{c, w, r, r.Context()}
		if !v.parse() {
			return
		}
		p, err := ask(v)
		if err != nil {
			v.fail(err)
			return
		}
		c.render(w, r, http.StatusOK, name, p)
	}
}

func (v *visit) rename() (done, error) {
	name := v.field("name")
	if _, err := v.api.UpdateInstallation(v.ctx, v.r.PathValue("id"), v1.UpdateInstallation{Name: &name}); err != nil {
		return done{}, err
	}
	return done{v.under("/settings"), "The name is changed."}, nil
}

func (v *visit) setCredentials() (done, error) {
	_, err := v.api.SetCredentials(v.ctx, v.r.PathValue("id"), v1.Credentials{
		Username: v.field("username"), Secret: v1.Secret(v.field("secret")),
		TrackingIdentifier: v1.Secret(v.field("trackingIdentifier")), Zone: v.field("zone"),
	})
	if err != nil {
		return done{}, err
	}
	return done{v.under("/settings"), "Autotask accepts the new credentials. Waiting work resumes."}, nil
}

func (v *visit) setChannelProgram() (done, error) {
	_, err := v.api.SetChannelProgram(v.ctx, v.r.PathValue("id"), v1.ChannelProgramTarget{
		ConnectionID: v.field("connectionId"), Token: v1.Secret(v.field("token")),
	})
	if err != nil {
		return done{}, err
	}
	return done{v.under("/settings"), "Channel Program accepts the connection."}, nil
}

// test tries everything the installation needs, and shows what it found.
func (v *visit) test() (*page, error) {
	checks, err := v.api.TestInstallation(v.ctx, v.r.PathValue("id"))
	if err != nil {
		return nil, err
	}
	p, err := v.settings()
	if err != nil {
		return nil, err
	}
	d := p.Data.(settingsData)
	d.Checks, d.Tested = checks.Checks, true
	p.Data = d
	return p, nil
}

func (v *visit) makeBridge() (*page, error) {
	bridge, err := v.api.CreateBridge(v.ctx, v.r.PathValue("id"), v.field("bridge-name"))
	return v.shownBridge(bridge, err)
}

func (v *visit) rotateBridge() (*page, error) {
	bridge, err := v.api.RotateBridge(v.ctx, v.r.PathValue("id"), v.r.PathValue("bridge"), false)
	return v.shownBridge(bridge, err)
}

func (v *visit) endBridge() (done, error) {
	if err := v.api.EndBridge(v.ctx, v.r.PathValue("id"), v.r.PathValue("bridge")); err != nil {
		return done{}, err
	}
	return done{v.under("/settings"), "The bridge has ended. Callbacks signed with it are refused."}, nil
}

// shownBridge is the settings with a secret that is shown this once.
func (v *visit) shownBridge(bridge v1.Bridge, err error) (*page, error) {
	if err != nil {
		return nil, err
	}
	p, err := v.settings()
	if err != nil {
		return nil, err
	}
	d := p.Data.(settingsData)
	d.Bridge = &bridge
	p.Data = d
	return p, nil
}
