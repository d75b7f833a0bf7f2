package events

import (
	"context"
	"encoding/json"
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"
	"go.uber.org/zap"

	v1 "channelsync/api/v1"
	js "channelsync/events/internal/jetstream"
)

// DeadLetters keep what is no longer tried, one for each id.
type DeadLetters struct{ *js.Stream }

// DeadLetter is a record that failed too often, or a callback that could not be read.
type DeadLetter struct {
	// ID is stable, so that the same failure is one entry: "<kind>-<record id>", or
	// "callback-<hash or ulid>". Letters, digits, "-" and "_", at most 64.
	ID           string    `json:"-"`
	Installation string    `json:"-"`
	Kind         string    `json:"kind"` // company, contract, contact or callback
	RecordID     string    `json:"recordId,omitempty"`
	Code         string    `json:"code"`
	Attempts     int       `json:"attempts"`
	FirstAt      time.Time `json:"firstAt"`
	LastAt       time.Time `json:"lastAt"`
	// Sealed is the detail and, of a callback, the raw body; the caller seals it,
	// at most 512 KiB.
	Sealed []byte `json:"sealed,omitempty"`
	// Sequence is where it lies, and Size how many bytes its message has; of one that
	// was read or put.
	Sequence uint64 `json:"-"`
	Size     int    `json:"-"`
}

const (
	sealedMax     = 512 << 10 // bytes; base64 makes them 683 KiB, the server takes 1 MiB
	deadLetterMax = 500       // on a page
)

func (b *Bus) openDeadLetters(ctx context.Context) error {
	handle, err := b.EnsureStream(ctx, deadConfig(b.Config()))
	if err != nil {
		return err
	}
	b.dead = &DeadLetters{b.Use(handle, js.ProbeTo("dead.probe"))}
	return nil
}

// Put keeps a dead letter, in place of an earlier one with its id, and returns it with
// where it lies.
func (d *DeadLetters) Put(ctx context.Context, l DeadLetter) (DeadLetter, error) {
	subject, err := deadSubject(l.Installation, l.ID)
	if err != nil {
		return l, err
	}
	if len(l.Sealed) > sealedMax {
		return l, fmt.Errorf("put dead letter: %d sealed bytes; at most %d fit", len(l.Sealed), sealedMax)
	}
	body, err := json.Marshal(l)
	if err != nil {
		return l, fmt.Errorf("encode dead letter: %w", err)
	}
	msg := nats.NewMsg(subject)
	msg.Data = body
	l.Size = len(body)
	err = d.Call(ctx, "put dead letter", func(ctx context.Context) error {
		ack, err := d.PublishMsg(ctx, msg)
		if err == nil {
			l.Sequence = ack.Sequence
		}
		return err
	})
	return l, err
}

// List returns up to limit dead letters (1 to 500) in the order they were put,
// and the cursor of the next page, empty on the last. The first cursor is empty.
func (d *DeadLetters) List(
	ctx context.Context, installation, cursor string, limit int,
) (list []DeadLetter, next string, err error) {
	if err := js.CheckInstallation(installation); err != nil {
		return nil, "", err
	}
	if limit < 1 || limit > deadLetterMax {
		return nil, "", fmt.Errorf("list dead letters: limit %d; want 1 to %d", limit, deadLetterMax)
	}
	req := js.GetRequest{NextFor: "dead." + installation + ".*", Batch: limit, Seq: 1}
	if cursor != "" {
		if req.Seq, err = strconv.ParseUint(cursor, 10, 63); err != nil || req.Seq == 0 {
			return nil, "", fmt.Errorf("cursor %q: %w", cursor, js.ErrBadName)
		}
	}
	err = d.Call(ctx, "list dead letters", func(ctx context.Context) error {
		p, err := d.DirectGet(ctx, req)
		if err != nil {
			return err
		}
		list = make([]DeadLetter, 0, len(p.Msgs))
		for _, msg := range p.Msgs {
			l, err := readDeadLetter(msg)
			if err != nil { // somebody else wrote it, who keeps nobody from the others
				d.Log.Error("a dead letter cannot be read, skipping it", zap.Uint64(v1.LogSequence, msg.Sequence), zap.Error(err))
				continue
			}
			list = append(list, l)
		}
		if len(p.Msgs) > 0 && p.Pending > 0 {
			next = strconv.FormatUint(p.Msgs[len(p.Msgs)-1].Sequence+1, 10)
		}
		return nil
	})
	return list, next, err
}

// Get returns one dead letter, or ErrNotFound.
func (d *DeadLetters) Get(ctx context.Context, installation, id string) (DeadLetter, error) {
	subject, err := deadSubject(installation, id)
	if err != nil {
		return DeadLetter{}, err
	}
	var l DeadLetter
	err = d.Call(ctx, "get dead letter", func(ctx context.Context) error {
		msg, err := d.LastMsg(ctx, subject)
		if err != nil {
			return err
		}
		l, err = readDeadLetter(msg)
		return err
	})
	return l, err
}

// Having returns the installations that have a dead letter of an id.
func (d *DeadLetters) Having(ctx context.Context, id string) (map[string]bool, error) {
	having := map[string]bool{}
	err := d.Call(ctx, "look for dead letters", func(ctx context.Context) error {
		return d.DirectEach(ctx, js.GetRequest{NextFor: "dead.*." + id}, func(msgs []*jetstream.RawStreamMsg) error {
			for _, msg := range msgs {
				if parts := strings.SplitN(msg.Subject, ".", 3); len(parts) == 3 {
					having[parts[1]] = true
				}
			}
			return nil
		})
	})
	return having, err
}

// Delete removes a dead letter; one that is not there is fine.
func (d *DeadLetters) Delete(ctx context.Context, installation, id string) error {
	subject, err := deadSubject(installation, id)
	if err != nil {
		return err
	}
	return d.Call(ctx, "delete dead letter", func(ctx context.Context) error { return d.PurgeSubject(ctx, subject, 0) })
}

// DeleteRead removes a dead letter as it was read; one that was put in its place
// since then stays.
func (d *DeadLetters) DeleteRead(ctx context.Context, read DeadLetter) error {
	subject, err := deadSubject(read.Installation, read.ID)
	if err != nil {
		return err
	}
	return d.Call(ctx, "delete dead letter", func(ctx context.Context) error { return d.PurgeSubject(ctx, subject, read.Sequence+1) })
}

// Count is how many dead letters an installation has.
func (d *DeadLetters) Count(ctx context.Context, installation string) (n int, err error) {
	if err := js.CheckInstallation(installation); err != nil {
		return 0, err
	}
	err = d.Call(ctx, "count dead letters", func(ctx context.Context) error {
		n, _, err = d.CountMsgs(ctx, "dead."+installation+".*")
		return err
	})
	return n, err
}

// Total is how many dead letters all installations have together.
func (d *DeadLetters) Total(ctx context.Context) (n int, err error) {
	err = d.Call(ctx, "count all dead letters", func(ctx context.Context) error {
		n, _, err = d.CountMsgs(ctx, "dead.*.*") // not the probe's
		return err
	})
	return n, err
}

// PurgeInstallation removes every dead letter of an installation.
func (d *DeadLetters) PurgeInstallation(ctx context.Context, installation string) error {
	if err := js.CheckInstallation(installation); err != nil {
		return err
	}
	return d.Call(ctx, "purge dead letters", func(ctx context.Context) error {
		return d.PurgeSubject(ctx, "dead."+installation+".>", 0)
	})
}

func deadSubject(installation, id string) (string, error) {
	if err := js.CheckInstallation(installation); err != nil {
		return "", err
	}
	if len(id) == 0 || len(id) > 64 {
		return "", fmt.Errorf("dead letter %q: %w", id, js.ErrBadName)
	}
	for i := range len(id) {
		if c := id[i]; !js.IsAlphanumeric(c) && c != '-' && c != '_' {
			return "", fmt.Errorf("dead letter %q: %w", id, js.ErrBadName)
		}
	}
	return "dead." + installation + "." + id, nil
}

func readDeadLetter(msg *jetstream.RawStreamMsg) (DeadLetter, error) {
	var l DeadLetter
	if err := json.Unmarshal(msg.Data, &l); err != nil {
		return l, fmt.Errorf("decode dead letter %d: %w", msg.Sequence, err)
	}
	prefix := len("dead.") + js.InstallationLength + 1
	if len(msg.Subject) <= prefix {
		return l, fmt.Errorf("subject %q: %w", msg.Subject, js.ErrBadName)
	}
	l.Installation, l.ID, l.Sequence, l.Size = msg.Subject[len("dead."):prefix-1], msg.Subject[prefix:], msg.Sequence, len(msg.Data)
	return l, nil
}
