package sim

import (
	"math/big"
	"time"
)

// The outcomes of one input. All but rejected and failed are successes.
const (
	OutcomeCreated   = "created"
	OutcomeLinked    = "linked"
	OutcomeUpdated   = "updated"
	OutcomeUnchanged = "unchanged"
	OutcomeStale     = "stale"
	OutcomeArchived  = "archived"
	OutcomeRejected  = "rejected"
	OutcomeFailed    = "failed"
)

// The lifecycles of a record.
const (
	LifecycleActive   = "active"
	LifecycleArchived = "archived"
)

// Source says where a record comes from and when it was looked at.
type Source struct {
	System     string     `json:"system"`
	ObservedAt time.Time  `json:"observedAt"`
	ModifiedAt *time.Time `json:"modifiedAt,omitempty"`
	RecordURL  *string    `json:"recordUrl,omitempty"`
	Trigger    string     `json:"trigger,omitempty"`
	EventID    *string    `json:"eventId,omitempty"`
}

// Money is a decimal amount as text, with its currency.
type Money struct {
	Amount   string `json:"amount"`
	Currency string `json:"currency"`
}

// equal compares by value: 10.0 is 10.00.
func (m *Money) equal(other *Money) bool {
	if m == nil || other == nil {
		return m == other
	}
	if m.Currency != other.Currency {
		return false
	}
	a, aOK := new(big.Rat).SetString(m.Amount)
	b, bOK := new(big.Rat).SetString(other.Amount)
	return aOK && bOK && a.Cmp(b) == 0
}

// Address is a street address.
type Address struct {
	Line1      string `json:"line1,omitempty"`
	Line2      string `json:"line2,omitempty"`
	City       string `json:"city,omitempty"`
	Region     string `json:"region,omitempty"`
	PostalCode string `json:"postalCode,omitempty"`
	Country    string `json:"country,omitempty"`
}

// Labelled is one e-mail address, phone number or website.
type Labelled struct {
	Value string `json:"value"`
	Label string `json:"label,omitempty"`
}

// ClientInput is everything a sync owns of a client.
type ClientInput struct {
	Name           string     `json:"name"`
	Address        *Address   `json:"address"`
	Emails         []Labelled `json:"emails"`
	Phones         []Labelled `json:"phones"`
	Websites       []Labelled `json:"websites"`
	Lifecycle      string     `json:"lifecycle,omitempty"`
	ArchivedReason string     `json:"archivedReason,omitempty"`
	Source         Source     `json:"source"`
}

// ClientRef is the client a contract belongs to.
type ClientRef struct {
	ExternalID string `json:"externalId"`
	Name       string `json:"name"`
}

// ContractInput is everything a sync owns of a contract.
type ContractInput struct {
	Client              ClientRef `json:"client"`
	VendorName          string    `json:"vendorName"`
	VendorNameDefaulted bool      `json:"vendorNameDefaulted"`
	Name                *string   `json:"name"`
	OverallCost         *Money    `json:"overallCost"`
	Lifecycle           string    `json:"lifecycle,omitempty"`
	ArchivedReason      string    `json:"archivedReason,omitempty"`
	Source              Source    `json:"source"`
}

// ItemResult is the answer to one input.
type ItemResult struct {
	Index         *int         `json:"index,omitempty"`
	ExternalID    string       `json:"externalId"`
	Outcome       string       `json:"outcome"`
	TargetID      *string      `json:"targetId,omitempty"`
	TargetURL     *string      `json:"targetUrl,omitempty"`
	Revision      *int         `json:"revision,omitempty"`
	ChangedFields []string     `json:"changedFields,omitempty"`
	Warnings      []FieldError `json:"warnings,omitempty"`
	Retryable     *bool        `json:"retryable,omitempty"`
	Problem       *Problem     `json:"problem,omitempty"`
}

// BatchResult is the answer to a batch: one result per input, in input order.
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

type connectionAnswer struct {
	ID          string   `json:"id"`
	AccountName string   `json:"accountName"`
	State       string   `json:"state"`
	Syncs       []string `json:"syncs"`
	Currencies  []string `json:"currencies,omitempty"`
	Limits      limits   `json:"limits"`
}

type limits struct {
	MaxBatch              int   `json:"maxBatch"`
	MaxBodyBytes          int64 `json:"maxBodyBytes"`
	IdempotencyTTLSeconds int   `json:"idempotencyTtlSeconds"`
}

type storedAnswer struct {
	ExternalID string    `json:"externalId"`
	Data       any       `json:"data"`
	TargetURL  string    `json:"targetUrl"`
	Revision   int       `json:"revision"`
	UpdatedAt  time.Time `json:"updatedAt"`
}
