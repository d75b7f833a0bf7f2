package watch

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"go.uber.org/zap"

	"channelsync/api/autotask"
	v1 "channelsync/api/v1"
	"channelsync/sync/installation"
)

// namePrefix begins the name of every registration we make; the installation's
// id follows, so that a second service on the same Autotask is left alone.
const namePrefix = "channelsync-"

// ErrNotReady says that Autotask took a registration but does not call it yet.
var ErrNotReady = errors.New("the webhook is registered but not ready yet")

// Registration is what a check found and mended.
type Registration struct {
	Created     int
	Reactivated int // found deactivated: what was missed meanwhile must be read again
	Removed     int // orphans and doubles
	Changed     int
}

// RepairWebhooks makes the registrations at Autotask exactly what they should
// be: one per entity, right address, right fields, active, with a secret we know.
// It may be stopped anywhere and run again: what exists is found by name.
func (w *Watcher) RepairWebhooks(ctx context.Context, publicURL string) (Registration, error) {
	var done Registration
	in, err := w.installation()
	if err != nil {
		return done, err
	}
	all := wanted(in)
	if offered, err := w.contractsCallOut(ctx, in); err != nil {
		return done, err
	} else if offered {
		all = append(all, autotask.ContractWebhooks)
	}
	for _, entity := range all {
		if err := w.repair(ctx, entity, publicURL, &done); err != nil {
			return done, fmt.Errorf("register %s: %w", entity, err)
		}
	}
	for _, entity := range []autotask.WebhookEntity{autotask.CompanyWebhooks, autotask.ContactWebhooks, autotask.ContractWebhooks} {
		if !slices.Contains(all, entity) && in.Registration(recordsOf(entity)) != nil {
			if err := w.removeAll(ctx, entity, &done); err != nil {
				return done, err
			}
		}
	}
	return done, nil
}

// RemoveWebhooks deletes every registration of the installation.
func (w *Watcher) RemoveWebhooks(ctx context.Context) error {
	var done Registration
	in, err := w.installation()
	if err != nil {
		return err
	}
	for _, entity := range []autotask.WebhookEntity{autotask.CompanyWebhooks, autotask.ContactWebhooks, autotask.ContractWebhooks} {
		if entity == autotask.ContractWebhooks && in.Registration(recordsOf(entity)) == nil {
			continue // almost certainly no such entity
		}
		if err := w.removeAll(ctx, entity, &done); err != nil {
			return fmt.Errorf("remove %s: %w", entity, err)
		}
	}
	return nil
}

// contractsCallOut asks whether this Autotask calls out for contracts, which no
// known build does: the day one does, it is used.
func (w *Watcher) contractsCallOut(ctx context.Context, in *installation.Installation) (bool, error) {
	if !in.Uses()[v1.KindContract] {
		return false, nil
	}
	if w.Now().Sub(w.calloutsAt) < described {
		return w.callouts, nil
	}
	info, err := w.Autotask.EntityInformation(ctx, autotask.EntityContracts)
	if err != nil && !untold(err) {
		return false, fmt.Errorf("ask whether contracts call out: %w", err)
	}
	w.callouts, w.calloutsAt = err == nil && info.SupportsWebhookCallouts, w.Now()
	return w.callouts, nil
}

// described is how long a build of Autotask is taken to be what it said it is.
const described = 24 * time.Hour

// catalogued is what is known of the fields that an entity's webhooks can carry.
type catalogued struct {
	wanted map[string]int64 // by name: the ids of those that we subscribe to
	absent []string         // those that this Autotask does not have
	at     time.Time
}

// fieldIDs are the ids of the fields to subscribe to, and the names of those that this
// Autotask lacks. They are asked for once a day, and for each new registration.
func (w *Watcher) fieldIDs(ctx context.Context, e autotask.WebhookEntity, fresh bool) (map[string]int64, []string, error) {
	known := w.catalogues[e]
	if fresh || known.at.IsZero() || w.Now().Sub(known.at) >= described {
		catalogue, err := w.Autotask.WebhookCatalogue(ctx, e)
		if err != nil {
			return nil, nil, err
		}
		known = catalogued{wanted: map[string]int64{}, at: w.Now()}
		for _, name := range e.SubscribedFields() {
			if id, ok := catalogue.FieldID(name); ok {
				known.wanted[name] = id
			} else {
				known.absent = append(known.absent, name)
			}
		}
		w.catalogues[e] = known
	}
	return known.wanted, known.absent, nil
}

// untold says whether an error only means that this build of Autotask does not
// tell (or not to this user) what was asked.
func untold(err error) bool {
	switch autotask.KindOf(err) {
	case autotask.KindNotFound, autotask.KindInvalid, autotask.KindPermission, autotask.KindUndecodable:
		return true
	}
	return false
}

// wanted lists the registrations that the installed syncs need.
func wanted(in *installation.Installation) []autotask.WebhookEntity {
	uses := in.Uses()
	var out []autotask.WebhookEntity
	if uses[v1.KindCompany] {
		out = append(out, autotask.CompanyWebhooks)
	}
	if uses[v1.KindContact] {
		out = append(out, autotask.ContactWebhooks)
	}
	return out
}

// recordsOf is the entity whose records a registration calls out for.
func recordsOf(e autotask.WebhookEntity) string {
	switch e {
	case autotask.ContactWebhooks:
		return autotask.EntityContacts
	case autotask.ContractWebhooks:
		return autotask.EntityContracts
	default:
		return autotask.EntityCompanies
	}
}

func (w *Watcher) name(e autotask.WebhookEntity) string {
	return namePrefix + w.ID + "-" + strings.ToLower(recordsOf(e))
}

// CallbackURL is where Autotask posts an installation's callbacks.
func CallbackURL(publicURL, installation string) string {
	return strings.TrimSuffix(publicURL, "/") + "/callbacks/autotask/" + installation
}

func (w *Watcher) repair(ctx context.Context, e autotask.WebhookEntity, publicURL string, done *Registration) error {
	secret, err := w.secret(ctx, recordsOf(e))
	if err != nil {
		return err
	}
	hook, err := w.findOne(ctx, e, done)
	if err != nil {
		return err
	}
	before := *done
	url, fresh := CallbackURL(publicURL, w.ID), false
	if hook == nil {
		id, err := w.Autotask.CreateWebhook(ctx, e, autotask.NewWebhook{
			Name: w.name(e), WebhookURL: url, DeactivationURL: url + "/deactivated", Secret: secret,
		})
		if err != nil {
			return err
		}
		done.Created++
		fresh = true
		hook = &autotask.Webhook{ID: id}
	}
	// Fields first: Autotask may refuse to change a registration that has none, as a crash right after its creation leaves it.
	if err := w.subscribe(ctx, e, hook.ID, fresh, done); err != nil {
		return err
	}
	if !fresh {
		if err := w.adjust(ctx, e, hook, url, secret, done); err != nil {
			return err
		}
	}
	now := *hook
	if *done != before || len(hook.Lacks) > 0 || !hook.Ready() { // else the list has just told
		if now, err = w.Autotask.Webhook(ctx, e, hook.ID); err != nil {
			return err
		}
	}
	if err := w.keep(ctx, e, now); err != nil {
		return err
	}
	if !now.Ready() {
		return ErrNotReady
	}
	return nil
}

// findOne finds the registration by its name and removes its doubles. The one we
// know by id is kept, else the oldest.
func (w *Watcher) findOne(ctx context.Context, e autotask.WebhookEntity, done *Registration) (*autotask.Webhook, error) {
	hooks, err := w.ours(ctx, e)
	if err != nil || len(hooks) == 0 {
		return nil, err
	}
	in, err := w.installation()
	if err != nil {
		return nil, err
	}
	kept := hooks[0]
	if reg := in.Registration(recordsOf(e)); reg != nil {
		for _, h := range hooks {
			if h.ID == reg.ID {
				kept = h
			}
		}
	}
	for _, h := range hooks {
		if h.ID == kept.ID {
			continue
		}
		if err := w.Autotask.DeleteWebhook(ctx, e, h.ID); err != nil {
			return nil, err
		}
		done.Removed++
	}
	return &kept, nil
}

// ours lists the registrations whose name or address says that they are this
// installation's. The address finds those that somebody renamed or copied.
func (w *Watcher) ours(ctx context.Context, e autotask.WebhookEntity) ([]autotask.Webhook, error) {
	hooks, err := w.Autotask.Webhooks(ctx, e, "") // at most 50 of an entity
	if err != nil {
		return nil, err
	}
	return slices.DeleteFunc(hooks, func(h autotask.Webhook) bool {
		return !strings.HasPrefix(h.Name, namePrefix+w.ID) && !strings.HasSuffix(h.WebhookURL, CallbackURL("", w.ID))
	}), nil
}

// adjust changes what differs. A registration that we do not remember may have
// been made with a secret that was never stored: it gets ours.
func (w *Watcher) adjust(ctx context.Context, e autotask.WebhookEntity, h *autotask.Webhook, url string, secret v1.Secret, done *Registration) error {
	in, err := w.installation()
	if err != nil {
		return err
	}
	yes, deactivated, name := true, url+"/deactivated", w.name(e)
	var c autotask.WebhookChange
	changed := false
	set := func(wrong bool, apply func()) {
		if wrong {
			apply()
			changed = true
		}
	}
	reg := in.Registration(recordsOf(e))
	set(reg == nil || reg.ID != h.ID || !h.IsActive, func() { c.Secret = &secret }) // a wrong one is a reason to be inactive
	set(h.Name != name, func() { c.Name = &name })
	set(h.WebhookURL != url, func() { c.WebhookURL = &url })
	set(h.DeactivationURL != deactivated, func() { c.DeactivationURL = &deactivated })
	set(!h.IsSubscribedToCreateEvents, func() { c.CreateEvents = &yes })
	set(!h.IsSubscribedToUpdateEvents, func() { c.UpdateEvents = &yes })
	set(!h.IsSubscribedToDeleteEvents, func() { c.DeleteEvents = &yes })
	set(!h.IsActive, func() { c.IsActive = &yes; done.Reactivated++ })
	if !changed {
		return nil
	}
	if c.IsActive == nil {
		done.Changed++
	}
	return w.Autotask.ChangeWebhook(ctx, e, h.ID, c)
}

// subscribe adds the fields that are missing and takes away those that are not
// ours, whose callbacks would only use up the vendor's hourly share. One call each:
// the vendor has no bulk.
func (w *Watcher) subscribe(ctx context.Context, e autotask.WebhookEntity, id int64, fresh bool, done *Registration) error {
	var has []autotask.WebhookField
	var err error
	if !fresh { // a new one has none
		if has, err = w.Autotask.WebhookFields(ctx, e, id); err != nil {
			return err
		}
	}
	rows := map[int64]autotask.WebhookField{}
	for _, f := range has {
		rows[f.FieldID] = f
	}
	wanted, absent, err := w.fieldIDs(ctx, e, fresh)
	if err != nil {
		return err
	}
	for name, field := range wanted {
		row, there := rows[field]
		delete(rows, field)
		switch {
		case there && row.IsSubscribedField:
			continue
		case there:
			err = w.Autotask.SubscribeWebhookField(ctx, e, id, row.ID)
		default:
			_, err = w.Autotask.AddWebhookField(ctx, e, id, field)
		}
		if err != nil {
			delete(w.catalogues, e) // the ids may be another build's by now
			return fmt.Errorf("field %s: %w", name, err)
		}
		done.Changed++
	}
	for _, row := range rows {
		if err := w.Autotask.RemoveWebhookField(ctx, e, id, row.ID); err != nil {
			return fmt.Errorf("field %d: %w", row.FieldID, err)
		}
		done.Changed++
	}
	if len(absent) > 0 {
		w.Log.Warn("fields cannot be subscribed in this Autotask; the poll and the sweep cover them",
			zap.String(v1.LogEntity, string(e)), zap.Strings("fields", absent))
	}
	return nil
}

// keep remembers the registration as Autotask has it.
func (w *Watcher) keep(ctx context.Context, e autotask.WebhookEntity, h autotask.Webhook) error {
	records := recordsOf(e)
	_, err := w.Store.Change(ctx, w.ID, func(in *installation.Installation) error {
		reg := in.Registration(records)
		if reg == nil {
			in.Registrations = append(in.Registrations, installation.Registration{Entity: records, CreatedAt: w.Now()})
			reg = in.Registration(records)
		}
		if reg.ID == h.ID && reg.GUID == h.GUID && reg.Active == h.IsActive && reg.Ready == h.Ready() {
			return errUnmoved
		}
		reg.ID, reg.GUID, reg.Active, reg.Ready = h.ID, h.GUID, h.IsActive, h.Ready()
		return nil
	})
	if errors.Is(err, errUnmoved) {
		return nil
	}
	return err
}

func (w *Watcher) removeAll(ctx context.Context, e autotask.WebhookEntity, done *Registration) error {
	hooks, err := w.ours(ctx, e)
	if err != nil {
		return err
	}
	for _, h := range hooks {
		if err := w.Autotask.DeleteWebhook(ctx, e, h.ID); err != nil {
			return err
		}
		done.Removed++
	}
	_, err = w.Store.Change(ctx, w.ID, func(in *installation.Installation) error {
		// The secret stays: what is still on its way is authentic and must be answered so.
		in.Registrations = slices.DeleteFunc(in.Registrations, func(r installation.Registration) bool { return r.Entity == recordsOf(e) })
		return nil
	})
	return err
}
