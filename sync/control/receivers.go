package control

import (
	"context"
	"errors"
	"strings"
	"sync"
	"time"

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
func (m *Manager) Receiver(_ context.Context, id string) (CallbackReceiver, bool, error) {
	in, err := m.Store.Get(id)
	if errors.Is(err, installation.ErrNotFound) {
		return CallbackReceiver{}, false, nil
	}
	if err != nil {
		return CallbackReceiver{}, false, err
	}
	r := CallbackReceiver{State: v1.StateLive, Uses: in.Uses()}
	switch {
	case in.Uninstalled:
		r.State = v1.StateUninstalled
	case in.Stopped:
		r.State = v1.StateStopped
	}
	now := m.Now()
	for entity, signer := range in.Secrets.Webhooks {
		guid := ""
		if reg := in.Registration(entity); reg != nil {
			guid = reg.GUID
		}
		r.Signers = append(r.Signers, CallbackSigner{GUID: guid, Secrets: signer.Valid(now)})
	}
	return r, true, nil
}

// callbacks keeps when each registration last called, in memory: it is shown, not relied on.
type callbacks struct {
	mu   sync.Mutex
	last map[string]time.Time // by GUID
}

// Delivered is told of an authentic callback.
func (m *Manager) Delivered(guid string, at time.Time) {
	if guid == "" {
		return
	}
	m.callbacks.mu.Lock()
	defer m.callbacks.mu.Unlock()
	m.callbacks.last[strings.ToLower(guid)] = at
}

func (m *Manager) lastCallback(reg installation.Registration) time.Time {
	m.callbacks.mu.Lock()
	defer m.callbacks.mu.Unlock()
	return m.callbacks.last[strings.ToLower(reg.GUID)]
}
