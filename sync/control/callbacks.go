package control

import (
	"context"
	"errors"
	"strings"
	"sync"
	"time"

	"go.uber.org/zap"

	v1 "channelsync/api/v1"
	"channelsync/sync/installation"
)

// CallbackReceiver is what the callback handler needs to know of an installation.
type CallbackReceiver struct {
	State   v1.State
	Signers []CallbackSigner
	Uses    map[v1.Kind]bool
}

// CallbackSigner is a registration or a bridge with the secrets valid now.
type CallbackSigner struct {
	GUID    string
	Secrets []v1.Secret
}

// Receiver returns how callbacks of an installation are verified; false when there is none.
func (m *Manager) Receiver(id string) (r CallbackReceiver, found bool) {
	now := m.Now()
	err := m.Store.View(id, func(in *installation.Installation) { r = receiverOf(in, now) })
	return r, err == nil
}

func receiverOf(in *installation.Installation, now time.Time) CallbackReceiver {
	r := CallbackReceiver{State: v1.StateLive, Uses: in.Uses(), Signers: make([]CallbackSigner, 0, len(in.Secrets.Webhooks))}
	switch {
	case in.Uninstalled:
		r.State = v1.StateUninstalled
	case in.Stopped:
		r.State = v1.StateStopped
	}
	for entity, signer := range in.Secrets.Webhooks {
		guid := ""
		if reg := in.Registration(entity); reg != nil {
			guid = reg.GUID
		}
		r.Signers = append(r.Signers, CallbackSigner{GUID: guid, Secrets: signer.Valid(now)})
	}
	return r
}

// callbacks keeps when each registration last called, in memory: it is shown, not relied on.
type callbacks struct {
	mu   sync.Mutex
	last map[string]time.Time // by GUID
	// sequence is the highest number of each registration: a jump means that some were lost.
	sequence map[string]int64
	// doubted are the registrations whose bodies none of our secrets signed.
	doubted map[string]doubt
}

// A secret cannot be read back. Whoever changes nothing else of a registration makes Autotask sign with another one, and
// Autotask gives up after 25 callbacks that were refused. So after two in a row the registration is given our secret
// again, once an hour at most: whoever else sends such bodies cannot cause more than that.
const (
	doubtsInARow = 2
	doubtAgain   = time.Hour
)

type doubt struct {
	inARow int
	put    time.Time // when the secret was given again
}

// SecretDoubted counts a body that names a registration and that none of our secrets signed.
func (m *Manager) SecretDoubted(ctx context.Context, id, guid string) {
	if !m.callbacks.doubt(guid, m.Now()) {
		return
	}
	entity := ""
	_, err := m.Store.Change(ctx, id, func(in *installation.Installation) error {
		for i := range in.Registrations {
			// One that is left to whoever changed it stays so.
			if r := &in.Registrations[i]; !r.Bridge && !r.Former && r.Calls() && strings.EqualFold(r.GUID, guid) {
				entity = r.Entity
				r.ID = 0 // whether Autotask has our secret is not known: the next check gives it
				return nil
			}
		}
		return errNotDoubted
	})
	if errors.Is(err, errNotDoubted) {
		return
	}
	if err != nil {
		m.Log.Warn("record that a webhook's secret may have changed failed, the next callbacks retry", zap.String(v1.LogInstallation, id), zap.Error(err))
		m.callbacks.undoubt(guid)
		return
	}
	m.Log.Warn("callbacks are not signed with our secret, setting it again at the webhook", zap.String(v1.LogInstallation, id), zap.String(v1.LogEntity, entity))
	m.CheckSoon(id)
}

var errNotDoubted = errors.New("it is no registration that calls us")

// doubt counts a body and says whether the registration is to be given our secret now.
func (c *callbacks) doubt(guid string, now time.Time) bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	d := c.doubted[guid]
	d.inARow++
	put := d.inARow >= doubtsInARow && (d.put.IsZero() || now.Sub(d.put) >= doubtAgain)
	if put {
		d = doubt{put: now}
	}
	c.doubted[guid] = d
	return put
}

// trust notes a body that one of our secrets signed.
func (c *callbacks) trust(guid string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if d, doubted := c.doubted[guid]; doubted {
		c.doubted[guid] = doubt{put: d.put}
	}
}

// undoubt forgets what was counted.
func (c *callbacks) undoubt(guid string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	delete(c.doubted, guid)
}

// Delivered counts an authentic callback. A jump in the numbers of its registration means
// that callouts were dropped: the vendor's log is read then.
func (m *Manager) Delivered(installation, guid string, sequence *int64, at time.Time) {
	if guid == "" {
		return
	}
	d := delivery{GUID: strings.ToLower(guid), Sequence: sequence, At: at}
	m.callbacks.trust(d.GUID)
	if m.Cluster != nil && !m.holds(installation) {
		m.publishTo(topicDelivered, installation, d) // the numbers make sense only where all of them are seen
		return
	}
	m.delivered(installation, d)
}

func (m *Manager) delivered(installation string, d delivery) {
	m.callbacks.mu.Lock()
	m.callbacks.last[d.GUID] = d.At
	gap := false
	if d.Sequence != nil {
		last, known := m.callbacks.sequence[d.GUID]
		gap = known && skips(last, *d.Sequence)
		m.callbacks.sequence[d.GUID] = max(last, *d.Sequence)
	}
	m.callbacks.mu.Unlock()
	if gap {
		if rt := m.runtime(installation); rt != nil && rt.gapSeen(d.At) {
			notify(rt.check)
		}
	}
}

// gapSeen lets one check a minute be asked for because of gaps: creations and
// updates are delivered in queues of their own, so small jumps are ordinary.
func (rt *runtime) gapSeen(now time.Time) bool {
	last := rt.lastGap.Load()
	if last != nil && now.Sub(*last) < time.Minute {
		return false
	}
	return rt.lastGap.CompareAndSwap(last, &now)
}

func (m *Manager) lastCallback(reg installation.Registration) time.Time {
	m.callbacks.mu.Lock()
	defer m.callbacks.mu.Unlock()
	return m.callbacks.last[strings.ToLower(reg.GUID)]
}

// skips says whether numbers are missing between two, of which the later is any that a
// signed callback names.
func skips(last, next int64) bool { return next > last && next-1 != last }
