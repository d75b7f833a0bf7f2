package backup

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
	"time"

	js "channelsync/events/internal/jetstream"
	"channelsync/events/store"
	"channelsync/internal/lifecycle"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"
)

// The server's own snapshots keep sequences, times, headers and consumers as they
// are. nats.go has no call for them; the protocol is that of the nats tool
// (nats-server, jetstream_api.go: STREAM.SNAPSHOT and STREAM.RESTORE).
const (
	chunkSize = 128 << 10 // bytes of one message, well below the least a server takes
	// chunkWindow is how many bytes may be on their way.
	chunkWindow = 4 << 20
	// chunkTimeout is how long one may be waited for; the server gives up on a
	// receiver after 5 s.
	chunkTimeout = 30 * time.Second
	// beginTimeout is how long a cluster may take to say where a restore goes.
	beginTimeout = 10 * time.Second
	// restoreTimeout bounds the end of a restore, when the server makes the stream.
	restoreTimeout = 2 * time.Minute
)

// snapshot says what a snapshot of a stream is of.
type snapshot struct {
	Config jetstream.StreamConfig
	// State is how the stream was when the snapshot began. A message that is
	// replaced while it is taken is in it neither as it was nor as it is.
	State jetstream.StreamState
}

// snapshotStream writes a stream with its consumers to a writer. What is stored after
// it began is not in it. A writer that stands still for 5 s ends it.
func snapshotStream(ctx context.Context, s *store.Store, name string, to io.Writer) (snapshot, error) {
	taken, err := takeSnapshot(ctx, s, name, to)
	if err != nil {
		return taken, fmt.Errorf("snapshot stream %s: %w", name, err)
	}
	return taken, nil
}

func takeSnapshot(ctx context.Context, s *store.Store, name string, to io.Writer) (taken snapshot, err error) {
	sub, err := s.NC.SubscribeSync(s.NC.NewInbox())
	if err != nil {
		return taken, fmt.Errorf("subscribe to it: %w", err)
	}
	defer func() { _ = sub.Unsubscribe() }()
	err = ask(ctx, s, "STREAM.SNAPSHOT."+name, chunkTimeout, map[string]any{
		"deliver_subject": sub.Subject, "chunk_size": chunkSize, "window_size": chunkWindow,
	}, &taken)
	if err != nil {
		return taken, err
	}
	for {
		msg, err := next(ctx, sub)
		if err != nil {
			return taken, err
		}
		if len(msg.Data) == 0 { // the end, and whether it is a good one
			if status := msg.Header.Get("Status"); status != "" && status != "204" {
				return taken, fmt.Errorf("the server gave up: %s %s", status, msg.Header.Get("Description"))
			}
			return taken, nil
		}
		if _, err := to.Write(msg.Data); err != nil {
			return taken, err //nolint:wrapcheck // the caller's own writer
		}
		if msg.Reply != "" {
			if err := msg.Respond(nil); err != nil {
				return taken, fmt.Errorf("acknowledge a piece: %w", err)
			}
		}
	}
}

func next(ctx context.Context, sub *nats.Subscription) (*nats.Msg, error) {
	ctx, cancel := context.WithTimeoutCause(ctx, chunkTimeout, fmt.Errorf("nothing came for %s", chunkTimeout))
	defer cancel()
	msg, err := sub.NextMsgWithContext(ctx)
	if err != nil && ctx.Err() != nil {
		err = context.Cause(ctx)
	}
	return msg, err
}

// restoreStream makes a stream of a snapshot, as its config says now: the caller may
// have changed the replicas, say. A stream of that name must not exist.
func restoreStream(ctx context.Context, s *store.Store, taken snapshot, from io.Reader) (jetstream.StreamState, error) {
	state, err := sendSnapshot(ctx, s, taken, from)
	if err != nil {
		return state, fmt.Errorf("restore stream %s: %w", taken.Config.Name, err)
	}
	return state, nil
}

func sendSnapshot(ctx context.Context, s *store.Store, taken snapshot, from io.Reader) (state jetstream.StreamState, err error) {
	var begun struct {
		Deliver string `json:"deliver_subject"`
	}
	name := taken.Config.Name
	within := chunkTimeout
	if !s.Inside { // a cluster that has no leader just now is silent, and whoever waits may ask again
		within = beginTimeout
	}
	request := map[string]any{"config": taken.Config, "state": taken.State}
	if err := ask(ctx, s, "STREAM.RESTORE."+name, within, request, &begun); err != nil {
		return state, err
	}
	if begun.Deliver == "" {
		return state, errors.New("the server does not say where to")
	}
	piece := make([]byte, chunkSize)
	for {
		n, readErr := io.ReadFull(from, piece)
		if n > 0 {
			if err := send(ctx, s, begun.Deliver, piece[:n], chunkTimeout, nil); err != nil {
				return state, err
			}
		}
		if readErr != nil {
			if !errors.Is(readErr, io.EOF) && !errors.Is(readErr, io.ErrUnexpectedEOF) {
				return state, readErr //nolint:wrapcheck // the caller's own reader
			}
			break
		}
	}
	var made jetstream.StreamInfo
	err = send(ctx, s, begun.Deliver, nil, restoreTimeout, &made)
	return made.State, err
}

// ask calls a part of the JetStream API that nats.go has no method for.
func ask(ctx context.Context, s *store.Store, subject string, within time.Duration, in, out any) error {
	body, err := json.Marshal(in)
	if err != nil {
		return fmt.Errorf("encode request: %w", err)
	}
	return send(ctx, s, s.API+subject, body, within, out)
}

// send makes one request. An empty answer is success. Interest in a new subject reaches the
// other servers of a cluster a moment after it is acknowledged to us, and a server that comes
// back receives all of it again: a request without responders is therefore repeated.
func send(ctx context.Context, s *store.Store, subject string, body []byte, within time.Duration, out any) error {
	ctx, cancel := context.WithTimeoutCause(ctx, within, fmt.Errorf("%w within %s", js.ErrNoAnswer, within))
	defer cancel()
	msg, err := s.NC.RequestWithContext(ctx, subject, body)
	for until := time.Now().Add(js.ReadyTimeout); errors.Is(err, nats.ErrNoResponders) && time.Now().Before(until) && ctx.Err() == nil; {
		_ = lifecycle.Sleep(ctx, js.AskAgain)
		msg, err = s.NC.RequestWithContext(ctx, subject, body)
	}
	if err != nil {
		if ctx.Err() != nil {
			return context.Cause(ctx)
		}
		return fmt.Errorf("ask the server: %w", err)
	}
	if len(bytes.TrimSpace(msg.Data)) == 0 {
		return nil
	}
	var answer struct {
		Error *jetstream.APIError `json:"error"`
	}
	if err := json.Unmarshal(msg.Data, &answer); err != nil {
		return fmt.Errorf("read the server's answer: %w", err)
	}
	if answer.Error != nil {
		return answer.Error
	}
	if out == nil {
		return nil
	}
	if err := json.Unmarshal(msg.Data, out); err != nil {
		return fmt.Errorf("read the server's answer: %w", err)
	}
	return nil
}

// streamsOf lists what a copy of the store is made of: our streams and tables, by
// name, but for those in memory, which no restart keeps either.
func streamsOf(ctx context.Context, s *store.Store) ([]jetstream.StreamConfig, error) {
	ctx, cancel := context.WithTimeoutCause(ctx, chunkTimeout, fmt.Errorf("list streams: no answer within %s", chunkTimeout))
	defer cancel()
	var all []jetstream.StreamConfig
	list := s.JS.ListStreams(ctx)
	for info := range list.Info() {
		if cfg := info.Config; store.IsOurs(cfg) && cfg.Storage != jetstream.MemoryStorage {
			all = append(all, cfg)
		}
	}
	if err := list.Err(); err != nil {
		return nil, fmt.Errorf("list streams: %w", err)
	}
	slices.SortFunc(all, func(a, b jetstream.StreamConfig) int { return strings.Compare(a.Name, b.Name) })
	return all, nil
}
