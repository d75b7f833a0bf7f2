package control

import (
	"context"
	"encoding/json"
	"errors"
	"time"

	"go.uber.org/zap"

	v1 "channelsync/api/v1"
)

// What instances tell each other. All of it is a hint, or shown and not relied on.
const (
	topicFeed      = "feed"      // an outcome, sealed: it names a client
	topicDelivered = "delivered" // an authentic callback came in at another instance
	topicCheck     = "check"     // the registrations should be looked at
)

// delivery is what is told of a callback.
type delivery struct {
	GUID     string    `json:"guid"`
	Sequence *int64    `json:"sequence,omitempty"`
	At       time.Time `json:"at"`
}

// listen takes what the other instances tell, until ctx ends.
func (m *Manager) listen(ctx context.Context) error {
	return errors.Join(
		m.Bus.Peers().Subscribe(ctx, topicFeed, "*", func(id string, data []byte) { m.heardFeed(ctx, id, data) }),
		m.Bus.Peers().Subscribe(ctx, topicDelivered, "*", func(id string, data []byte) {
			var d delivery
			if m.holds(id) && json.Unmarshal(data, &d) == nil {
				m.delivered(id, d)
			}
		}),
		m.Bus.Peers().Subscribe(ctx, topicCheck, "*", func(id string, _ []byte) {
			if rt := m.runtime(id); rt != nil {
				poke(rt.check)
			}
		}),
	)
}

// tell tells the instance that works for an installation; what is lost is found by the ordinary checks.
func (m *Manager) tell(topic, id string, what any) {
	data, err := json.Marshal(what)
	if err == nil {
		err = m.Bus.Peers().Publish(topic, id, data)
	}
	if err != nil {
		m.Log.Debug("other instances not told", zap.String(v1.LogInstallation, id), zap.String(v1.LogOperation, topic), zap.Error(err))
	}
}

// tellFeed tells every instance of an outcome; this one hears of it the same way.
func (m *Manager) tellFeed(id string, e v1.FeedEvent) {
	ctx, cancel := context.WithTimeout(context.Background(), loadWithin)
	defer cancel()
	ring, err := m.Vault.Existing(ctx, id) // in memory, while the installation is at work
	if err != nil {
		return
	}
	plain, err := json.Marshal(e)
	if err != nil {
		return
	}
	_ = m.Bus.Peers().Publish(topicFeed, id, ring.Seal(topicFeed+"."+id, plain))
}

func (m *Manager) heardFeed(ctx context.Context, id string, data []byte) {
	if !m.feeds.Subscribed(id) {
		return
	}
	ctx, cancel := context.WithTimeout(ctx, loadWithin)
	defer cancel()
	ring, err := m.Vault.Existing(ctx, id)
	if err != nil {
		return
	}
	var e v1.FeedEvent
	plain, err := ring.Open(topicFeed+"."+id, data)
	if err == nil && json.Unmarshal(plain, &e) == nil {
		m.feeds.Publish(id, e)
	}
}
