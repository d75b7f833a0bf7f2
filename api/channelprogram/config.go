package channelprogram

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"time"

	"go.uber.org/zap"

	v1 "channelsync/api/v1"
)

// The deadline of one request, and limits until the handshake gave the target's own.
const (
	Timeout             = 30 * time.Second
	DefaultMaxBatch     = 100 // also the most that the API's description allows
	DefaultMaxBodyBytes = 1 << 20
)

// Config is what a client needs.
type Config struct {
	BaseURL      string    // of the ingest API; see NewBaseURL
	ConnectionID string    // 1 to 64 of A-Z a-z 0-9 _ -
	Token        v1.Secret // bearer token, bound to the connection

	Transport http.RoundTripper // nil: one of the client's own
	Now       func() time.Time  // nil: time.Now
	Log       *zap.Logger       // nil: none
	// Observe sees every request: operation, "ok" or the error's kind, and how long it took. May be nil.
	Observe func(operation, result string, took time.Duration)

	// Timeout is lower than the constant of the same name for a caller with less time; 0 or higher means the constant.
	Timeout time.Duration

	// Hold is asked right before every request that writes. An error is returned as
	// it is, and nothing is sent; else the request must end with the context, which
	// the function releases. Nil: always, without an end.
	Hold func(ctx context.Context) (held context.Context, release context.CancelFunc, err error)
}

func (c Config) check() (*url.URL, error) {
	base, err := NewBaseURL(c.BaseURL)
	if err != nil {
		return nil, err
	}
	if !validID(c.ConnectionID, 64, "_-") {
		return nil, fmt.Errorf("channelProgram.connectionId: got %q, want 1 to 64 letters, digits, _ or -",
			clean(c.ConnectionID, maxCode))
	}
	token := c.Token.Reveal()
	if token == "" || strings.ContainsFunc(token, func(r rune) bool { return r <= ' ' || r > '~' }) {
		return nil, errors.New("channelProgram.token: is empty or has a space, a line break or a character outside ASCII in it")
	}
	return base, nil
}

// validID reports whether an id has 1 to limit letters, digits and the extra
// characters. Dots alone would be a way up the path.
func validID(id string, limit int, extra string) bool {
	if id == "" || len(id) > limit || id == "." || id == ".." {
		return false
	}
	for i := range len(id) {
		c := id[i]
		letter := c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' || c >= '0' && c <= '9'
		if !letter && strings.IndexByte(extra, c) < 0 {
			return false
		}
	}
	return true
}

// validExternalID is the ExternalId of the API's description.
func validExternalID(id string) bool { return validID(id, 128, "._~-") }

func lower(asked, most time.Duration) time.Duration {
	if asked <= 0 || asked > most {
		return most
	}
	return asked
}
