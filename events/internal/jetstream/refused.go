package jetstream

import (
	"context"
	"errors"
	"fmt"
	"net/http"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"
)

// TooLargeError says that an entry is larger than the server takes. Nothing of it was sent.
type TooLargeError struct {
	Key       string
	Size, Max int // in bytes; a Max of 0: the server does not say
}

// Error names the entry, how large it is and what fits.
func (e *TooLargeError) Error() string {
	if e.Max == 0 {
		return fmt.Sprintf("%s has %d bytes, more than the server takes", e.Key, e.Size)
	}
	return fmt.Sprintf("%s has %d bytes, at most %d fit", e.Key, e.Size, e.Max)
}

// RefusedError says which of several entries the server does not take, whatever it is
// asked; all others are stored.
type RefusedError struct {
	Refused map[string]error // by key
}

// Error names one of them and counts them.
func (e *RefusedError) Error() string {
	for _, err := range e.Refused {
		return fmt.Sprintf("%d entries are refused, of one of them: %v", len(e.Refused), err)
	}
	return "no entry is refused"
}

// messageRoom is what the headers of a message take at most, in bytes.
const messageRoom = 1 << 10

// most is the largest message body that the server takes, as far as is known; 0: it is not.
func (s *Stream) most() int {
	most := s.NC.MaxPayload() - messageRoom
	if limit := int64(s.Handle.CachedInfo().Config.MaxMsgSize); limit > 0 {
		most = min(most, limit-messageRoom)
	}
	return int(max(most, 0)) // a link that was never up knows of none
}

// tooLarge is what is wrong with the size of a message; nil when nothing is.
func (s *Stream) tooLarge(msg *nats.Msg) error {
	if most := s.most(); most > 0 && len(msg.Data) > most {
		return &TooLargeError{Key: msg.Subject, Size: len(msg.Data), Max: most}
	}
	return nil
}

// isRefusal reports errors that are about what was sent, so that sending the same again is
// refused again, from those that are about the server, its room or the order of things.
func isRefusal(err error) bool {
	if errors.Is(err, nats.ErrMaxPayload) {
		return true
	}
	if _, ok := errors.AsType[*TooLargeError](err); ok {
		return true
	}
	api := apiError(err)
	return api != nil && api.Code == http.StatusBadRequest && !IsFull(err) && !IsConflict(err) && !IsUnavailable(err) &&
		!isTooManyBatches(err) && !isDuplicateInBatch(err)
}

// PublishTaken stores messages as one atomic batch. One that the server does not take
// would fail all of them: so those too large are left out, and when the batch is refused
// as a whole its messages are sent one by one. stored receives the sequence of each that
// is stored. What is refused is a *RefusedError by subject.
func (s *Stream) PublishTaken(ctx context.Context, msgs []*nats.Msg, stored func(i int, sequence uint64)) error {
	refused := map[string]error{}
	fit, indexes := make([]*nats.Msg, 0, len(msgs)), make([]int, 0, len(msgs))
	for i, msg := range msgs {
		if err := s.tooLarge(msg); err != nil {
			refused[msg.Subject] = err
			continue
		}
		fit, indexes = append(fit, msg), append(indexes, i)
	}
	err := s.publishOrdered(ctx, fit, func(i int, sequence uint64) { stored(indexes[i], sequence) })
	if isRefusal(err) {
		for i, msg := range fit {
			err = s.publishOrdered(ctx, fit[i:i+1], func(_ int, sequence uint64) { stored(indexes[i], sequence) })
			if isRefusal(err) {
				refused[msg.Subject] = sized(err, msg)
				err = nil
			}
			if err != nil {
				return err
			}
		}
	}
	if err == nil && len(refused) > 0 {
		return &RefusedError{Refused: refused}
	}
	return err
}

// sized gives the refusal of a size its numbers.
func sized(err error, msg *nats.Msg) error {
	if errors.Is(err, nats.ErrMaxPayload) || HasCode(err, jetstream.JSErrCodeStreamMessageExceedsMaximum) {
		return &TooLargeError{Key: msg.Subject, Size: len(msg.Data)}
	}
	return err
}

// publishOrdered stores all messages or none; stored receives the sequence of each.
func (s *Stream) publishOrdered(ctx context.Context, msgs []*nats.Msg, stored func(i int, sequence uint64)) error {
	switch len(msgs) {
	case 0:
		return nil
	case 1:
		ack, err := s.PublishMsg(ctx, msgs[0])
		if err == nil {
			stored(0, ack.Sequence)
		}
		return err
	}
	last, err := s.publishAtomic(ctx, msgs)
	if err != nil {
		return err
	}
	for i := range msgs {
		stored(i, last-uint64(len(msgs)-1-i))
	}
	return nil
}
