package control

import (
	"context"
	"crypto/rand"
	"fmt"

	v1 "channelsync/api/v1"
	"channelsync/sync/installation"
	"channelsync/sync/watch"
)

// maxBridges keeps the secrets that every callback is checked against few.
const maxBridges = 10

// CreateBridge hands out what a bridge of the user's own signs its callbacks
// with. They are treated like Autotask's own; Autotask itself calls for no contract.
func (m *Manager) CreateBridge(ctx context.Context, id string) (v1.Bridge, error) {
	if _, err := m.get(id); err != nil {
		return v1.Bridge{}, err
	}
	if m.PublicURL == "" {
		return v1.Bridge{}, conflict("no public URL is set, so nothing can call this service", describe("no_public_url").Fix)
	}
	b := v1.Bridge{GUID: newGUID(), Secret: watch.NewSecret(), URL: watch.CallbackURL(m.PublicURL, id)}
	_, err := m.Store.Change(ctx, id, func(in *installation.Installation) error {
		bridges := 0
		for _, r := range in.Registrations {
			if r.Bridge {
				bridges++
			}
		}
		if bridges >= maxBridges {
			return conflict(fmt.Sprintf("there are %d bridges already", bridges), "Use one of them.")
		}
		name := "bridge " + b.GUID
		if in.Secrets.Webhooks == nil {
			in.Secrets.Webhooks = map[string]installation.Signer{}
		}
		in.Secrets.Webhooks[name] = installation.Signer{Current: b.Secret}
		in.Registrations = append(in.Registrations, installation.Registration{
			Entity: name, GUID: b.GUID, Active: true, Ready: true, CreatedAt: m.Now(), Bridge: true,
		})
		return nil
	})
	if err != nil {
		return v1.Bridge{}, err
	}
	return b, nil
}

// newGUID makes a random (version 4) UUID.
func newGUID() string {
	var b [16]byte
	_, _ = rand.Read(b[:]) // never fails: it ends the process instead
	b[6], b[8] = b[6]&0x0f|0x40, b[8]&0x3f|0x80
	return fmt.Sprintf("%x-%x-%x-%x-%x", b[:4], b[4:6], b[6:8], b[8:10], b[10:])
}
