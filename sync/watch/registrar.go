package watch

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"go.uber.org/zap"

	"channelsync/api/autotask"
	v1 "channelsync/api/v1"
	"channelsync/sync/installation"
	"channelsync/sync/job"
)

// namePrefix begins the name of every registration we make; the installation's
// id follows, so that a second service on the same Autotask is left alone.
const namePrefix = "channelsync-"

// Why a registration is not as it should be.
var (
	// ErrNotReady says that Autotask took a registration but does not call it yet.
	ErrNotReady = errors.New("the webhook is registered but not ready yet")
	// ErrContested says that others keep changing a registration, so that it is left as they made it. The installation
	// says what they did.
	ErrContested = errors.New("others keep changing the webhook, it is left alone")
	// ErrFormer says that the registration of an API user before cannot be removed. Of identical callouts Autotask does
	// not fire all, so ours cannot be relied on beside it.
	ErrFormer = errors.New("the webhook of a former API user cannot be removed")
	// ErrUserChanges says that the API user became another one during a check. The next one begins with it.
	ErrUserChanges = errors.New("the API user is being changed")
)

// Registration is what a check found and corrected.
type Registration struct {
	Created     int
	Reactivated int // found deactivated: what was missed meanwhile must be read again
	Removed     int // orphans, doubles and those of former API users
	Changed     int
	HandedOver  int // a former API user's, of which the present one's took the place
}

// RepairWebhooks makes the registrations at Autotask exactly what they should
// be: one per entity, the present API user's, right address, right fields, active, with a secret we know.
// It may be stopped anywhere and run again: what exists is found by name. What others
// keep changing, or keep from being removed, is the error once everything else is right: ErrContested, ErrFormer.
func (w *Watcher) RepairWebhooks(ctx context.Context, publicURL string) (Registration, error) {
	var done Registration
	in, err := w.begin()
	if err != nil {
		return done, err
	}
	all := wanted(in)
	if offered, err := w.contractsCallOut(ctx, in); err != nil {
		return done, err
	} else if offered {
		all = append(all, autotask.ContractWebhooks)
	}
	var left []error // what nothing more can be done about now, and keeps no other entity back
	for _, entity := range all {
		err := w.repair(ctx, entity, publicURL, &done)
		if err != nil {
			err = fmt.Errorf("register %s: %w", entity, err)
		}
		if errors.Is(err, ErrContested) || errors.Is(err, ErrFormer) {
			left = append(left, err)
		} else if err != nil {
			return done, err
		}
	}
	for _, entity := range []autotask.WebhookEntity{autotask.CompanyWebhooks, autotask.ContactWebhooks, autotask.ContractWebhooks} {
		known := in.Registration(recordsOf(entity)) != nil || len(in.Formers(recordsOf(entity))) > 0
		if known && !slices.Contains(all, entity) {
			if err := w.removeAll(ctx, entity, &done); err != nil {
				return done, err
			}
		}
	}
	w.checked = true
	if err := w.dropExpired(ctx); err != nil {
		return done, err
	}
	return done, errors.Join(left...)
}

// dropExpired forgets the secrets of removed registrations whose time is over.
func (w *Watcher) dropExpired(ctx context.Context) error {
	in, err := w.installation()
	if err != nil || !in.DropExpired(w.Now()) {
		return err
	}
	return w.change(ctx, func(in *installation.Installation) error {
		in.DropExpired(w.Now())
		return nil
	})
}

// begin notes whose registrations are worked on: those of an API user, made with that user's credentials.
func (w *Watcher) begin() (*installation.Installation, error) {
	in, err := w.installation()
	if err != nil {
		return nil, err
	}
	w.user = in.Secrets.Username
	if !strings.EqualFold(w.Autotask.User(), w.user) {
		return nil, ErrUserChanges
	}
	return in, nil
}

// change stores what a check found, unless the API user is another one by now: what was found is not that user's.
func (w *Watcher) change(ctx context.Context, edit func(*installation.Installation) error) error {
	_, err := w.Store.Change(ctx, w.ID, func(in *installation.Installation) error {
		if !strings.EqualFold(in.Secrets.Username, w.user) {
			return ErrUserChanges
		}
		return edit(in)
	})
	if errors.Is(err, errUnmoved) {
		return nil
	}
	return err
}

// RemoveWebhooks deletes every registration of the installation.
func (w *Watcher) RemoveWebhooks(ctx context.Context) error {
	var done Registration
	in, err := w.begin()
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
	if err != nil && !notOffered(err) {
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

// notOffered says whether an error only means that this build of Autotask does not
// offer what was asked, or not to this user.
func notOffered(err error) bool {
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

// deactivation is where Autotask tells that it switched a registration off.
func deactivation(url string) string { return url + "/deactivated" }

func (w *Watcher) repair(ctx context.Context, e autotask.WebhookEntity, publicURL string, done *Registration) error {
	records, url := recordsOf(e), CallbackURL(publicURL, w.ID)
	secret, err := w.secret(ctx, records)
	if err != nil {
		return err
	}
	rows, err := w.ownWebhooks(ctx, e)
	if err != nil {
		return err
	}
	in, err := w.installation()
	if err != nil {
		return err
	}
	found, fields := sortOut(in, records, rows), []autotask.WebhookField(nil)
	if found.hook != nil {
		if fields, err = w.Autotask.WebhookFields(ctx, e, found.hook.ID); err != nil {
			return err
		}
	}
	touched, asked, err := w.weigh(ctx, records, judge(in.Registration(records), found, fields, url, w.name(e)))
	if err != nil {
		return err
	}
	before, hook, fresh := *done, found.hook, found.hook == nil
	if fresh {
		id, err := w.Autotask.CreateWebhook(ctx, e, autotask.NewWebhook{
			Name: w.name(e), WebhookURL: url, DeactivationURL: deactivation(url), Secret: secret,
		})
		if err != nil {
			return err
		}
		done.Created++
		hook = &autotask.Webhook{ID: id}
	}
	// Fields first: Autotask may refuse to change a registration that has none, as a crash right after its creation leaves it.
	left, err := w.subscribe(ctx, e, hook.ID, fields, fresh, done)
	if err != nil {
		return err
	}
	if !fresh {
		if err := w.adjust(ctx, e, hook, url, secret, touched, done); err != nil {
			return err
		}
	}
	now := *hook
	if *done != before || len(hook.Missing) > 0 || !hook.Ready() { // else the list has just told
		if now, err = w.Autotask.Webhook(ctx, e, hook.ID); err != nil {
			return err
		}
	}
	if err := w.keep(ctx, e, now, url, left, asked); err != nil {
		return err
	}
	if !now.Ready() {
		return ErrNotReady
	}
	return w.removeOthers(ctx, e, now, found.others, done)
}

// weigh notes what others did to a registration before anything is put right, so that no crash forgets it. touched says
// that they may have given it a secret of theirs, now or while it was left alone, or that a person asks for ours; asked
// is when, for keep.
func (w *Watcher) weigh(ctx context.Context, records string, f finding) (touched bool, asked time.Time, err error) {
	if f.what == Deactivated && !w.checked {
		f.what = "" // Autotask may have given up on us while we were away
	}
	put := true
	err = w.change(ctx, func(in *installation.Installation) error {
		put, touched, asked = true, f.what == Moved, time.Time{}
		reg := in.Registration(records)
		if reg == nil {
			return errUnmoved
		}
		moved, other := reg.Moved, reg.Touched
		asked = reg.AskedAt
		touched = touched || moved.Left || other.Left || !asked.IsZero()
		if put = weigh(reg, f, w.Now()); reg.Moved == moved && reg.Touched == other {
			return errUnmoved
		}
		return nil
	})
	if err != nil {
		return false, asked, err
	}
	if f.what != "" {
		w.Log.Warn("webhook changed by somebody else", zap.String(v1.LogEntity, records), zap.String("change", f.what), zap.String(v1.LogURL, f.url), zap.Bool("put_right", put))
	}
	if !put {
		return false, asked, ErrContested
	}
	return touched, asked, nil
}

// removeOthers removes what is beside our registration, which is ready: there is no moment in which none calls.
func (w *Watcher) removeOthers(ctx context.Context, e autotask.WebhookEntity, hook autotask.Webhook, others []autotask.Webhook, done *Registration) error {
	for _, h := range others {
		if err := w.remove(ctx, e, h, h.Owner() != hook.Owner()); err != nil {
			return err
		}
		done.Removed++
	}
	in, err := w.installation()
	if err != nil {
		return err
	}
	formers := in.Formers(recordsOf(e))
	if len(formers) == 0 {
		return nil
	}
	done.HandedOver += len(formers)
	return w.change(ctx, func(in *installation.Installation) error {
		in.RemoveFormers(recordsOf(e), w.Now().Add(rotated))
		if !slices.ContainsFunc(in.Registrations, func(r installation.Registration) bool { return r.Former }) {
			// What the former user's had still to deliver is lost with them, deletions too, which leave no stamp.
			in.PendingJobs = append(in.PendingJobs, installation.PendingJob{Type: job.TypeSweep, Kinds: pushed(in), Force: true})
		}
		return nil
	})
}

// pushed are the kinds of records that the installed syncs push.
func pushed(in *installation.Installation) []v1.Kind {
	var kinds []v1.Kind
	if in.Installed(v1.SyncActiveCustomers) {
		kinds = append(kinds, v1.KindCompany)
	}
	if in.Installed(v1.SyncActiveCustomerContracts) {
		kinds = append(kinds, v1.KindContract)
	}
	return kinds
}

// remove deletes a registration. Of another owner's Autotask may answer a refused delete as if there were nothing, so
// that is looked at.
func (w *Watcher) remove(ctx context.Context, e autotask.WebhookEntity, h autotask.Webhook, anothers bool) error {
	err := w.Autotask.DeleteWebhook(ctx, e, h.ID)
	if !anothers {
		return err
	}
	if err == nil {
		_, err = w.Autotask.Webhook(ctx, e, h.ID)
		if autotask.KindOf(err) == autotask.KindNotFound {
			return nil
		}
	}
	if err == nil || autotask.KindOf(err) == autotask.KindPermission {
		return fmt.Errorf("%w: %s %d, owner %d", ErrFormer, e, h.ID, h.Owner())
	}
	return err
}

// ownWebhooks lists the registrations whose name or address says that they are this
// installation's. The address finds those that somebody renamed or copied.
func (w *Watcher) ownWebhooks(ctx context.Context, e autotask.WebhookEntity) ([]autotask.Webhook, error) {
	hooks, err := w.Autotask.Webhooks(ctx, e, "") // at most 50 of an entity
	if err != nil {
		return nil, err
	}
	return slices.DeleteFunc(hooks, func(h autotask.Webhook) bool {
		return !strings.HasPrefix(h.Name, namePrefix+w.ID) && !strings.HasSuffix(h.WebhookURL, CallbackURL("", w.ID))
	}), nil
}

// adjust changes what differs. A registration that we do not remember may have been made with a secret that was never
// stored, and one that others touched may have theirs: it gets ours.
func (w *Watcher) adjust(ctx context.Context, e autotask.WebhookEntity, h *autotask.Webhook, url string, secret v1.Secret, touched bool, done *Registration) error {
	in, err := w.installation()
	if err != nil {
		return err
	}
	yes, deactivated, name := true, deactivation(url), w.name(e)
	var c autotask.WebhookChange
	changed := false
	set := func(wrong bool, apply func()) {
		if wrong {
			apply()
			changed = true
		}
	}
	reg := in.Registration(recordsOf(e))
	set(touched || reg == nil || reg.ID != h.ID || !h.IsActive, func() { c.Secret = &secret }) // a wrong one is a reason to be inactive
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
// the vendor has no bulk. It returns the ids of the fields that fire then.
func (w *Watcher) subscribe(
	ctx context.Context, e autotask.WebhookEntity, id int64, has []autotask.WebhookField, fresh bool, done *Registration,
) ([]int64, error) {
	rows := map[int64]autotask.WebhookField{}
	for _, f := range has {
		rows[f.FieldID] = f
	}
	wanted, absent, err := w.fieldIDs(ctx, e, fresh)
	if err != nil {
		return nil, err
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
			return nil, fmt.Errorf("field %s: %w", name, err)
		}
		done.Changed++
	}
	for _, row := range rows {
		if err := w.Autotask.RemoveWebhookField(ctx, e, id, row.ID); err != nil {
			return nil, fmt.Errorf("field %d: %w", row.FieldID, err)
		}
		done.Changed++
	}
	if len(absent) > 0 {
		w.Log.Warn("fields cannot be subscribed in this Autotask; the poll and the sweep cover them",
			zap.String(v1.LogEntity, string(e)), zap.Strings("fields", absent))
	}
	return slices.Sorted(maps.Values(wanted)), nil
}

// keep remembers the registration as Autotask has it, and as we left it.
func (w *Watcher) keep(ctx context.Context, e autotask.WebhookEntity, h autotask.Webhook, url string, fields []int64, asked time.Time) error {
	records := recordsOf(e)
	return w.change(ctx, func(in *installation.Installation) error {
		reg := in.Registration(records)
		if reg == nil {
			in.Registrations = append(in.Registrations, installation.Registration{Entity: records, CreatedAt: w.Now()})
			reg = in.Registration(records)
		}
		if reg.ID == h.ID && reg.GUID == h.GUID && reg.Active == h.IsActive && reg.Ready == h.Ready() &&
			reg.Owner == h.Owner() && reg.URL == url && slices.Equal(reg.Fields, fields) && asked.IsZero() {
			return errUnmoved
		}
		reg.ID, reg.GUID, reg.Active, reg.Ready = h.ID, h.GUID, h.IsActive, h.Ready()
		reg.Owner, reg.URL, reg.Fields = h.Owner(), url, fields
		if reg.AskedAt.Equal(asked) { // whoever asked later has not seen what this check found
			reg.AskedAt = time.Time{}
		}
		return nil
	})
}

// removeAll deletes every registration of an entity, but for one that another service made its own.
func (w *Watcher) removeAll(ctx context.Context, e autotask.WebhookEntity, done *Registration) error {
	hooks, err := w.ownWebhooks(ctx, e)
	if err != nil {
		return err
	}
	in, err := w.installation()
	if err != nil {
		return err
	}
	reg := in.Registration(recordsOf(e))
	for _, h := range hooks {
		if reg != nil && reg.Moved.URL != "" && h.WebhookURL == reg.Moved.URL && h.WebhookURL != reg.URL {
			continue
		}
		if err := w.Autotask.DeleteWebhook(ctx, e, h.ID); err != nil {
			return err
		}
		done.Removed++
	}
	return w.change(ctx, func(in *installation.Installation) error {
		// The secret stays: what is still on its way is authentic and must be answered so.
		in.RemoveFormers(recordsOf(e), w.Now().Add(rotated))
		in.Registrations = slices.DeleteFunc(in.Registrations, func(r installation.Registration) bool { return r.Entity == recordsOf(e) })
		return nil
	})
}
