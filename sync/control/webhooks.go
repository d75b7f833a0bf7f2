package control

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"strings"
	"time"

	"go.uber.org/zap"

	"channelsync/api/autotask"
	v1 "channelsync/api/v1"
	"channelsync/internal/lifecycle"
	"channelsync/internal/panics"
	"channelsync/internal/progress"
	"channelsync/sync/installation"
	"channelsync/sync/issue"
	"channelsync/sync/watch"
)

// registerSoon is how soon a registration that did not work out is tried again;
// one that the API user has no right to waits for the ordinary check.
const registerSoon = 5 * time.Second

// watchWebhooks keeps the registrations right. Whatever they missed while the
// process or the webhook was away is found by the stamps, which are read after every check.
func (rt *runtime) watchWebhooks(ctx context.Context) {
	if rt.m.PublicURL == "" {
		rt.tried.Store(true)
		rt.issues.Raise(issue.Issue{Code: "no_public_url"})
		return
	}
	for ctx.Err() == nil {
		wait := min(rt.m.Intervals.WebhookCheck, registerSoon)
		rt.failed(ctx, "webhooks", panics.Try(func() error { wait = rt.checkWebhooks(ctx); return nil }))
		progress.Of(ctx).Idle()
		_ = lifecycle.SleepUntil(ctx, wait, rt.check)
	}
}

// checkWebhooks makes one check and says when the next one is due.
func (rt *runtime) checkWebhooks(ctx context.Context) time.Duration {
	interval := rt.m.Intervals.WebhookCheck
	if rt.paused() {
		return interval
	}
	leave, err := rt.watching.Enter(ctx)
	if err != nil {
		return interval
	}
	defer leave()
	progress.Of(ctx).Busy(progress.Bulk)
	done, err := rt.watcher.RepairWebhooks(ctx, rt.m.PublicURL)
	if errors.Is(err, watch.ErrUserChanges) {
		return registerSoon // whoever changes the user asks for a check besides
	}
	rt.tried.Store(true)
	rt.contests()
	if done != (watch.Registration{}) {
		rt.log.Info("webhooks repaired", zap.Int("created", done.Created), zap.Int("reactivated", done.Reactivated),
			zap.Int("removed", done.Removed), zap.Int("changed", done.Changed), zap.Int("handed_over", done.HandedOver))
	}
	if done.HandedOver > 0 {
		notify(rt.newJob) // the sweep that it is followed by
	}
	switch {
	case err == nil:
		rt.registered.Store(true)
		rt.issues.Clear("webhook_not_allowed")
		rt.issues.Clear("webhook_inactive")
		rt.issues.ClearFrom("webhooks")
		rt.failed(ctx, "missed", rt.readMissed(ctx))
		rt.catchUp.Store(true)
		notify(rt.pollNow)
		return interval
	case errors.Is(err, watch.ErrFormer), errors.Is(err, watch.ErrContested):
		rt.registered.Store(false)
		rt.issues.ClearFrom("webhooks")
		if errors.Is(err, watch.ErrFormer) {
			rt.issues.Raise(issue.Issue{Code: "webhook_former_owner", Source: "webhooks", Detail: err.Error(), NextAt: rt.m.Now().Add(interval)})
		}
		return interval
	case autotask.KindOf(err) == autotask.KindPermission:
		rt.registered.Store(false)
		rt.issues.Raise(issue.Issue{Code: "webhook_not_allowed", Source: "webhooks", Detail: err.Error(), NextAt: rt.m.Now().Add(interval)})
		return interval
	case errors.Is(err, watch.ErrNotReady):
		rt.registered.Store(false)
		rt.issues.Raise(issue.Issue{Code: "webhook_inactive", Source: "webhooks", Detail: err.Error(), NextAt: rt.m.Now().Add(min(interval, registerSoon))})
		return min(interval, registerSoon)
	default:
		rt.registered.Store(false)
		rt.failed(ctx, "webhooks", err)
		return min(interval, registerSoon)
	}
}

// readMissed reads the callouts that Autotask gave up on.
func (rt *runtime) readMissed(ctx context.Context) error {
	n, err := rt.watcher.ReadMissed(ctx)
	if n > 0 {
		rt.log.Info("missed callouts read", zap.Int(v1.LogCount, n))
	}
	if err == nil {
		rt.issues.ClearFrom("missed")
	}
	return err
}

// CheckSoon asks for a check of the registrations; the callback handler calls it.
func (m *Manager) CheckSoon(installation string) {
	if rt := m.runtime(installation); rt != nil {
		notify(rt.check)
	} else if m.Cluster != nil {
		m.publishTo(topicCheck, installation, struct{}{})
	}
}

// RepairWebhooks asks for a check of the registrations now that makes them this
// service's, whoever changed them before: a person decided. It is stored, so that it
// reaches the instance that works for the installation, after a restart too.
func (m *Manager) RepairWebhooks(ctx context.Context, id string) error {
	if _, err := m.get(id); err != nil {
		return err
	}
	_, err := m.Store.Change(ctx, id, func(in *installation.Installation) error {
		for i := range in.Registrations {
			if r := &in.Registrations[i]; !r.Bridge && !r.Former {
				r.AskedAt = m.Now()
			}
		}
		return nil
	})
	if err != nil {
		return err
	}
	m.CheckSoon(id)
	return nil
}

// RotateSecrets gives the registrations new secrets; the old ones stay valid for an hour.
func (m *Manager) RotateSecrets(ctx context.Context, id string) error {
	if _, err := m.mine(id); err != nil {
		return err
	}
	rt := m.runtime(id)
	if rt == nil {
		return v1.Conflict("the installation is not running", "Reinstall it first.")
	}
	leave, err := rt.watching.Enter(ctx)
	if err != nil {
		return v1.Unavailable("The registrations are being checked.", "Try again in a moment.")
	}
	defer leave()
	err = rt.watcher.RotateSecrets(ctx)
	if errors.Is(err, watch.ErrContested) {
		return v1.Conflict("the webhooks are left to whoever changed them", "Repair them first; that makes them this service's again.")
	}
	if err != nil {
		return v1.Unavailable("The secrets could not be rotated at Autotask: "+err.Error(), "Try again; both secrets are valid meanwhile.")
	}
	return nil
}

// contests raises what others do to the registrations, and clears what they do no more.
func (rt *runtime) contests() {
	in, err := rt.installation()
	if err != nil {
		return
	}
	open := map[string]bool{}
	for _, i := range contested(in) {
		open[i.Code] = true
		rt.issues.Raise(i)
	}
	for _, code := range []string{"webhook_contested", "webhook_disturbed"} {
		if !open[code] {
			rt.issues.Clear(code)
		}
	}
}

// contested are the issues of registrations that others change: of another address as soon as they did once, of
// anything else from when it is left alone.
func contested(in *installation.Installation) []issue.Issue {
	var moved, touched *installation.Registration
	for i := range in.Registrations {
		r := &in.Registrations[i]
		if r.Moved.Changes > 0 && (moved == nil || r.Moved.LastAt.After(moved.Moved.LastAt)) {
			moved = r
		}
		if r.Touched.Left && (touched == nil || r.Touched.LastAt.After(touched.Touched.LastAt)) {
			touched = r
		}
	}
	var out []issue.Issue
	if moved != nil {
		out = append(out, issue.Issue{Code: "webhook_contested", Detail: movedDetail(moved)})
	}
	if touched != nil {
		out = append(out, issue.Issue{Code: "webhook_disturbed", Detail: touchedDetail(touched), NextAt: touched.Touched.LastAt.Add(watch.TouchedAgain)})
	}
	return out
}

func movedDetail(r *installation.Registration) string {
	c := r.Moved
	said := fmt.Sprintf("Somebody else gave the webhook of %s the address %s, last at %s.", strings.ToLower(r.Entity), c.URL, clockOf(c.LastAt))
	if c.Left {
		return said + fmt.Sprintf(" It was put back to %s before, so it is left there now: this service finds changes by polling.", r.URL)
	}
	return said + fmt.Sprintf(" It was put back to %s. If it happens again, it is left there.", r.URL)
}

func touchedDetail(r *installation.Registration) string {
	c := r.Touched
	did, also := c.What, ""
	if c.What == watch.Deactivated {
		did, also = "switched off", ", which Autotask also does itself when it cannot deliver to "+r.URL
	}
	return fmt.Sprintf("Somebody %s the webhook of %s%s. It was put right, and happened again, last at %s; it is left alone for now, and changes are found by polling.",
		did, strings.ToLower(r.Entity), also, clockOf(c.LastAt))
}

func clockOf(t time.Time) string { return t.UTC().Format("2006-01-02 15:04:05 UTC") }

// maxBridges keeps the secrets that every callback is checked against few.
const maxBridges = 10

// CreateBridge hands out what a bridge of the user's own signs its callbacks
// with. They are treated like Autotask's own; Autotask itself calls for no contract.
func (m *Manager) CreateBridge(ctx context.Context, id, name string) (v1.Bridge, error) {
	in, err := m.get(id)
	if err != nil {
		return v1.Bridge{}, err
	}
	if in.Uninstalled {
		return v1.Bridge{}, v1.Conflict("the installation is uninstalled", "Reinstall it first.")
	}
	if m.PublicURL == "" {
		return v1.Bridge{}, v1.Conflict("no public URL is set, so nothing can call this service", issue.Describe("no_public_url").Fix)
	}
	b := v1.Bridge{GUID: newGUID(), Secret: watch.NewSecret(), URL: watch.CallbackURL(m.PublicURL, id)}
	_, err = m.Store.Change(ctx, id, func(in *installation.Installation) error {
		bridges := 0
		for _, r := range in.Registrations {
			if r.Bridge {
				bridges++
			}
		}
		if bridges >= maxBridges {
			return v1.Conflict(fmt.Sprintf("there are %d bridges already", bridges), "Use one of them, or end one that nothing uses any more.")
		}
		entity := "bridge " + b.GUID
		if in.Secrets.Webhooks == nil {
			in.Secrets.Webhooks = map[string]installation.Signer{}
		}
		in.Secrets.Webhooks[entity] = installation.Signer{Current: b.Secret}
		in.Registrations = append(in.Registrations, installation.Registration{
			Entity: entity, GUID: b.GUID, Name: name, Active: true, Ready: true, CreatedAt: m.Now(), Bridge: true,
		})
		return nil
	})
	if err != nil {
		return v1.Bridge{}, err
	}
	return b, nil
}

// Bridges lists the bridges of an installation, oldest first, without their secrets.
func (m *Manager) Bridges(_ context.Context, id string) ([]v1.BridgeStatus, error) {
	in, err := m.get(id)
	if err != nil {
		return nil, err
	}
	var out []v1.BridgeStatus
	for _, r := range in.Registrations {
		if r.Bridge {
			out = append(out, v1.BridgeStatus{GUID: r.GUID, Name: r.Name, CreatedAt: r.CreatedAt, LastUsedAt: timeOrNil(m.lastCallback(r))})
		}
	}
	return out, nil
}

// EndBridge ends a bridge at once: what is signed with it is refused like a GUID that never was.
func (m *Manager) EndBridge(ctx context.Context, id, guid string) error {
	if _, err := m.get(id); err != nil {
		return err
	}
	_, err := m.Store.Change(ctx, id, func(in *installation.Installation) error {
		ended := in.Bridge(guid)
		if ended == nil {
			return noBridge()
		}
		entity := ended.Entity
		in.EndBridges(func(r *installation.Registration) bool { return r.Entity == entity })
		return nil
	})
	return err
}

// bridgeOverlap is how long the secret is valid that a rotation replaced: callbacks are on their way.
const bridgeOverlap = time.Hour

// RotateBridge gives a bridge a new secret. The one it had stays valid for an hour, unless now is set.
func (m *Manager) RotateBridge(ctx context.Context, id, guid string, now bool) (v1.Bridge, error) {
	if _, err := m.get(id); err != nil {
		return v1.Bridge{}, err
	}
	b := v1.Bridge{Secret: watch.NewSecret(), URL: watch.CallbackURL(m.PublicURL, id)}
	_, err := m.Store.Change(ctx, id, func(in *installation.Installation) error {
		r := in.Bridge(guid)
		if r == nil {
			return noBridge()
		}
		b.GUID = r.GUID
		signer := installation.Signer{Current: b.Secret}
		if !now {
			signer.Previous, signer.Until = in.Secrets.Webhooks[r.Entity].Current, m.Now().Add(bridgeOverlap)
		}
		in.Secrets.Webhooks[r.Entity] = signer
		return nil
	})
	if err != nil {
		return v1.Bridge{}, err
	}
	return b, nil
}

func noBridge() *v1.Problem { return v1.NotFound("There is no such bridge.") }

// newGUID makes a random (version 4) UUID.
func newGUID() string {
	var b [16]byte
	_, _ = rand.Read(b[:]) // never fails: it ends the process instead
	b[6], b[8] = b[6]&0x0f|0x40, b[8]&0x3f|0x80
	return fmt.Sprintf("%x-%x-%x-%x-%x", b[:4], b[4:6], b[6:8], b[8:10], b[10:])
}
