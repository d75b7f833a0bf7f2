package sim

import (
	"fmt"
	"net/http"
)

// FieldError points at one field of a request.
type FieldError struct {
	Pointer string `json:"pointer,omitempty"` // JSON Pointer, e.g. #/inputs/3/data/name
	Code    string `json:"code"`
	Detail  string `json:"detail"`
}

// Problem is a whole-request failure or the reason of one item's (RFC 9457).
type Problem struct {
	Type      string       `json:"type"`
	Title     string       `json:"title"`
	Status    int          `json:"status"`
	Detail    string       `json:"detail,omitempty"`
	Code      string       `json:"code"`
	RequestID string       `json:"requestId,omitempty"`
	Retryable bool         `json:"retryable"`
	Errors    []FieldError `json:"errors,omitempty"`

	retryAfter int    // seconds; 0 sends no Retry-After
	allow      string // the Allow header of a 405
}

// The codes of problems.
const (
	CodeInvalidRequest        = "invalid_request"
	CodeUnauthenticated       = "unauthenticated"
	CodeSubscriptionRequired  = "subscription_required"
	CodeForbidden             = "forbidden"
	CodeNotFound              = "not_found"
	CodeConnectionNotFound    = "connection_not_found"
	CodeClientNotFound        = "client_not_found"
	CodeContractNotFound      = "contract_not_found"
	CodeMethodNotAllowed      = "method_not_allowed"
	CodeConnectionPaused      = "connection_paused"
	CodeConnectionUninstalled = "connection_uninstalled"
	CodePayloadTooLarge       = "payload_too_large"
	CodeUnsupportedMediaType  = "unsupported_media_type"
	CodeDuplicateExternalID   = "duplicate_external_id"
	CodeCurrencyUnsupported   = "currency_unsupported"
	CodeAmbiguousMatch        = "ambiguous_match"
	CodeIdempotencyKeyReused  = "idempotency_key_reused"
	CodeIdempotencyInProgress = "idempotency_in_progress"
	CodeQuotaExceeded         = "quota_exceeded"
	CodeUnavailable           = "unavailable"
	CodeInternal              = "internal"
)

func newProblem(status int, code, format string, args ...any) *Problem {
	return &Problem{
		Type: "about:blank", Title: http.StatusText(status), Status: status, Code: code,
		Detail: fmt.Sprintf(format, args...),
		Retryable: status == http.StatusTooManyRequests || status >= http.StatusInternalServerError ||
			code == CodeIdempotencyInProgress,
	}
}

func invalid(errs []FieldError) *Problem {
	p := newProblem(http.StatusUnprocessableEntity, CodeInvalidRequest, "%d field(s) are wrong, first %s: %s",
		len(errs), errs[0].Pointer, errs[0].Detail)
	p.Errors = errs
	return p
}

// refusal is a well-formed input that the target does not take, with the one field that is why.
func refusal(code, pointer, detail string) *Problem {
	p := newProblem(http.StatusUnprocessableEntity, code, "%s", detail)
	p.Errors = []FieldError{{Pointer: pointer, Code: code, Detail: detail}}
	return p
}
