package peer

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/nats-io/nats.go"
	"go.uber.org/zap"

	v1 "channelsync/api/v1"
	js "channelsync/events/internal/jetstream"
	"channelsync/internal/lifecycle"
	"channelsync/internal/panics"
)

// ErrNoInstance says that the instance which was asked is not there, or knows no such service.
var ErrNoInstance = errors.New("the instance does not answer")

// ErrTooLarge says that a question, or an answer, is larger than may be sent.
var ErrTooLarge = errors.New("too large to be passed on")

const (
	// answerPart is how much of an answer one message carries, in bytes.
	answerPart = 256 << 10
	// AnswerMax is the largest answer, in bytes: what the asker must hold in memory at most.
	AnswerMax = 32 << 20
	// askRoom is what headers and the subject may take of the server's largest message.
	askRoom    = 4 << 10
	partHeader = "Channelsync-Part"
	partMore   = "more"
	partLast   = "last"
	partError  = "too-large"
)

// Peers are the instances on one NATS, this one among them.
type Peers struct{ link *js.Link }

// New are the instances that a link leads to.
func New(link *js.Link) *Peers { return &Peers{link} }

// Ask asks another instance something and returns the whole answer. It is for
// questions of one instance to another alone, not for work: nothing is stored, and
// when the context ends it is not known whether the question was taken. A question
// must fit into one message of the server's; an answer comes in as many as it takes.
func (p *Peers) Ask(ctx context.Context, instance, service string, question []byte) ([]byte, error) {
	if len(question) > int(p.link.NC.MaxPayload())-askRoom {
		return nil, fmt.Errorf("ask for %s: %d bytes: %w", service, len(question), ErrTooLarge)
	}
	sub, err := p.link.NC.SubscribeSync(p.link.NC.NewInbox())
	if err != nil {
		return nil, fmt.Errorf("ask for %s: %w", service, err)
	}
	defer func() { _ = sub.Unsubscribe() }()
	if err := p.link.NC.PublishRequest(askSubject(instance, service), sub.Subject, question); err != nil {
		return nil, fmt.Errorf("ask for %s: %w", service, err)
	}
	var answer []byte
	for {
		msg, err := sub.NextMsgWithContext(ctx)
		if errors.Is(err, nats.ErrNoResponders) {
			return nil, fmt.Errorf("ask for %s: %w", service, ErrNoInstance)
		}
		if err != nil {
			return nil, fmt.Errorf("ask for %s: %w", service, errors.Join(err, context.Cause(ctx)))
		}
		answer = append(answer, msg.Data...)
		switch part := msg.Header.Get(partHeader); {
		case part == partLast:
			return answer, nil
		case part != partMore:
			return nil, fmt.Errorf("answer of %s: %w", service, ErrTooLarge)
		}
	}
}

// flushWithin bounds how long a stop waits for the servers to know that nobody answers.
const flushWithin = 300 * time.Millisecond

// answersWithin bounds how long a stop waits for answers under way, whose context has ended.
const answersWithin = 5 * time.Second

// Answer answers what other instances ask this one, each question on a goroutine of
// its own, until the returned function is called. That one ends the answers under way and
// waits for them; a question that comes meanwhile is left to its asker's deadline.
func (p *Peers) Answer(instance, service string, fn func(ctx context.Context, question []byte) []byte) (stop func(), err error) {
	var answers lifecycle.Group
	sub, err := p.link.NC.Subscribe(askSubject(instance, service), func(msg *nats.Msg) {
		answers.Go(p.link.Life, "an answer for "+service, func(ctx context.Context) error {
			err := panics.Try(func() error { p.respond(msg.Reply, fn(ctx, msg.Data)); return nil })
			if err != nil {
				p.link.Log.Error("answering another instance panicked", zap.String(v1.LogOperation, service), zap.Error(err), panics.Stack(err))
			}
			return nil
		})
	})
	if err != nil {
		return nil, fmt.Errorf("answer questions for %s: %w", service, err)
	}
	return func() {
		_ = sub.Unsubscribe()
		_ = p.link.NC.FlushTimeout(flushWithin) // so that whoever asks from now on gets ErrNoInstance at once
		ctx, cancel := context.WithTimeoutCause(context.Background(), answersWithin, fmt.Errorf("not within %s", answersWithin))
		defer cancel()
		if err := answers.Stop(ctx, js.ErrClosed); err != nil {
			p.link.Log.Warn("answers to other instances do not end, abandoning them", zap.Error(err))
		}
	}, nil
}

// respond sends an answer in parts. A part that is lost leaves the asker to its deadline.
func (p *Peers) respond(to string, answer []byte) {
	send := func(part string, data []byte) {
		msg := nats.NewMsg(to)
		msg.Data = data
		msg.Header.Set(partHeader, part)
		_ = p.link.NC.PublishMsg(msg)
	}
	if len(answer) > AnswerMax {
		send(partError, nil)
		return
	}
	for len(answer) > answerPart {
		send(partMore, answer[:answerPart])
		answer = answer[answerPart:]
	}
	send(partLast, answer)
}

func askSubject(instance, service string) string { return "ask." + instance + "." + service }
