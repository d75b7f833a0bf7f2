package v1

import "net/http"

// Problem is what a user sees of an error: application/problem+json (RFC 9457)
// with a bounded code, what happened, and what to do about it. It is an error,
// so that the layers below the handlers can say exactly what the user reads.
type Problem struct {
	Type   string       `json:"type"`
	Title  string       `json:"title"`
	Status int          `json:"status"`
	Code   string       `json:"code"`
	Detail string       `json:"detail"`
	Hint   string       `json:"hint,omitempty"`
	Errors []FieldError `json:"errors,omitempty"`
	Checks []Check      `json:"checks,omitempty"` // what a set-up test found, with the refusal it led to
	// Installation is the id of the one that has the account, with already_installed, or
	// pushes to the connection, with connection_in_use.
	Installation string `json:"installation,omitempty"`
	// Job is the id of the one at work, with conflict, where a job is refused for it.
	Job string `json:"job,omitempty"`
}

// FieldError points at one field of a request: a JSON Pointer, what was wrong, what was expected.
type FieldError struct {
	Pointer string `json:"pointer"`
	Code    string `json:"code"`
	Detail  string `json:"detail"`
}

// Codes of problems (interfaces §4).
const (
	CodeUnauthenticated        = "unauthenticated"
	CodeForbidden              = "forbidden"
	CodeNotFound               = "not_found"
	CodeConflict               = "conflict"
	CodeInvalid                = "invalid"
	CodeCredentialsRejected    = "credentials_rejected"
	CodeZoneUnknown            = "zone_unknown"
	CodePermissionMissing      = "permission_missing"
	CodeChannelProgramRejected = "channel_program_rejected"
	CodeAlreadyInstalled       = "already_installed"
	CodeConnectionInUse        = "connection_in_use"
	CodeUnavailable            = "unavailable"
	CodeInternal               = "internal"
)

// NewProblem makes a problem with the title that HTTP gives the status.
func NewProblem(status int, code, detail, hint string) *Problem {
	return &Problem{Type: "about:blank", Title: http.StatusText(status), Status: status, Code: code, Detail: detail, Hint: hint}
}

// Invalid is a 422 that names every wrong field.
func Invalid(detail string, errs ...FieldError) *Problem {
	p := NewProblem(http.StatusUnprocessableEntity, CodeInvalid, detail, "")
	p.Errors = errs
	return p
}

// InvalidCursor is the 422 of a cursor that no earlier answer can have given.
func InvalidCursor() *Problem {
	return Invalid("The query of the request is not valid.", FieldError{
		Pointer: "?cursor", Code: "cursor", Detail: "got a cursor that is not one of ours, want the nextCursor of an earlier answer",
	})
}

// NotFound is a 404 that names what was asked for.
func NotFound(detail string) *Problem {
	return NewProblem(http.StatusNotFound, CodeNotFound, detail, "")
}

// Conflict is a 409 that says what stands in the way, and what to do first.
func Conflict(detail, hint string) *Problem {
	return NewProblem(http.StatusConflict, CodeConflict, detail, hint)
}

// Unavailable is a 503 that says what does not answer now, and when to try again.
func Unavailable(detail, hint string) *Problem {
	return NewProblem(http.StatusServiceUnavailable, CodeUnavailable, detail, hint)
}

// Error says code and detail.
func (p *Problem) Error() string { return p.Code + ": " + p.Detail }
