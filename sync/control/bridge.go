package control

import (
	"context"
	"crypto/rand"
	"fmt"
	"time"

	v1 "channelsync/api/v1"
	"channelsync/sync/installation"
	"channelsync/sync/issue"
	"channelsync/sync/watch"
)

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
