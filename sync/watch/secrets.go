package watch

import (
	"context"
	"crypto/rand"
	"encoding/base32"
	"fmt"
	"strings"
	"time"

	"channelsync/api/autotask"
	v1 "channelsync/api/v1"
	"channelsync/sync/installation"
)

// secret returns the secret that callbacks of an entity are signed with. It is
// stored before Autotask hears of it, so that no callback comes in unknown.
func (w *Watcher) secret(ctx context.Context, records string) (v1.Secret, error) {
	err := w.change(ctx, func(in *installation.Installation) error {
		if in.Secrets.Webhooks[records].Current != "" {
			return errUnmoved
		}
		if in.Secrets.Webhooks == nil {
			in.Secrets.Webhooks = map[string]installation.Signer{}
		}
		in.Secrets.Webhooks[records] = installation.Signer{Current: NewSecret()}
		return nil
	})
	if err != nil {
		return "", err
	}
	in, err := w.installation()
	if err != nil {
		return "", err
	}
	return v1.Secret(in.Secrets.Webhooks[records].Current), nil
}

// NewSecret makes a secret for signatures: 160 random bits in 32 letters and digits.
func NewSecret() string {
	raw := make([]byte, 20)
	_, _ = rand.Read(raw) // never fails: it ends the process instead
	return strings.ToLower(base32.StdEncoding.EncodeToString(raw))
}

// rotated is how long callbacks signed with the secret before are still taken.
const rotated = time.Hour

// RotateSecrets gives every registration a new secret; the old one stays valid
// for an hour, for what is on its way. Until Autotask has taken the new one the
// registration's id is forgotten, so that a rotation that is cut short is made good
// by the next repair, which gives what it does not remember our secret.
//
// One that is left alone is another service's for now: its secret is not ours to change.
func (w *Watcher) RotateSecrets(ctx context.Context) error {
	in, err := w.begin()
	if err != nil {
		return err
	}
	for _, e := range wanted(in) {
		if reg := in.Registration(recordsOf(e)); reg != nil && (reg.Moved.Left || reg.Touched.Left) {
			return fmt.Errorf("rotate secret of %s: %w", e, ErrContested)
		}
	}
	for _, e := range wanted(in) {
		reg := in.Registration(recordsOf(e))
		if reg == nil || reg.ID == 0 {
			continue // the next repair brings it a new one anyway
		}
		if err := w.rotate(ctx, e, reg.ID); err != nil {
			return fmt.Errorf("rotate secret of %s: %w", e, err)
		}
	}
	return nil
}

func (w *Watcher) rotate(ctx context.Context, e autotask.WebhookEntity, id int64) error {
	records := recordsOf(e)
	secret := v1.Secret(NewSecret())
	remember := func(id int64, edit func(*installation.Installation)) error {
		return w.change(ctx, func(in *installation.Installation) error {
			if reg := in.Registration(records); reg != nil {
				reg.ID = id
			}
			edit(in)
			return nil
		})
	}
	err := remember(0, func(in *installation.Installation) {
		old := in.Secrets.Webhooks[records]
		in.Secrets.Webhooks[records] = installation.Signer{Current: secret.Reveal(), Previous: old.Current, Until: w.Now().Add(rotated)}
	})
	if err != nil {
		return err
	}
	if err := w.Autotask.ChangeWebhook(ctx, e, id, autotask.WebhookChange{Secret: &secret}); err != nil {
		return err
	}
	return remember(id, func(*installation.Installation) {})
}
