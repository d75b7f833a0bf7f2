package watch

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"channelsync/api/autotask"
	v1 "channelsync/api/v1"
	"channelsync/sync/installation"
	"channelsync/test/harness"
	atsim "channelsync/test/sim/autotask/sim"
)

// hooks lists the registrations of an installation at Autotask.
func (b *bench) hooks(w *Watcher) []atsim.Webhook {
	var out []atsim.Webhook
	for _, h := range b.at.Webhooks() {
		if strings.Contains(h.Name, w.ID) {
			out = append(out, h)
		}
	}
	return out
}

// right checks that there is exactly one right registration for each entity.
func (b *bench) right(w *Watcher, public string, entities ...autotask.WebhookEntity) {
	b.t.Helper()
	hooks, in := b.hooks(w), b.installation(w.ID)
	if len(hooks) != len(entities) || len(in.Registrations) != len(entities) {
		b.t.Errorf("%d registrations at Autotask and %d remembered, want %d", len(hooks), len(in.Registrations), len(entities))
	}
	for _, e := range entities {
		i := slices.IndexFunc(hooks, func(h atsim.Webhook) bool { return h.Collection == string(e) })
		reg := in.Registration(recordsOf(e))
		if i < 0 || reg == nil {
			b.t.Errorf("%s: at Autotask %d, remembered %v", e, i, reg)
			continue
		}
		h := hooks[i]
		url := public + "/callbacks/autotask/" + w.ID
		want := atsim.Webhook{
			Collection: string(e), ID: reg.ID, GUID: reg.GUID, Name: w.name(e), URL: url, DeactivationURL: url + "/deactivated",
			Secret: in.Secrets.Webhooks[recordsOf(e)].Current, Active: true, Ready: true, Creates: true, Updates: true, Deletes: true,
			Fields: e.SubscribedFields(), Owner: h.Owner,
		}
		slices.Sort(h.Fields)
		slices.Sort(want.Fields)
		if diff := cmp.Diff(want, h); diff != "" || h.Secret == "" {
			b.t.Errorf("%s: %s", e, diff)
		}
		if len(h.Name) > 50 || !reg.Active || !reg.Ready {
			b.t.Errorf("%s: name %q, remembered as %+v", e, h.Name, reg)
		}
	}
}

func (b *bench) repair(w *Watcher, public string) Registration {
	b.t.Helper()
	done, err := w.RepairWebhooks(b.t.Context(), public)
	harness.OK(b.t, err)
	return done
}

func unlimited() atsim.Config {
	return atsim.Config{Modes: atsim.Modes{MaxWebhooks: -1, HourlyThreshold: -1}}
}

func TestRegistrations(t *testing.T) {
	b := newBench(t, unlimited())
	both := []autotask.WebhookEntity{autotask.CompanyWebhooks, autotask.ContactWebhooks}
	for name, one := range map[string]struct {
		syncs []v1.Sync
		want  []autotask.WebhookEntity
	}{
		"both syncs":        {v1.Syncs, both},
		"customers alone":   {[]v1.Sync{v1.SyncActiveCustomers}, both},
		"contracts, no one": {[]v1.Sync{v1.SyncActiveCustomerContracts}, both[:1]},
	} {
		t.Run(name, func(t *testing.T) {
			w := b.watcher(one.syncs...)
			if done := b.repair(w, publicURL); done.Created != len(one.want) {
				t.Errorf("did %+v", done)
			}
			b.right(w, publicURL, one.want...)
			if done := b.repair(w, publicURL); done != (Registration{}) {
				t.Errorf("the second time did %+v", done)
			}
		})
	}
}

func TestActivityStampsAreNotSubscribed(t *testing.T) {
	for _, e := range []autotask.WebhookEntity{autotask.CompanyWebhooks, autotask.ContactWebhooks} {
		for _, f := range e.SubscribedFields() {
			if strings.HasPrefix(strings.ToLower(f), "last") || strings.Contains(strings.ToLower(f), "date") {
				t.Errorf("%s subscribes %s, which moves with everything", e, f)
			}
		}
	}
}

// TestInterruptedRegistrationIsMadeGood cuts the line at every single request, once
// before it is sent and once before its answer arrives, and then repairs.
func TestInterruptedRegistrationIsMadeGood(t *testing.T) {
	b := newBench(t, unlimited())
	all := b.watcher()
	b.line.arm(0, false)
	b.repair(all, publicURL)
	calls := b.line.calls
	if calls < 20 {
		t.Fatalf("a registration took %d requests", calls)
	}
	for cut := 1; cut <= calls; cut++ {
		for _, lost := range []bool{false, true} {
			w := b.watcher()
			b.line.arm(cut, lost)
			if _, err := w.RepairWebhooks(t.Context(), publicURL); err == nil {
				t.Fatalf("cut at request %d: no error", cut)
			}
			b.line.arm(0, false)
			w = b.again(w.ID)
			b.repair(w, publicURL)
			b.right(w, publicURL, autotask.CompanyWebhooks, autotask.ContactWebhooks)
			harness.OK(t, w.RemoveWebhooks(t.Context()))
			if t.Failed() {
				t.Fatalf("cut at request %d of %d, sent: %v", cut, calls, lost)
			}
		}
	}
}

func TestRepairs(t *testing.T) {
	b := newBench(t, unlimited())
	row := func(t *testing.T, w *Watcher, e autotask.WebhookEntity) atsim.Webhook {
		t.Helper()
		for _, h := range b.hooks(w) {
			if h.Collection == string(e) {
				return h
			}
		}
		t.Fatalf("no %s", e)
		return atsim.Webhook{}
	}
	const elsewhere = "https://new.msp.example"
	for name, one := range map[string]struct {
		break_ func(*testing.T, *Watcher)
		public string
		want   Registration
	}{
		"the public URL changed": {func(*testing.T, *Watcher) {}, elsewhere, Registration{Changed: 2}},
		"deactivated": {func(t *testing.T, w *Watcher) {
			b.edit("CompanyWebhooks", row(t, w, autotask.CompanyWebhooks).ID, atsim.Row{"isActive": false})
		}, publicURL, Registration{Reactivated: 1}},
		"deleted": {func(t *testing.T, w *Watcher) {
			b.at.Remove("ContactWebhooks", row(t, w, autotask.ContactWebhooks).ID)
		}, publicURL, Registration{Created: 1, Changed: len(autotask.ContactWebhooks.SubscribedFields())}},
		"no deletions": {func(t *testing.T, w *Watcher) {
			b.edit("CompanyWebhooks", row(t, w, autotask.CompanyWebhooks).ID, atsim.Row{"isSubscribedToDeleteEvents": false})
		}, publicURL, Registration{Changed: 1}},
		"doubled": {func(t *testing.T, w *Watcher) {
			h := row(t, w, autotask.CompanyWebhooks)
			_, err := w.Autotask.CreateWebhook(t.Context(), autotask.CompanyWebhooks, autotask.NewWebhook{
				Name: h.Name, WebhookURL: h.URL, DeactivationURL: h.DeactivationURL, Secret: "another-secret-0123",
			})
			harness.OK(t, err)
		}, publicURL, Registration{Removed: 1}},
		"a noisy field was added": {func(t *testing.T, w *Watcher) {
			catalogue, err := w.Autotask.WebhookCatalogue(t.Context(), autotask.CompanyWebhooks)
			harness.OK(t, err)
			field, known := catalogue.FieldID("lastActivityDate")
			if !known {
				t.Fatal("the simulator does not offer it")
			}
			_, err = w.Autotask.AddWebhookField(t.Context(), autotask.CompanyWebhooks, row(t, w, autotask.CompanyWebhooks).ID, field)
			harness.OK(t, err)
		}, publicURL, Registration{Changed: 1}},
		"somebody renamed it": {func(t *testing.T, w *Watcher) {
			b.edit("CompanyWebhooks", row(t, w, autotask.CompanyWebhooks).ID, atsim.Row{"name": "Renamed by hand"})
		}, publicURL, Registration{Changed: 1}},
		"forgotten by us": {func(t *testing.T, w *Watcher) {
			_, err := b.store.Change(t.Context(), w.ID, func(in *installation.Installation) error {
				in.Registrations = nil
				return nil
			})
			harness.OK(t, err)
		}, publicURL, Registration{Changed: 2}},
		"the secret is another": {func(t *testing.T, w *Watcher) {
			_, err := b.store.Change(t.Context(), w.ID, func(in *installation.Installation) error {
				in.Registration("Companies").ID = 0 // as a rotation leaves it that was cut short
				in.Secrets.Webhooks["Companies"] = installation.Signer{Current: NewSecret()}
				return nil
			})
			harness.OK(t, err)
		}, publicURL, Registration{Changed: 1}},
	} {
		t.Run(name, func(t *testing.T) {
			w := b.watcher()
			b.repair(w, publicURL)
			one.break_(t, w)
			if done := b.repair(w, one.public); done != one.want {
				t.Errorf("did %+v, want %+v", done, one.want)
			}
			b.right(w, one.public, autotask.CompanyWebhooks, autotask.ContactWebhooks)
			harness.OK(t, w.RemoveWebhooks(t.Context()))
		})
	}
}

func TestOthersRegistrationsAreLeftAlone(t *testing.T) {
	b := newBench(t, unlimited())
	one, two := b.watcher(), b.watcher()
	b.repair(one, publicURL)
	b.repair(two, publicURL)
	foreign, err := one.Autotask.CreateWebhook(t.Context(), autotask.CompanyWebhooks, autotask.NewWebhook{
		Name: "somebody else's", WebhookURL: publicURL, DeactivationURL: publicURL, Secret: "another-secret-0123",
	})
	harness.OK(t, err)
	harness.OK(t, one.RemoveWebhooks(t.Context()))
	if n := len(b.hooks(one)); n != 0 {
		t.Errorf("%d of its own are left", n)
	}
	b.right(two, publicURL, autotask.CompanyWebhooks, autotask.ContactWebhooks)
	if !slices.ContainsFunc(b.at.Webhooks(), func(h atsim.Webhook) bool { return h.ID == foreign && h.Collection == "CompanyWebhooks" }) {
		t.Error("somebody else's registration is gone")
	}
	in := b.installation(one.ID)
	if len(in.Registrations) != 0 || in.Secrets.Webhooks["Companies"].Current == "" {
		t.Errorf("remembered: %+v; callbacks that are on their way must stay authentic", in.Registrations)
	}
}

func TestContactsAreLetGoWithTheCustomersSync(t *testing.T) {
	b := newBench(t, unlimited())
	w := b.watcher()
	b.repair(w, publicURL)
	_, err := b.store.Change(t.Context(), w.ID, func(in *installation.Installation) error {
		in.Syncs[v1.SyncActiveCustomers].Uninstalled = true
		return nil
	})
	harness.OK(t, err)
	if done := b.repair(w, publicURL); done != (Registration{Removed: 1}) {
		t.Errorf("did %+v", done)
	}
	b.right(w, publicURL, autotask.CompanyWebhooks)
}

func TestMissingRightIsSaid(t *testing.T) {
	for _, status := range []int{403, 500} {
		t.Run(fmt.Sprint(status), func(t *testing.T) {
			cfg := unlimited()
			cfg.Modes.NoWebhookRight = status
			b := newBench(t, cfg)
			w := b.watcher()
			if _, err := w.RepairWebhooks(t.Context(), publicURL); autotask.KindOf(err) != autotask.KindPermission {
				t.Fatalf("got %v", err)
			}
			b.at.SetModes(func(m *atsim.Modes) { m.NoWebhookRight = 0 })
			b.repair(w, publicURL)
			b.right(w, publicURL, autotask.CompanyWebhooks, autotask.ContactWebhooks)
		})
	}
}

func TestRotation(t *testing.T) {
	b := newBench(t, unlimited())
	w := b.watcher()
	b.repair(w, publicURL)
	before := b.installation(w.ID).Secrets.Webhooks
	harness.OK(t, w.RotateSecrets(t.Context()))
	b.right(w, publicURL, autotask.CompanyWebhooks, autotask.ContactWebhooks)
	for records, signer := range b.installation(w.ID).Secrets.Webhooks {
		if signer.Previous != before[records].Current || signer.Current == signer.Previous || !signer.Until.Equal(b.clock.Now().Add(time.Hour)) {
			t.Errorf("%s: after the rotation %v", records, signer.Until)
		}
	}
	if done := b.repair(w, publicURL); done != (Registration{}) {
		t.Errorf("the next repair did %+v", done)
	}
}

// TestInterruptedRotationIsMadeGood: whatever request is cut, both what Autotask
// signs with and what it will sign with is taken, and a repair ends in the new secret.
func TestInterruptedRotationIsMadeGood(t *testing.T) {
	b := newBench(t, unlimited())
	for cut := 1; cut <= 2; cut++ {
		for _, lost := range []bool{false, true} {
			w := b.watcher()
			b.repair(w, publicURL)
			b.line.arm(cut, lost)
			if err := w.RotateSecrets(t.Context()); err == nil {
				t.Fatalf("cut at request %d: no error", cut)
			}
			b.line.arm(0, false)
			for _, h := range b.hooks(w) {
				signer := b.installation(w.ID).Secrets.Webhooks[strings.TrimSuffix(strings.Replace(h.Collection, "yWebhooks", "ies", 1), "Webhooks")]
				if h.Collection == "ContactWebhooks" {
					signer = b.installation(w.ID).Secrets.Webhooks["Contacts"]
				}
				if !slices.Contains(signer.Valid(b.clock.Now()), v1.Secret(h.Secret)) {
					t.Errorf("cut at request %d, sent: %v: %s is signed with a secret that is not taken", cut, lost, h.Collection)
				}
			}
			w = b.again(w.ID)
			b.repair(w, publicURL)
			b.right(w, publicURL, autotask.CompanyWebhooks, autotask.ContactWebhooks)
			harness.OK(t, w.RemoveWebhooks(t.Context()))
		}
	}
}

func TestNewSecret(t *testing.T) {
	one, two := NewSecret(), NewSecret()
	if one == two || len(one) < 10 || len(one) > 64 {
		t.Errorf("%d characters", len(one))
	}
}
