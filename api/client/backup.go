package client

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strconv"
	"time"
)

const (
	sizeHeader      = "X-Channelsync-Size"
	downloadSilence = time.Minute // how long a service may take for the next piece
)

// Backup writes a backup of the whole store to a writer while the service goes on.
// After an error, what was written is of no use. Begun, which may be nil, receives
// about how many bytes will come; 0 is not known. A service that is silent for a
// minute ends it; nothing else bounds the time it takes.
func (c *Client) Backup(ctx context.Context, to io.Writer, begun func(size int64)) error {
	err := c.download(ctx, Call{Path: "/backup"}, to, func(h http.Header) {
		if begun != nil {
			size, _ := strconv.ParseInt(h.Get(sizeHeader), 10, 64) // 0: not known
			begun(size)
		}
	})
	if err != nil {
		return fmt.Errorf("back up: %w", err)
	}
	return nil
}

// download writes an answer that may be large to a writer; begun receives its header before.
func (c *Client) download(ctx context.Context, call Call, to io.Writer, begun func(http.Header)) error {
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	silence := time.AfterFunc(downloadSilence, func() { cancel(fmt.Errorf("nothing came for %s", downloadSilence)) })
	defer silence.Stop()
	resp, err := c.open(ctx, call, "*/*")
	if err != nil {
		return err
	}
	defer func() { _ = resp.Body.Close() }()
	begun(resp.Header)
	_, err = io.Copy(to, &arriving{resp.Body, silence, downloadSilence})
	switch {
	case errors.Is(err, io.ErrUnexpectedEOF):
		return errors.New("the service could not complete it; its log says why")
	case err != nil && ctx.Err() != nil:
		return context.Cause(ctx)
	case err != nil:
		return fmt.Errorf("take it: %w", err)
	}
	return nil
}

// open begins to read an answer that comes piece by piece.
func (c *Client) open(ctx context.Context, call Call, accept string) (*http.Response, error) {
	call.Method = http.MethodGet
	req, err := c.request(ctx, call)
	if err != nil {
		return nil, err
	}
	req.Header.Set("Accept", accept)
	resp, err := c.http.Do(req)
	if err != nil {
		return nil, c.unreached(ctx, err)
	}
	if resp.StatusCode == http.StatusOK {
		return resp, nil
	}
	defer func() { _ = resp.Body.Close() }()
	text, err := io.ReadAll(io.LimitReader(resp.Body, maxAnswer))
	if err != nil {
		return nil, c.unreached(ctx, err)
	}
	return nil, refusal(resp, text)
}

// arriving puts the end for silence off whenever something arrives.
type arriving struct {
	io.Reader
	silence *time.Timer
	after   time.Duration
}

func (a *arriving) Read(b []byte) (int, error) {
	n, err := a.Reader.Read(b)
	if n > 0 {
		a.silence.Reset(a.after)
	}
	return n, err //nolint:wrapcheck // a reader passes errors through
}
