package peer

import (
	"context"
	"fmt"
	"strings"

	"github.com/nats-io/nats.go"
	"go.uber.org/zap"

	v1 "channelsync/api/v1"
	js "channelsync/events/internal/jetstream"
	"channelsync/internal/panics"
)

// Publish sends a hint about an installation to the other instances and this one. Nobody
// may rely on it: it is lost when nobody has subscribed. The topic is one word; data that
// shows who the clients are must be sealed.
func (p *Peers) Publish(topic, installation string, data []byte) error {
	if err := js.CheckInstallation(installation); err != nil {
		return err
	}
	if err := p.link.NC.Publish(topic+"."+installation, data); err != nil {
		return fmt.Errorf("signal %s: %w", topic, err)
	}
	return nil
}

// Subscribe hands what is published of an installation to fn, in order, until ctx ends;
// "*" listens to all installations. Fn must not block.
func (p *Peers) Subscribe(ctx context.Context, topic, installation string, fn func(installation string, data []byte)) error {
	if installation != "*" {
		if err := js.CheckInstallation(installation); err != nil {
			return err
		}
	}
	sub, err := p.link.NC.Subscribe(topic+"."+installation, func(msg *nats.Msg) {
		id := strings.TrimPrefix(msg.Subject, topic+".")
		if err := panics.Try(func() error { fn(id, msg.Data); return nil }); err != nil {
			p.link.Log.Error("handling a signal panicked; it is lost", zap.String(v1.LogOperation, topic), zap.String(v1.LogInstallation, id),
				zap.Error(err), panics.Stack(err))
		}
	})
	if err != nil {
		return fmt.Errorf("listen for %s: %w", topic, err)
	}
	context.AfterFunc(ctx, func() { _ = sub.Unsubscribe() })
	return nil
}
