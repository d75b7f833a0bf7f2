package channelprogram

import (
	"time"

	v1 "channelsync/api/v1"
)

// ItemOutcome is what the target did with one record.
type ItemOutcome string

// The outcomes of an item. The first six are success.
const (
	OutcomeCreated   ItemOutcome = "created"
	OutcomeLinked    ItemOutcome = "linked" // joined to a client that was there without an external id
	OutcomeUpdated   ItemOutcome = "updated"
	OutcomeUnchanged ItemOutcome = "unchanged"
	OutcomeStale     ItemOutcome = "stale" // the target holds a newer observedAt
	OutcomeArchived  ItemOutcome = "archived"
	OutcomeRejected  ItemOutcome = "rejected" // the data must change
	OutcomeFailed    ItemOutcome = "failed"   // worth another try unless Retryable says no
)

// Success reports whether the target took the record (or needed nothing).
func (o ItemOutcome) Success() bool {
	switch o {
	case OutcomeCreated, OutcomeLinked, OutcomeUpdated, OutcomeUnchanged, OutcomeStale, OutcomeArchived:
		return true
	default:
		return false
	}
}

func (o ItemOutcome) known() bool {
	return o.Success() || o == OutcomeRejected || o == OutcomeFailed
}

// ItemResult is the answer for one record.
type ItemResult struct {
	Index         *int         `json:"index,omitempty"` // position in the request that carried it, from 0
	ExternalID    string       `json:"externalId"`
	Outcome       ItemOutcome  `json:"outcome"` // empty only beside an error: not answered as an item
	TargetID      *string      `json:"targetId"`
	TargetURL     *string      `json:"targetUrl"`
	Revision      *int64       `json:"revision"`
	ChangedFields []string     `json:"changedFields,omitempty"`
	Warnings      []FieldError `json:"warnings,omitempty"`
	Retryable     *bool        `json:"retryable,omitempty"`
	Problem       *Problem     `json:"problem"`
}

// Err is nil on success, else an *Error of kind rejected or failed.
func (r ItemResult) Err() error {
	switch {
	case r.Outcome == OutcomeRejected:
		return r.asError(KindRejected)
	case r.Outcome == OutcomeFailed && r.Retryable != nil && !*r.Retryable:
		return r.asError(KindRejected)
	case r.Outcome == OutcomeFailed:
		return r.asError(KindFailed)
	default:
		return nil
	}
}

func (r ItemResult) asError(kind Kind) *Error {
	e := &Error{Kind: kind, Operation: "upsert " + r.ExternalID, Code: string(r.Outcome)}
	if p := r.Problem; p != nil {
		e.Status, e.Code, e.Detail, e.Errors, e.RequestID = p.Status, p.Code, p.Detail, p.Errors, p.RequestID
		if e.Detail == "" {
			e.Detail = p.Title
		}
	}
	return e
}

// BatchResult answers a batch: one result for each input, in their order.
type BatchResult struct {
	Results []ItemResult `json:"results"`
	Summary Summary      `json:"summary"`
}

// Summary counts the results of a batch.
type Summary struct {
	Total     int `json:"total"`
	Succeeded int `json:"succeeded"`
	Rejected  int `json:"rejected"`
	Failed    int `json:"failed"`
}

// FieldError points at what is wrong with a value.
type FieldError struct {
	Pointer string `json:"pointer,omitempty"` // JSON Pointer, for example #/inputs/3/data/name
	Code    string `json:"code"`
	Detail  string `json:"detail"`
}

// Problem is the target's application/problem+json.
type Problem struct {
	Type      string       `json:"type"`
	Title     string       `json:"title"`
	Status    int          `json:"status"`
	Detail    string       `json:"detail,omitempty"`
	Instance  string       `json:"instance,omitempty"`
	Code      string       `json:"code"`
	RequestID string       `json:"requestId,omitempty"`
	Retryable *bool        `json:"retryable,omitempty"`
	Errors    []FieldError `json:"errors,omitempty"`
}

// Connection is the handshake: the connection's state, what it takes, and its limits.
type Connection struct {
	ID          string          `json:"id"`
	AccountName string          `json:"accountName,omitempty"`
	State       ConnectionState `json:"state"`
	Syncs       []v1.Sync       `json:"syncs"`
	Currencies  []string        `json:"currencies,omitempty"` // empty: not said
	Limits      Limits          `json:"limits"`
}

// ConnectionState is whether the target takes records over a connection.
type ConnectionState string

// The states of a connection.
const (
	ConnectionActive      ConnectionState = "active"
	ConnectionPaused      ConnectionState = "paused"
	ConnectionUninstalled ConnectionState = "uninstalled"
)

// Limits are the target's own, read from the handshake.
type Limits struct {
	MaxBatch              int `json:"maxBatch"`     // records in one batch
	MaxBodyBytes          int `json:"maxBodyBytes"` // bytes of one request body
	IdempotencyTTLSeconds int `json:"idempotencyTtlSeconds"`
}

// Usable is nil when records may be pushed, else an *Error of KindPause.
func (c Connection) Usable() error {
	switch c.State {
	case ConnectionActive:
		return nil
	case ConnectionUninstalled:
		return &Error{
			Kind: KindPause, Operation: opConnection, Code: CodeConnectionUninstalled,
			Detail: "the connection was uninstalled in Channel Program",
		}
	default:
		return &Error{
			Kind: KindPause, Operation: opConnection, Code: CodeConnectionPaused,
			Detail: "the connection is " + string(c.State) + " in Channel Program",
		}
	}
}

// StoredClient is a client as the target holds it.
type StoredClient struct {
	ExternalID string      `json:"externalId"`
	Data       ClientInput `json:"data"`
	TargetURL  *string     `json:"targetUrl"`
	Revision   int64       `json:"revision,omitempty"`
	UpdatedAt  time.Time   `json:"updatedAt"`
}

// StoredContract is a contract as the target holds it.
type StoredContract struct {
	ExternalID string        `json:"externalId"`
	Data       ContractInput `json:"data"`
	TargetURL  *string       `json:"targetUrl"`
	Revision   int64         `json:"revision,omitempty"`
	UpdatedAt  time.Time     `json:"updatedAt"`
}
