package console

import (
	"cmp"
	"slices"

	"github.com/go-chi/chi/v5"

	v1 "channelsync/api/v1"
	"channelsync/handlers/console/present"
)

func (c *Console) lifecycleRoutes(r chi.Router) {
	for _, action := range []string{"stop", "start", "reinstall"} {
		r.Post("/installations/{id}/"+action, c.do(func(v *visit) (done, error) { return v.act("", action) }))
	}
	for _, action := range []string{"stop", "start", "install", "reinstall"} {
		r.Post("/installations/{id}/syncs/{sync}/"+action, c.do(func(v *visit) (done, error) {
			return v.act(v1.Sync(v.r.PathValue("sync")), action)
		}))
	}
	for _, action := range []string{"uninstall", "erase"} {
		r.Get("/installations/{id}/"+action, c.show("confirm", func(v *visit) (*page, error) { return v.confirm(action) }))
		r.Post("/installations/{id}/"+action, c.form("confirm",
			func(v *visit) (done, error) { return v.confirmed(action) },
			func(v *visit) (*page, error) { return v.confirm(action) }))
	}
	r.Post("/installations/{id}/webhooks/repair", c.do((*visit).repairWebhooks))
	r.Post("/installations/{id}/webhooks/rotate-secret", c.do((*visit).rotateSecrets))
	r.Post("/installations/{id}/held/approve", c.do(func(v *visit) (done, error) { return v.decideHeld(true) }))
	r.Post("/installations/{id}/held/discard", c.do(func(v *visit) (done, error) { return v.decideHeld(false) }))
}

// act does what needs no second thought, and goes back to where the button is.
func (v *visit) act(sync v1.Sync, action string) (done, error) {
	if sync != "" && !slices.Contains(v1.Syncs, sync) {
		return done{}, v1.NotFound("There is no such sync.")
	}
	if err := v.api.Act(v.ctx, v.r.PathValue("id"), sync, action); err != nil {
		return done{}, err
	}
	what := "The installation"
	if sync != "" {
		what = present.SyncWords(sync).Name
	}
	say := map[string]string{
		"stop":      what + " is stopped. Changes are kept; Start delivers them.",
		"start":     what + " is started. What waited is delivered within minutes.",
		"install":   what + " is installed. Its first sync has begun.",
		"reinstall": what + " is reinstalled with the settings it had. Its first sync has begun.",
	}[action]
	to := v.backOr("")
	return done{to, say}, nil
}

// confirmData is a page that asks before something is taken away.
type confirmData struct {
	Action, Heading, Button string
	Sync                    v1.Sync
	Effects                 []string // what will happen, and what will not
	TypeName                bool     // the name is to be typed, as nothing brings it back
}

func (v *visit) confirm(action string) (*page, error) {
	in, err := v.installation()
	if err != nil {
		return nil, err
	}
	sync := v1.Sync(v.r.FormValue("sync"))
	if sync != "" && (action == "erase" || !slices.Contains(v1.Syncs, sync)) {
		return nil, v1.NotFound("There is no such sync.")
	}
	d := confirmData{Action: action, Sync: sync}
	name := in.Name
	if v.tenant() {
		name = "Autotask"
	}
	switch {
	case action == "erase":
		d.Heading, d.Button, d.TypeName = "Erase everything about "+name, "Erase for good", true
		d.Effects = []string{
			"The webhooks at Autotask are removed.",
			"Credentials, settings, waiting changes, history and every copy of client data are destroyed here. They cannot be brought back.",
			"Clients and contracts in Channel Program stay there.",
			"The audit keeps a record that it was erased, and when.",
		}
		if v.tenant() {
			d.Effects[3] = "Only your Channel Program contact can install it again. This log-in will show nothing any more."
		}
	case sync != "":
		name = present.SyncWords(sync).Name
		d.Heading, d.Button = "Uninstall "+name, "Uninstall "+name
		d.Effects = []string{
			name + " stops, and the changes that wait for it are dropped. The other sync continues.",
			"Settings are kept, so that it can be reinstalled with one click.",
			"The data that it sent to Channel Program stays there.",
		}
	default:
		d.Heading, d.Button = "Uninstall "+name, "Uninstall"
		d.Effects = []string{
			"The webhooks at Autotask are removed, and both syncs stop.",
			"Changes that have not been delivered yet are dropped" + present.Waits(in.Backlog) + ".",
			"Credentials and settings are kept, so that it can be reinstalled with one click.",
			"Clients and contracts in Channel Program stay there.",
		}
	}
	return &page{Title: d.Heading, Nav: "settings", Installation: in, Data: d}, nil
}

func (v *visit) confirmed(action string) (done, error) {
	id := v.r.PathValue("id")
	sync := v1.Sync(v.field("sync"))
	if action == "erase" {
		in, err := v.installation()
		if err != nil {
			return done{}, err
		}
		if !v1.Same(v.field("name"), in.Name) {
			return done{}, v1.Invalid("Nothing was erased.", v1.FieldError{
				Pointer: "#/name", Code: "name", Detail: "type the name exactly as it is shown",
			})
		}
		sync = ""
	}
	if err := v.api.Act(v.ctx, id, sync, action); err != nil {
		return done{}, err
	}
	switch {
	case action == "erase":
		return done{"/", "It is erased. Clients and contracts in Channel Program are unchanged."}, nil
	case sync != "":
		return done{v.under(""), present.SyncWords(sync).Name + " is uninstalled. Its settings are kept."}, nil
	}
	return done{v.under(""), "The installation is uninstalled. Its settings are kept, so that it can be reinstalled."}, nil
}

func (v *visit) repairWebhooks() (done, error) {
	if err := v.api.RepairWebhooks(v.ctx, v.r.PathValue("id")); err != nil {
		return done{}, err
	}
	return done{v.backOr(""), "The webhooks are being checked, and repaired if needed."}, nil
}

func (v *visit) rotateSecrets() (done, error) {
	if err := v.api.RotateWebhookSecret(v.ctx, v.r.PathValue("id")); err != nil {
		return done{}, err
	}
	return done{v.backOr(""), "The webhooks have new secrets. Callbacks signed with the old ones are accepted for another hour."}, nil
}

func (v *visit) decideHeld(approve bool) (done, error) {
	if err := v.api.DecideMassChange(v.ctx, v.r.PathValue("id"), approve); err != nil {
		return done{}, err
	}
	if approve {
		return done{v.backOr(""), "The mass change is approved and is being delivered."}, nil
	}
	return done{v.backOr(""), "The mass change is discarded. Channel Program stays as it is."}, nil
}

// backOr is the page the button was on, or one of the installation's.
func (v *visit) backOr(page string) string {
	return cmp.Or(v.back(), v.under(page))
}
