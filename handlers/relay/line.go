package relay

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"strconv"
	"sync"
	"sync/atomic"

	"go.uber.org/zap"

	v1 "channelsync/api/v1"
	"channelsync/handlers/internal/web"
)

// Bus carries questions to an instance, and the answers back.
type Bus interface {
	Ask(ctx context.Context, instance, service string, question []byte) ([]byte, error)
	Answer(instance, service string, fn func(ctx context.Context, question []byte) []byte) (stop func(), err error)
}

// Sealer keeps what it is given unreadable and unchangeable without its key. The
// text says what it was sealed for; it opens for nothing else.
type Sealer interface {
	Seal(purpose string, plain []byte) []byte
	Open(purpose string, sealed []byte) ([]byte, error)
}

// Line is a sealed line to the other instances.
type Line struct {
	self   string
	bus    Bus
	sealer Sealer
	log    *zap.Logger
	asked  atomic.Uint64

	mu       sync.Mutex         // guards what follows
	seen     map[string]*window // by asker
	received uint64             // counts questions
}

// askersMost is how many askers are remembered, about 200 bytes each. An asker is one life of
// an instance, and only who has the master key can be one, so that the least recent of so many
// ended long ago; whoever could still repeat one of its questions would have to hold the key.
const askersMost = 4096

// LineConfig is what a Line needs. Every instance has the sealer's key.
type LineConfig struct {
	Self   string // this instance's id
	Bus    Bus
	Sealer Sealer
	Log    *zap.Logger
}

// NewLine makes a line; nothing is answered before Answer.
func NewLine(cfg LineConfig) *Line {
	return &Line{self: cfg.Self, bus: cfg.Bus, sealer: cfg.Sealer, log: cfg.Log, seen: map[string]*window{}}
}

// errUnopened also names the likely cause.
var errUnopened = errors.New("the other instance's answer cannot be opened; do all instances have the same --master-key?")

// Ask asks an instance. When the context ends it is not known whether the instance received it.
func (l *Line) Ask(ctx context.Context, instance, service string, question []byte) ([]byte, error) {
	number := l.asked.Add(1)
	head := binary.BigEndian.AppendUint64([]byte{byte(len(l.self))}, number)
	plain := append(append(head, l.self...), question...)
	sealed, err := l.bus.Ask(ctx, instance, service, l.sealer.Seal(questionFor(instance, service), plain))
	if err != nil {
		return nil, err //nolint:wrapcheck // named by the bus
	}
	answer, err := l.sealer.Open(answerTo(l.self, number, instance, service), sealed)
	if err != nil {
		return nil, fmt.Errorf("%w: %w", errUnopened, err)
	}
	return answer, nil
}

// Answer answers what other instances ask, until the returned function is called.
func (l *Line) Answer(service string, fn func(ctx context.Context, question []byte) []byte) (stop func(), err error) {
	return l.bus.Answer(l.self, service, func(ctx context.Context, sealed []byte) []byte {
		from, number, question, err := l.open(service, sealed)
		if err != nil {
			l.log.Warn("peer request rejected", zap.String(v1.LogOperation, service), zap.Error(err))
			return nil // which opens for nobody
		}
		answer, ok := l.answer(ctx, service, question, fn)
		if !ok {
			return nil
		}
		return l.sealer.Seal(answerTo(from, number, l.self, service), answer)
	})
}

// answer runs fn, which is on no goroutine of a server's that would recover a panic.
func (l *Line) answer(ctx context.Context, service string, question []byte, fn func(context.Context, []byte) []byte) (answer []byte, ok bool) {
	defer func() {
		if v := recover(); v != nil {
			web.LogPanic(l.log, service, v)
		}
	}()
	return fn(ctx, question), true
}

// open returns who asks what. A question that was asked before is refused.
func (l *Line) open(service string, sealed []byte) (from string, number uint64, question []byte, err error) {
	plain, err := l.sealer.Open(questionFor(l.self, service), sealed)
	if err != nil {
		return "", 0, nil, err //nolint:wrapcheck // says it all
	}
	if len(plain) < 9 || len(plain) < 9+int(plain[0]) {
		return "", 0, nil, errors.New("the question is cut short")
	}
	number, from = binary.BigEndian.Uint64(plain[1:9]), string(plain[9:9+int(plain[0])])
	l.mu.Lock()
	defer l.mu.Unlock()
	if !l.window(from).accept(number) {
		return "", 0, nil, errors.New("the question was asked before")
	}
	return from, number, plain[9+len(from):], nil
}

// window returns what is remembered of an asker; l.mu is held. The least recent is forgotten
// when there are too many.
func (l *Line) window(asker string) *window {
	l.received++
	w := l.seen[asker]
	if w == nil {
		w = &window{}
		l.seen[asker] = w
	}
	w.received = l.received
	if len(l.seen) > askersMost {
		oldest := asker
		for other, one := range l.seen {
			if one.received < l.seen[oldest].received {
				oldest = other
			}
		}
		delete(l.seen, oldest)
	}
	return w
}

func questionFor(instance, service string) string { return "question " + service + " " + instance }

func answerTo(asker string, number uint64, instance, service string) string {
	return "answer " + service + " " + instance + " " + asker + " " + strconv.FormatUint(number, 10)
}

// windowSize is how far a question may be overtaken by later ones.
const windowSize = 1024

// window remembers which numbers, counted from 1, an asker has used. It needs no clock.
type window struct {
	top      uint64
	used     [windowSize / 64]uint64 // a bit for each number modulo windowSize
	received uint64                  // when it was asked last, in questions
}

// accept says whether a number is new.
func (w *window) accept(n uint64) bool {
	if n > w.top {
		for i := w.top + 1; i <= n && i <= w.top+windowSize; i++ {
			*w.word(i) &^= bit(i)
		}
		w.top = n
	} else if w.top-n >= windowSize || *w.word(n)&bit(n) != 0 {
		return false
	}
	*w.word(n) |= bit(n)
	return true
}

func (w *window) word(n uint64) *uint64 { return &w.used[n%windowSize/64] }

func bit(n uint64) uint64 { return 1 << (n % 64) }
