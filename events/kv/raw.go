package kv

import (
	"context"
	"errors"
	"fmt"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"

	js "channelsync/events/internal/jetstream"
)

// prefixOf is the subject that a table's keys are read below.
func prefixOf(table string) string { return "$KV." + table + "." }

// putPrefix is the subject that a table's keys are written below.
func putPrefix(l *js.Link, table string) string {
	if l.Domain != "" {
		return l.API + prefixOf(table)
	}
	return prefixOf(table)
}

// LastValue is what the stream of a table that is not open holds of a key; nil when it
// holds nothing.
func LastValue(ctx context.Context, table jetstream.Stream, key string) ([]byte, error) {
	subjects := table.CachedInfo().Config.Subjects
	if len(subjects) != 1 || len(subjects[0]) < 2 {
		return nil, fmt.Errorf("table %s has the subjects %v", table.CachedInfo().Config.Name, subjects)
	}
	msg, err := table.GetLastMsgForSubject(ctx, subjects[0][:len(subjects[0])-1]+key)
	if errors.Is(err, jetstream.ErrMsgNotFound) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	if IsDeletion(msg.Header) {
		return nil, nil
	}
	return msg.Data, nil
}

// Replacement is a message that puts a value in place of whatever a key of a table holds,
// for a table that is not open. A nil Authenticator leaves it without a code.
func Replacement(l *js.Link, a *Authenticator, table, key string, value []byte) *nats.Msg {
	t := &Table{cfg: Config{Name: table, Authenticator: a}}
	msg := nats.NewMsg(putPrefix(l, table) + key)
	msg.Data = value
	return t.sign(msg, key)
}
