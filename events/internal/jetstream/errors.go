package jetstream

import (
	"context"
	"errors"
	"net/http"
	"slices"
	"strings"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"
	"github.com/synadia-io/orbit.go/jetstreamext"
)

// The errors that callers distinguish with errors.Is.
var (
	// ErrNotFound: the table or the dead letters hold nothing under that name.
	ErrNotFound = errors.New("not found")
	// ErrConflict: the key is at another revision than the caller believed.
	ErrConflict = errors.New("changed meanwhile")
	// ErrClosed: the store is closing or closed.
	ErrClosed = errors.New("the event bus is closed")
)

// ErrNoAnswer: a server was asked and was silent, as one is that is electing a leader.
var ErrNoAnswer = errors.New("no answer")

// Error codes of the server (nats-server, server/errors.json).
const (
	codeAccountResources jetstream.ErrorCode = 10002
	codeNoPeers          jetstream.ErrorCode = 10005
	CodeMsgNotFound      jetstream.ErrorCode = 10037
	codeInsufficient     jetstream.ErrorCode = 10023
	codeStorageResources jetstream.ErrorCode = 10047
	codeStoreFailed      jetstream.ErrorCode = 10077
)

func apiError(err error) *jetstream.APIError {
	api, _ := errors.AsType[*jetstream.APIError](err)
	return api
}

func HasCode(err error, codes ...jetstream.ErrorCode) bool {
	api := apiError(err)
	return api != nil && slices.Contains(codes, api.ErrorCode)
}

// IsFull reports refusals that more room would cure.
func IsFull(err error) bool {
	if HasCode(err, codeInsufficient, codeStorageResources, codeAccountResources) {
		return true
	}
	api := apiError(err)
	return api != nil && api.ErrorCode == codeStoreFailed &&
		(api.Description == "maximum bytes exceeded" || api.Description == "maximum messages exceeded")
}

func IsConflict(err error) bool {
	return HasCode(err, jetstream.JSErrCodeStreamWrongLastSequence, 10164) // 10164: the same, without the sequence
}

func isDuplicateInBatch(err error) bool {
	return HasCode(err, jetstreamext.JSErrCodeBatchPublishDuplicateMsgID)
}

func isTooManyBatches(err error) bool {
	return HasCode(err, jetstreamext.JSErrCodeAtomicPublishTooManyInflight,
		jetstreamext.JSErrCodeBatchPublishTooManyInflight)
}

// IsUnavailable reports errors of a cluster that has no leader yet, or whose leader has
// not heard from all servers yet, and what a link gives that is looking for a server.
func IsUnavailable(err error) bool {
	api := apiError(err)
	if api != nil && api.ErrorCode == codeNoPeers && strings.Contains(api.Description, "offline") {
		return true
	}
	return errors.Is(err, context.DeadlineExceeded) || errors.Is(err, ErrNoAnswer) || errors.Is(err, nats.ErrNoResponders) ||
		errors.Is(err, nats.ErrReconnectBufExceeded) || errors.Is(err, jetstream.ErrNoStreamResponse) || api != nil && api.Code == http.StatusServiceUnavailable
}

// mayBeFrozen reports whether an error is one that a stream gives which no longer takes
// writes. A stream with a write error does not answer at all, so a missing answer counts;
// a caller that gave up does not.
func mayBeFrozen(err error) bool {
	if err == nil || errors.Is(err, context.Canceled) || IsFull(err) || isRefusal(err) {
		return false
	}
	api := apiError(err)
	return api == nil || api.ErrorCode == codeStoreFailed
}
