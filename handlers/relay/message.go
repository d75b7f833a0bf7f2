package relay

import (
	"bytes"
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"strings"

	"channelsync/handlers/internal/access"
	"channelsync/handlers/internal/identity"
)

// request and answer are what goes along the line before the body, as one line of
// JSON. Fields that are not known are ignored.
type request struct {
	Method string      `json:"method"`
	URI    string      `json:"uri"`
	Header http.Header `json:"header"`
	// Caller was let through by the instance that asks.
	Caller *identity.Caller `json:"caller"`
}

type answer struct {
	Status int         `json:"status"` // 0: not this instance's any more
	Header http.Header `json:"header"`
	body   []byte
}

// carried are the headers that the API reads. The token stays where it was checked.
func carried(h http.Header) http.Header {
	out := http.Header{}
	for _, name := range []string{"Content-Type", "Accept", "Traceparent", access.ActorHeader} {
		if v := h.Values(name); len(v) > 0 {
			out[http.CanonicalHeaderKey(name)] = v
		}
	}
	return out
}

func pack(head any, body []byte) ([]byte, error) {
	line, err := json.Marshal(head)
	if err != nil {
		return nil, fmt.Errorf("encode message: %w", err)
	}
	return append(append(line, '\n'), body...), nil
}

func unpack(packed []byte, head any) (body []byte, err error) {
	line, body, ok := bytes.Cut(packed, []byte{'\n'})
	if !ok {
		return nil, errors.New("decode message: it is cut short")
	}
	if err := json.Unmarshal(line, head); err != nil {
		return nil, fmt.Errorf("decode message: %w", err)
	}
	return body, nil
}

// serve runs a request through this instance's own API.
func (a *Relay) serve(ctx context.Context, w *recorder, req request, body []byte) error {
	r, err := http.NewRequestWithContext(ctx, req.Method, req.URI, bytes.NewReader(body))
	if err != nil {
		return fmt.Errorf("make request: %w", err)
	}
	if len(body) == 0 {
		r.Body, r.ContentLength = http.NoBody, 0
	}
	r.Header = carried(req.Header)
	if req.Caller == nil {
		return errors.New("it is of nobody")
	}
	r = r.WithContext(identity.With(r.Context(), *req.Caller))
	path, ok := strings.CutPrefix(r.URL.EscapedPath(), prefix)
	shard, sharded := shardOf(req.Method, path)
	if !ok || !sharded {
		return errors.New("it is not for one instance")
	}
	if a.Owners.Owner(shard) != a.Self {
		return nil
	}
	if err := serveWhole(a.inner, w, r); err != nil {
		return err
	}
	w.status = cmp.Or(w.status, http.StatusOK)
	return nil
}

// serveWhole is an error where a server would cut the connection off: there is none
// here, and a part of an answer must not be taken for the whole.
func serveWhole(h http.Handler, w http.ResponseWriter, r *http.Request) (err error) {
	defer func() {
		if v := recover(); v != nil {
			err = fmt.Errorf("answer %s %s: %v", r.Method, r.URL.Path, v)
		}
	}()
	h.ServeHTTP(w, r)
	return nil
}

func (a answer) write(w http.ResponseWriter) {
	for name, values := range a.Header {
		w.Header()[name] = values
	}
	w.WriteHeader(a.Status)
	_, _ = w.Write(a.body) // the client is gone if this fails
}

// recorder keeps an answer in memory.
type recorder struct {
	header http.Header
	status int
	body   bytes.Buffer
}

func (r *recorder) Header() http.Header { return r.header }

func (r *recorder) WriteHeader(status int) {
	r.status = cmp.Or(r.status, status)
}

func (r *recorder) Write(b []byte) (int, error) {
	r.WriteHeader(http.StatusOK)
	return r.body.Write(b) //nolint:wrapcheck // never fails
}
