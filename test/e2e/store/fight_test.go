package store

import (
	"fmt"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	v1 "channelsync/api/v1"
	"channelsync/test/harness"
	"channelsync/test/harness/service"
	cpsim "channelsync/test/sim/channelprogram/sim"
)

// TestARestoredBackupBesideTheOriginal: two real services work for one installation, each with its own public URL. They
// do not take the webhooks from each other for ever, each says so and names the other, and a person decides who has them.
func TestARestoredBackupBesideTheOriginal(t *testing.T) {
	t.Parallel()
	settings := map[string]string{"webhook-check-interval": "1s"}
	original := service.New(t, service.Options{Autotask: service.Unlimited(), Settings: settings})
	ids := original.Companies(5)
	in := original.Install()
	original.Agree(soon)
	file := backUp(original)
	fresh := filepath.Join(t.TempDir(), "restored")
	keyOf(t, original.DataDir, fresh)
	if _, err := restoring(t, file, fresh, fresh).Run(bounded(t)); err != nil {
		t.Fatal(err)
	}
	original.Autotask.ResetStats()
	restored := service.New(t, service.Options{Beside: original, DataDir: fresh, Settings: settings})

	contested(restored, in.ID, original.CallbackURL)
	contested(original, in.ID, restored.CallbackURL)
	owner := ownerOf(original, restored, in.ID)
	if n := writes(original); n > 6 { // each takes them, and one takes them back, for both entities
		t.Errorf("%d changes until they stopped", n)
	}
	calm := func(what string) {
		t.Helper()
		original.Autotask.ResetStats()
		quiet(t, 5*time.Second) // five checks of each
		if n := writes(original); n != 0 {
			t.Errorf("%s: %d more changes", what, n)
		}
	}
	calm("after the fight")
	contested(restored, in.ID, original.CallbackURL)
	contested(original, in.ID, restored.CallbackURL)
	other := restored
	if owner == restored {
		other = original
	}
	if got := other.Until(in.ID, "is degraded", soon, func(in v1.Installation) bool { return in.State == v1.StateDegraded }); got.ID != in.ID {
		t.Errorf("got %+v", got)
	}
	original.Rename(ids[0], "Found by both")
	original.ClientBecomes(ids[0], "an edit", soon, func(c cpsim.ClientInput) bool { return c.Name == "Found by both" })

	// What was counted outlives a restart.
	other.Stop()
	other.Start()
	contested(other, in.ID, owner.CallbackURL)
	calm("after a restart")

	// A person gives them to the one that had left them.
	harness.OK(t, other.Admin.RepairWebhooks(t.Context(), in.ID))
	other.Eventually("they are the other's now", soon, func() error {
		if url := addresses(other); len(url) != 1 || url[0] != other.CallbackURL+"/callbacks/autotask/"+in.ID {
			return fmt.Errorf("they call %v", url)
		}
		if now := issuesOf(other, in.ID, "webhook_contested"); len(now) != 0 {
			return fmt.Errorf("it still says %+v", now)
		}
		return nil
	})
	contested(owner, in.ID, other.CallbackURL)
	calm("after a person decided")
	other.Until(in.ID, "is live", soon, func(in v1.Installation) bool { return in.State == v1.StateLive })

	// The one that lost them is uninstalled: what is the other's stays.
	harness.OK(t, owner.Admin.Act(t.Context(), in.ID, "", "uninstall"))
	if n := len(other.Autotask.Webhooks()); n != 2 {
		t.Errorf("%d webhooks are left", n)
	}
	other.DeliverAll(soon)
	other.Autotask.ResetStats()
	other.Rename(ids[1], "Told by a callback")
	other.DeliverAll(soon)
	if n := other.Autotask.Stats().Callouts; n.Delivered != 1 || n.FailedAttempts != 0 {
		t.Errorf("callouts %+v, want one that is taken", n)
	}
	other.ClientBecomes(ids[1], "an edit", soon, func(c cpsim.ClientInput) bool { return c.Name == "Told by a callback" })
}

// contested waits for the one issue that names the other's address.
func contested(w *service.Harness, id, otherURL string) {
	w.T.Helper()
	w.Eventually("it says who has the webhooks", soon, func() error {
		issues := issuesOf(w, id, "webhook_contested")
		if len(issues) != 1 || !strings.Contains(issues[0].Detail, otherURL) || issues[0].Severity != v1.SeverityAct ||
			!strings.Contains(issues[0].Fix, "webhook repair") {
			return fmt.Errorf("issues %+v, want one that names %s", issues, otherURL)
		}
		return nil
	})
}

func issuesOf(w *service.Harness, id, code string) []v1.Issue {
	w.T.Helper()
	in, err := w.Admin.Installation(w.T.Context(), id)
	harness.OK(w.T, err)
	return slices.DeleteFunc(in.Issues, func(i v1.Issue) bool { return i.Code != code })
}

// ownerOf waits until one of them has left the webhooks to the other, and returns the other.
func ownerOf(a, b *service.Harness, id string) *service.Harness {
	a.T.Helper()
	var owner *service.Harness
	a.Eventually("one of them leaves the webhooks alone", soon, func() error {
		for _, w := range []*service.Harness{a, b} {
			other := map[*service.Harness]*service.Harness{a: b, b: a}[w]
			left := slices.ContainsFunc(issuesOf(w, id, "webhook_contested"), func(i v1.Issue) bool { return strings.Contains(i.Detail, "left there now") })
			if left && len(addresses(w)) == 1 && addresses(w)[0] == other.CallbackURL+"/callbacks/autotask/"+id {
				owner = other
				return nil
			}
		}
		return fmt.Errorf("they call %v", addresses(a))
	})
	return owner
}

// addresses are where the webhooks call, each once.
func addresses(w *service.Harness) []string {
	var urls []string
	for _, h := range w.Autotask.Webhooks() {
		if !slices.Contains(urls, h.URL) {
			urls = append(urls, h.URL)
		}
	}
	return urls
}

// writes counts what was changed of webhooks since the last reset.
func writes(w *service.Harness) int {
	n := 0
	for resource, ops := range w.Autotask.Stats().Requests {
		if strings.Contains(resource, "Webhooks") {
			n += ops["create"] + ops["update"] + ops["replace"] + ops["delete"]
		}
	}
	return n
}

// quiet looks on for a while.
func quiet(t *testing.T, d time.Duration) {
	t.Helper()
	select {
	case <-time.After(d):
	case <-t.Context().Done():
	}
}
