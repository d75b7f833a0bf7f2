package watch

import (
	"errors"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"channelsync/api/autotask"
	v1 "channelsync/api/v1"
	"channelsync/events/kv"
	"channelsync/sync/installation"
	"channelsync/sync/seal"
	"channelsync/test/harness"
	atsim "channelsync/test/sim/autotask/sim"
)

const restoredURL = "https://restored.msp.example"

// copied is a second service: a copy of an installation in a store of its own, as a restored backup has it.
func (b *bench) copied(w *Watcher) *Watcher {
	b.t.Helper()
	table := func(name string) *kv.Table {
		tab, err := b.bus.Table(b.t.Context(), kv.Config{Name: name, History: 1})
		harness.OK(b.t, err)
		return tab
	}
	b.n++
	prefix := strings.ToLower(b.t.Name()[4:12]) + string(rune('a'+b.n))
	master, err := seal.NewRing([]byte(strings.Repeat("2", seal.KeySize)))
	harness.OK(b.t, err)
	vault, err := seal.OpenVault(b.t.Context(), master, table(prefix+"-keys"))
	harness.OK(b.t, err)
	store, err := installation.Open(b.t.Context(), table(prefix+"-installations"), vault)
	harness.OK(b.t, err)
	in := b.installation(w.ID)
	for i := range in.Registrations {
		in.Registrations[i].ID = 0
	}
	harness.OK(b.t, store.Create(b.t.Context(), in))
	cfg := w.Config
	cfg.Store = store
	return New(cfg)
}

// restarted is a watcher as after a restart of its service.
func restarted(w *Watcher) *Watcher { return New(w.Config) }

// writes counts what was changed at Autotask since the last reset.
func (b *bench) writes() int {
	n := 0
	for resource, ops := range b.at.Stats().Requests {
		if strings.HasSuffix(resource, "Webhooks") {
			n += ops["create"] + ops["update"] + ops["replace"] + ops["delete"]
		}
	}
	return n
}

// left checks that a service leaves its registrations alone.
func (b *bench) left(w *Watcher, public string) {
	b.t.Helper()
	if _, err := w.RepairWebhooks(b.t.Context(), public); !errors.Is(err, ErrContested) {
		b.t.Errorf("got %v, want it to leave them alone", err)
	}
}

// moved is what a service remembers of others' moves.
func moved(t *testing.T, w *Watcher) installation.Contest {
	t.Helper()
	in, err := w.installation()
	harness.OK(t, err)
	return in.Registration("Companies").Moved
}

func ask(t *testing.T, w *Watcher) {
	t.Helper()
	_, err := w.Store.Change(t.Context(), w.ID, func(in *installation.Installation) error {
		for i := range in.Registrations {
			in.Registrations[i].AskedAt = time.Now()
		}
		return nil
	})
	harness.OK(t, err)
}

// TestTwoServicesDoNotFightForEver: a backup restored beside the running original, with another public URL.
func TestTwoServicesDoNotFightForEver(t *testing.T) {
	b := newBench(t, unlimited())
	one := b.watcher()
	b.repair(one, publicURL)
	two := b.copied(one)
	harness.OK(t, one.RotateSecrets(t.Context())) // the copy does not know these
	mine, theirs := CallbackURL(publicURL, one.ID), CallbackURL(restoredURL, one.ID)

	b.repair(two, restoredURL) // its own address is another one now: no fight yet
	if c := moved(t, two); c.Changes != 0 {
		t.Errorf("the copy counts its own change: %+v", c)
	}
	b.repair(one, publicURL)
	b.right(one, publicURL, autotask.CompanyWebhooks, autotask.ContactWebhooks) // with its own secret too
	b.repair(two, restoredURL)

	b.at.ResetStats()
	one = restarted(one)
	for range 5 {
		b.left(one, publicURL)
		b.repair(two, restoredURL)
		b.clock.Add(5 * time.Minute)
		one, two = restarted(one), restarted(two)
	}
	if n := b.writes(); n != 0 {
		t.Errorf("%d more changes", n)
	}
	if c := moved(t, one); !c.Left || c.URL != theirs {
		t.Errorf("the one that left them says %+v, want the address %s", c, theirs)
	}
	if c := moved(t, two); c.Left || c.Changes != 1 || c.URL != mine {
		t.Errorf("the one that has them says %+v, want the address %s", c, mine)
	}
	if err := one.RotateSecrets(t.Context()); !errors.Is(err, ErrContested) || b.writes() != 0 {
		t.Errorf("secrets of what is another's were changed: %v", err)
	}

	ask(t, one) // a person wants them here
	b.repair(one, publicURL)
	b.right(one, publicURL, autotask.CompanyWebhooks, autotask.ContactWebhooks)
	b.at.ResetStats()
	for range 3 {
		b.left(two, restoredURL)
		b.repair(one, publicURL)
	}
	if n := b.writes(); n != 0 {
		t.Errorf("%d changes after a person decided", n)
	}

	harness.OK(t, two.RemoveWebhooks(t.Context())) // uninstalled there: what is another's stays
	b.right(one, publicURL, autotask.CompanyWebhooks, autotask.ContactWebhooks)
}

// TestTheLastOneHeals: the service that has the registrations is uninstalled, or its address is put back by hand.
func TestTheLastOneHeals(t *testing.T) {
	for name, end := range map[string]func(b *bench, two *Watcher){
		"uninstalled": func(b *bench, two *Watcher) { harness.OK(b.t, two.RemoveWebhooks(b.t.Context())) },
		"put back by hand": func(b *bench, two *Watcher) {
			for _, h := range b.hooks(two) {
				b.edit(h.Collection, h.ID, atsim.Row{"webhookUrl": CallbackURL(publicURL, two.ID), "secretKey": "typed by hand"})
			}
		},
		"dead for hours": func(b *bench, two *Watcher) {
			for _, h := range b.hooks(two) {
				b.edit(h.Collection, h.ID, atsim.Row{"isActive": false})
			}
		},
	} {
		t.Run(name, func(t *testing.T) {
			b := newBench(t, unlimited())
			one := b.watcher()
			b.repair(one, publicURL)
			two := b.copied(one)
			b.repair(two, restoredURL)
			b.repair(one, publicURL)
			b.repair(two, restoredURL)
			b.left(one, publicURL)
			end(b, two)
			if strings.HasPrefix(name, "dead") {
				b.left(one, publicURL)
				b.clock.Add(othersAway)
			}
			b.repair(one, publicURL)
			b.right(one, publicURL, autotask.CompanyWebhooks, autotask.ContactWebhooks)
			if c := moved(t, one); c.Left {
				t.Errorf("still %+v", c)
			}
		})
	}
}

// TestInstancesOfOneStoreDoNotFight: they may have other public URLs while the setting is rolled out.
func TestInstancesOfOneStoreDoNotFight(t *testing.T) {
	b := newBench(t, unlimited())
	old := b.watcher()
	b.repair(old, publicURL)
	next := b.again(old.ID)
	for range 4 {
		b.repair(next, restoredURL)
		b.repair(old, publicURL)
	}
	b.right(old, publicURL, autotask.CompanyWebhooks, autotask.ContactWebhooks)
	if c := moved(t, old); c.Changes != 0 {
		t.Errorf("counted %+v", c)
	}
}

// TestWhatIsDoneAgainAndAgainIsLeft: an entity that somebody keeps deleting or changing is left; the other is not.
func TestWhatIsDoneAgainAndAgainIsLeft(t *testing.T) {
	for name, do := range map[string]func(b *bench, h atsim.Webhook){
		"deleted": func(b *bench, h atsim.Webhook) { b.at.Remove(h.Collection, h.ID) },
		"a field removed": func(b *bench, h atsim.Webhook) {
			b.at.Remove("CompanyWebhookFields", b.at.All("CompanyWebhookFields")[0]["id"].(int64))
		},
		"all fields removed": func(b *bench, h atsim.Webhook) {
			for _, row := range b.at.All("CompanyWebhookFields") {
				b.at.Remove("CompanyWebhookFields", row["id"].(int64))
			}
		},
		"renamed": func(b *bench, h atsim.Webhook) { b.edit(h.Collection, h.ID, atsim.Row{"name": "not yours"}) },
	} {
		t.Run(name, func(t *testing.T) {
			b := newBench(t, unlimited())
			w := b.watcher()
			b.repair(w, publicURL)
			again := func() {
				for _, h := range b.at.Webhooks() {
					if h.Collection == "CompanyWebhooks" {
						do(b, h)
					}
				}
			}
			again()
			b.repair(w, publicURL)
			b.right(w, publicURL, autotask.CompanyWebhooks, autotask.ContactWebhooks)
			again()
			b.at.Remove("ContactWebhooks", b.installation(w.ID).Registration("Contacts").ID)
			b.left(w, publicURL) // and the contacts' is made again
			b.at.ResetStats()
			b.left(restarted(w), publicURL)
			if n := b.writes(); n != 0 {
				t.Errorf("%d more changes", n)
			}
			b.clock.Add(TouchedAgain + time.Second)
			b.repair(w, publicURL)
			b.right(w, publicURL, autotask.CompanyWebhooks, autotask.ContactWebhooks)
		})
	}
}

// TestAPersonsRepairGivesOurSecret: that only the secret was changed cannot be read back.
func TestAPersonsRepairGivesOurSecret(t *testing.T) {
	b := newBench(t, unlimited())
	w := b.watcher()
	b.repair(w, publicURL)
	for _, h := range b.hooks(w) {
		b.edit(h.Collection, h.ID, atsim.Row{"secretKey": "typed by hand"})
	}
	ask(t, w)
	if done := b.repair(w, publicURL); done != (Registration{Changed: 2}) {
		t.Errorf("did %+v", done)
	}
	b.right(w, publicURL, autotask.CompanyWebhooks, autotask.ContactWebhooks)
	if done := b.repair(w, publicURL); done != (Registration{}) {
		t.Errorf("the next check did %+v", done)
	}
}

// handOver gives the installation another API user, as new credentials do.
func (b *bench) handOver(id, user string) {
	b.t.Helper()
	_, err := b.store.Change(b.t.Context(), id, func(in *installation.Installation) error {
		in.Secrets.Username = user
		in.HandOver()
		return nil
	})
	harness.OK(b.t, err)
}

// called checks that some registration of each entity calls, under a secret that is taken.
func (b *bench) called(w *Watcher) {
	b.t.Helper()
	in, calls := b.installation(w.ID), map[string]bool{}
	taken := map[v1.Secret]bool{}
	for _, signer := range in.Secrets.Webhooks {
		for _, s := range signer.Valid(b.clock.Now()) {
			taken[s] = true
		}
	}
	for _, h := range b.hooks(w) {
		if h.Active && h.Ready && !calls[h.Collection] { // the oldest: of identical callouts not all are fired
			calls[h.Collection] = taken[v1.Secret(h.Secret)]
		}
	}
	if !calls["CompanyWebhooks"] || !calls["ContactWebhooks"] {
		b.t.Errorf("calls under a secret that is taken: %v", calls)
	}
}

// TestAnotherAPIUserGetsItsOwn: the registrations of the user before end with that user, so the new one's are made
// first, wherever that is cut short, and then those are removed.
func TestAnotherAPIUserGetsItsOwn(t *testing.T) {
	b := newBench(t, unlimited())
	second := b.at.AddUser("second@msp.example", secret)
	cuts := 0
	for cut := 0; cut <= cuts; cut++ {
		for _, lost := range []bool{false, true} {
			w := b.watcher()
			b.repair(w, publicURL)
			before := b.hooks(w)
			b.handOver(w.ID, "second@msp.example")
			b.called(w)
			w = b.again(w.ID)
			b.line.arm(cut, lost)
			_, err := w.RepairWebhooks(t.Context(), publicURL)
			if cut == 0 {
				harness.OK(t, err)
				cuts = b.line.calls
			} else if err == nil {
				t.Fatalf("cut at request %d: no error", cut)
			}
			b.called(w)
			b.line.arm(0, false)
			w = b.again(w.ID)
			b.repair(w, publicURL)
			b.right(w, publicURL, autotask.CompanyWebhooks, autotask.ContactWebhooks)
			for i, h := range b.hooks(w) {
				if h.Owner != second || h.ID == before[i].ID {
					t.Errorf("%s %d belongs to %d, want a new one of %d", h.Collection, h.ID, h.Owner, second)
				}
			}
			in := b.installation(w.ID)
			if len(in.PendingJobs) != 1 || in.PendingJobs[0].Type != "sweep" || len(in.PendingJobs[0].Kinds) != 2 {
				t.Errorf("owed %+v, want one sweep: what the former user's had to deliver is lost", in.PendingJobs)
			}
			if n := len(in.Secrets.Webhooks); n != 4 {
				t.Errorf("%d secrets, want the former ones to be taken for a while", n)
			}
			b.clock.Add(rotated)
			b.repair(w, publicURL)
			if n := len(b.installation(w.ID).Secrets.Webhooks); n != 2 {
				t.Errorf("%d secrets after an hour", n)
			}
			harness.OK(t, w.RemoveWebhooks(t.Context()))
			if t.Failed() {
				t.Fatalf("cut at request %d of %d, sent: %v", cut, cuts, lost)
			}
		}
	}
	if cuts < 25 {
		t.Errorf("a change of the API user took %d requests", cuts)
	}
}

// TestTheFormerUserIsGone, or another one comes before the second had its own.
func TestTheFormerUserIsGone(t *testing.T) {
	b := newBench(t, unlimited())
	b.at.AddUser("second@msp.example", secret)
	third := b.at.AddUser("third@msp.example", secret)
	b.at.AddUser("leaving@msp.example", secret)
	w := b.watcher()
	b.handOver(w.ID, "leaving@msp.example")
	b.repair(b.again(w.ID), publicURL)
	b.at.RemoveUser("leaving@msp.example")
	b.handOver(w.ID, "second@msp.example")
	b.line.arm(7, true)
	if _, err := b.again(w.ID).RepairWebhooks(t.Context(), publicURL); err == nil {
		t.Fatal("no error")
	}
	b.line.arm(0, false)
	b.handOver(w.ID, "third@msp.example")
	w = b.again(w.ID)
	b.repair(w, publicURL)
	b.right(w, publicURL, autotask.CompanyWebhooks, autotask.ContactWebhooks)
	for _, h := range b.hooks(w) {
		if h.Owner != third {
			t.Errorf("%s %d belongs to %d, want %d", h.Collection, h.ID, h.Owner, third)
		}
	}
}

// TestAFormerUsersThatCannotBeRemovedIsSaid: Autotask does not fire all of identical callouts.
func TestAFormerUsersThatCannotBeRemovedIsSaid(t *testing.T) {
	cfg := unlimited()
	cfg.Modes.OwnersOnly = true
	b := newBench(t, cfg)
	b.at.AddUser("second@msp.example", secret)
	w := b.watcher()
	b.repair(w, publicURL)
	b.handOver(w.ID, "second@msp.example")
	w = b.again(w.ID)
	for range 2 {
		if _, err := w.RepairWebhooks(t.Context(), publicURL); !errors.Is(err, ErrFormer) {
			t.Fatalf("got %v", err)
		}
	}
	if n := len(b.hooks(w)); n != 4 {
		t.Errorf("%d registrations, want both users' of both entities", n)
	}
	b.at.RemoveUser(username)
	b.repair(w, publicURL)
	b.right(w, publicURL, autotask.CompanyWebhooks, autotask.ContactWebhooks)
}

// TestTheUserChangesDuringACheck: what the check before found is not the new user's.
func TestTheUserChangesDuringACheck(t *testing.T) {
	b := newBench(t, unlimited())
	b.at.AddUser("second@msp.example", secret)
	w := b.watcher()
	b.repair(w, publicURL)
	b.handOver(w.ID, "second@msp.example") // stored, and the client not told yet
	if _, err := w.RepairWebhooks(t.Context(), publicURL); !errors.Is(err, ErrUserChanges) {
		t.Errorf("got %v", err)
	}
	if in := b.installation(w.ID); in.Registration("Companies") != nil {
		t.Errorf("made under the former user: %+v", in.Registrations)
	}
}

// asks has a person ask for a repair while a check is writing.
type asks struct {
	http.RoundTripper
	ask func()
}

func (a *asks) RoundTrip(r *http.Request) (*http.Response, error) {
	if r.Method == http.MethodPatch && a.ask != nil {
		ask := a.ask
		a.ask = nil
		ask()
	}
	return a.RoundTripper.RoundTrip(r)
}

// TestARepairAskedForDuringACheckIsNotLost: that check may have seen less than the person.
func TestARepairAskedForDuringACheckIsNotLost(t *testing.T) {
	b := newBench(t, unlimited())
	w := b.watcher()
	b.repair(w, publicURL)
	asked := func() bool {
		in, err := w.installation()
		harness.OK(t, err)
		return !in.Registration("Companies").AskedAt.IsZero()
	}
	company := b.hooks(w)[slices.IndexFunc(b.hooks(w), func(h atsim.Webhook) bool { return h.Collection == "CompanyWebhooks" })]
	b.edit("CompanyWebhooks", company.ID, atsim.Row{"name": "By hand"})
	b.line.RoundTripper = &asks{RoundTripper: b.line.RoundTripper, ask: func() { ask(t, w) }}
	b.repair(w, publicURL)
	if !asked() {
		t.Error("the check that was under way took it for its own")
	}
	b.repair(w, publicURL)
	if asked() {
		t.Error("the next check did not answer it")
	}
}
