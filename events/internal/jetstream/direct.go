package jetstream

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strconv"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"

	"channelsync/internal/lifecycle"
	"channelsync/internal/progress"
)

// GetRequest is a batched direct get (ADR-31): the messages from a sequence or
// time on that match a subject, or the last one of each of several subjects.
type GetRequest struct {
	Seq       uint64     `json:"seq,omitempty"`
	Batch     int        `json:"batch,omitempty"`
	MaxBytes  int        `json:"max_bytes,omitempty"`
	NextFor   string     `json:"next_by_subj,omitempty"`
	StartTime *time.Time `json:"start_time,omitempty"`
	LastFor   []string   `json:"multi_last,omitempty"`
}

// Page is the answer: messages in ascending sequence, and how many more match.
type Page struct {
	Msgs    []*jetstream.RawStreamMsg
	Pending int
}

// answerMax bounds an answer, in bytes: the server cuts off a client that has 64
// MiB waiting. The rest is asked for again.
const answerMax = 8 << 20

// lastForMax is how many subjects one request for last messages may name; the
// server refuses more than 1,024.
const lastForMax = 500

// DirectGet asks the stream directly, past the API queue. Unlike jetstreamext.GetBatch
// it tells an answer that was cut off from a complete one: taking the first for
// the second would make stored records look absent.
//
// A cluster has nobody to answer right after a stream was made, or while its servers
// start: it is asked again until then.
func (s *Stream) DirectGet(ctx context.Context, req GetRequest) (Page, error) {
	ctx, cancel := context.WithTimeout(ctx, OpTimeout)
	defer cancel()
	for {
		p, err := s.ask(ctx, req)
		progress.Move(ctx)
		if s.Inside || !errors.Is(err, nats.ErrNoResponders) {
			return p, err
		}
		if lifecycle.Sleep(ctx, AskAgain) != nil {
			return p, err
		}
	}
}

// AskAgain is the pause before a stream that nobody answered for is asked again.
const AskAgain = 100 * time.Millisecond

// ask is one request and its answer.
func (s *Stream) ask(ctx context.Context, req GetRequest) (Page, error) {
	if req.StartTime == nil && req.Seq == 0 && len(req.LastFor) == 0 {
		req.Seq = 1
	}
	req.MaxBytes = answerMax
	body, err := json.Marshal(req)
	if err != nil {
		return Page{}, fmt.Errorf("encode request: %w", err)
	}
	sub, err := s.NC.SubscribeSync(s.NC.NewInbox())
	if err != nil {
		return Page{}, fmt.Errorf("subscribe to the answer: %w", err)
	}
	defer func() { _ = sub.Unsubscribe() }()
	if err := s.NC.PublishRequest(s.API+"DIRECT.GET."+s.Name, sub.Subject, body); err != nil {
		return Page{}, err
	}
	var p Page
	for {
		msg, err := sub.NextMsgWithContext(ctx)
		if err != nil {
			return Page{}, fmt.Errorf("after %d messages: %w", len(p.Msgs), err)
		}
		raw, end, err := readDirect(msg)
		switch {
		case err != nil:
			return Page{}, err
		case raw != nil:
			p.Msgs = append(p.Msgs, raw)
		}
		if raw != nil || end {
			p.Pending, _ = strconv.Atoi(msg.Header.Get("Nats-Num-Pending"))
		}
		if end {
			return p, nil
		}
	}
}

// readDirect is one message of an answer, or its end, or why there is none.
func readDirect(msg *nats.Msg) (raw *jetstream.RawStreamMsg, end bool, err error) {
	if status := msg.Header.Get("Status"); status != "" && len(msg.Data) == 0 {
		description := msg.Header.Get("Description")
		switch {
		case status == "204" && description == "EOB":
			return nil, true, nil
		case status == "404":
			return nil, true, nil
		case status == "503":
			return nil, true, nats.ErrNoResponders
		}
		return nil, true, fmt.Errorf("the stream answered %s %s", status, description)
	}
	seq, err := strconv.ParseUint(msg.Header.Get(jetstream.SequenceHeader), 10, 64)
	if err != nil {
		return nil, true, fmt.Errorf("read a message's sequence: %w", err)
	}
	at, err := time.Parse(time.RFC3339Nano, msg.Header.Get(jetstream.TimeStampHeaer))
	if err != nil {
		return nil, true, fmt.Errorf("read a message's time: %w", err)
	}
	return &jetstream.RawStreamMsg{
		Subject: msg.Header.Get(jetstream.SubjectHeader), Sequence: seq, Time: at, Header: msg.Header, Data: msg.Data,
	}, false, nil
}

// CountMsgs is how many messages match the filter, and the oldest of them.
func (s *Stream) CountMsgs(ctx context.Context, filter string) (int, *jetstream.RawStreamMsg, error) {
	p, err := s.DirectGet(ctx, GetRequest{NextFor: filter, Batch: 1})
	if err != nil || len(p.Msgs) == 0 {
		return 0, nil, err
	}
	return 1 + p.Pending, p.Msgs[0], nil
}

// DirectEach hands on every message that matches the filter, from a sequence on, page
// by page, so that no answer grows with the stream. A message stored while it
// runs may or may not be among them.
func (s *Stream) DirectEach(ctx context.Context, req GetRequest, fn func([]*jetstream.RawStreamMsg) error) error {
	req.Batch = BatchMax
	for {
		p, err := s.DirectPage(ctx, req)
		if err != nil {
			return err
		}
		if len(p.Msgs) == 0 {
			return nil
		}
		if err := fn(p.Msgs); err != nil {
			return err
		}
		if p.Pending == 0 {
			return nil
		}
		req.StartTime, req.Seq = nil, p.Msgs[len(p.Msgs)-1].Sequence+1
	}
}

// DirectPage is get with a deadline of its own, for loops that may take long in all.
func (s *Stream) DirectPage(ctx context.Context, req GetRequest) (Page, error) {
	ctx, cancel := context.WithTimeout(ctx, OpTimeout)
	defer cancel()
	return s.DirectGet(ctx, req)
}

// DirectLast is the last message of each subject that has one.
func (s *Stream) DirectLast(ctx context.Context, subjects []string) ([]*jetstream.RawStreamMsg, error) {
	var all []*jetstream.RawStreamMsg
	for len(subjects) > 0 {
		n := min(len(subjects), lastForMax)
		req := GetRequest{LastFor: subjects[:n]}
		for {
			p, err := s.DirectPage(ctx, req)
			if err != nil {
				return nil, err
			}
			all = append(all, p.Msgs...)
			if p.Pending == 0 || len(p.Msgs) == 0 {
				break
			}
			req.Seq = p.Msgs[len(p.Msgs)-1].Sequence + 1
		}
		subjects = subjects[n:]
	}
	return all, nil
}

// LastMsg is the last message of a subject, or ErrNotFound.
func (s *Stream) LastMsg(ctx context.Context, subject string) (*jetstream.RawStreamMsg, error) {
	msg, err := s.Handle.GetLastMsgForSubject(ctx, subject)
	if errors.Is(err, jetstream.ErrMsgNotFound) {
		return nil, ErrNotFound
	}
	return msg, err
}

// LeaderMsg reads the last message of a subject from the stream's leader, past the
// replicas that may lag behind; ErrNotFound when there is none.
func (s *Stream) LeaderMsg(ctx context.Context, subject string) (*jetstream.RawStreamMsg, error) {
	req, err := json.Marshal(map[string]string{"last_by_subj": subject})
	if err != nil {
		return nil, fmt.Errorf("encode request: %w", err)
	}
	msg, err := s.NC.RequestWithContext(ctx, s.API+"STREAM.MSG.GET."+s.Name, req)
	if err != nil {
		return nil, err
	}
	var answer struct {
		Error   *jetstream.APIError `json:"error"`
		Message *struct {
			Subject  string    `json:"subject"`
			Sequence uint64    `json:"seq"`
			Headers  []byte    `json:"hdrs"`
			Data     []byte    `json:"data"`
			Time     time.Time `json:"time"`
		} `json:"message"`
	}
	if err := json.Unmarshal(msg.Data, &answer); err != nil {
		return nil, fmt.Errorf("decode the leader's answer: %w", err)
	}
	switch {
	case answer.Error != nil && answer.Error.ErrorCode == jetstream.JSErrCodeMessageNotFound:
		return nil, ErrNotFound
	case answer.Error != nil:
		return nil, answer.Error
	case answer.Message == nil:
		return nil, errors.New("the leader's answer holds no message")
	}
	m := answer.Message
	out := &jetstream.RawStreamMsg{Subject: m.Subject, Sequence: m.Sequence, Data: m.Data, Time: m.Time}
	if len(m.Headers) > 0 {
		if out.Header, err = nats.DecodeHeadersMsg(m.Headers); err != nil {
			return nil, fmt.Errorf("decode headers: %w", err)
		}
	}
	return out, nil
}
