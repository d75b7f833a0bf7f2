package channelprogram

import (
	"encoding/json"
	"time"

	v1 "channelsync/api/v1"
)

// MaxLabelled is how many e-mails, phones or websites a client may have each.
const MaxLabelled = 20

// Longest texts, in characters (openapi.yaml).
const (
	MaxName  = 255 // names of clients, contracts and vendors
	MaxValue = 320 // one e-mail, phone or website
)

// ClientInput replaces the fields of a client that the sync owns; industry,
// endpoints, users and products are the target's and are never touched.
type ClientInput struct {
	Name           string     `json:"name"`    // 1 to MaxName characters
	Address        *Address   `json:"address"` // nil: the source has none
	Emails         []Labelled `json:"emails"`
	Phones         []Labelled `json:"phones"`
	Websites       []Labelled `json:"websites"`
	Lifecycle      Lifecycle  `json:"lifecycle,omitempty"`      // empty means active
	ArchivedReason string     `json:"archivedReason,omitempty"` // one of the reasons of ArchivedReasons
	Source         Source     `json:"source"`
}

// MarshalJSON writes an absent list as [], never as null: the schema has no null there.
func (c ClientInput) MarshalJSON() ([]byte, error) {
	type plain ClientInput
	p := plain(c)
	p.Emails, p.Phones, p.Websites = orEmpty(p.Emails), orEmpty(p.Phones), orEmpty(p.Websites)
	return json.Marshal(p)
}

func orEmpty(l []Labelled) []Labelled {
	if l == nil {
		return []Labelled{}
	}
	return l
}

// Address is a street address; an empty part is absent.
type Address struct {
	Line1      string `json:"line1,omitempty"`
	Line2      string `json:"line2,omitempty"`
	City       string `json:"city,omitempty"`
	Region     string `json:"region,omitempty"`
	PostalCode string `json:"postalCode,omitempty"`
	Country    string `json:"country,omitempty"` // ISO code where the source has one
}

// Labelled is one of several values of a kind, 1 to MaxValue characters.
type Labelled struct {
	Value string `json:"value"`
	Label string `json:"label,omitempty"`
}

// ContractInput replaces the fields of a contract that the sync owns.
type ContractInput struct {
	Client              ClientRef `json:"client"`
	VendorName          string    `json:"vendorName"`          // 1 to MaxName characters, never empty
	VendorNameDefaulted bool      `json:"vendorNameDefaulted"` // the source has no vendor, VendorName is the default
	Name                *string   `json:"name"`                // nil: the target falls back to the vendor's name
	OverallCost         *Money    `json:"overallCost"`         // nil: not known, which is never 0
	Lifecycle           Lifecycle `json:"lifecycle,omitempty"` // empty means active
	ArchivedReason      string    `json:"archivedReason,omitempty"`
	Source              Source    `json:"source"`
}

// ClientRef makes sure that a contract's client exists: it names it when it
// creates it, and never overwrites a client that was upserted in full.
type ClientRef struct {
	ExternalID string `json:"externalId"`
	Name       string `json:"name"`
}

// Money is an amount in plain decimal notation (at most 15 digits before and 4
// after the point) with its ISO 4217 code.
type Money struct {
	Amount   string `json:"amount"`
	Currency string `json:"currency"`
}

// Lifecycle says whether a record is in use at the target. There is no delete.
type Lifecycle string

// The lifecycles.
const (
	LifecycleActive   Lifecycle = "active"
	LifecycleArchived Lifecycle = "archived"
)

// ArchivedReasons returns the reasons that the API takes for archiving a record
// of the kind, in the order of the API's description.
func ArchivedReasons(kind v1.Kind) []string {
	switch kind {
	case v1.KindCompany:
		return []string{v1.ReasonTypeNotCustomer, v1.ReasonStatusInactive, v1.ReasonDeletedAtSource}
	case v1.KindContract:
		return []string{v1.ReasonClientOutOfScope, v1.ReasonDeletedAtSource}
	default:
		return nil
	}
}

// Source says where a record comes from and when it was read.
type Source struct {
	System     string     `json:"system"`
	ObservedAt time.Time  `json:"observedAt"` // when our re-fetch began: an older one than stored is "stale"
	ModifiedAt *time.Time `json:"modifiedAt"`
	RecordURL  *string    `json:"recordUrl"`
	Trigger    Trigger    `json:"trigger,omitempty"`
	EventID    *string    `json:"eventId"`
}

// SystemAutotask is the Source.System of everything this product pushes.
const SystemAutotask = "autotask"

// Trigger is the target's word for why a record was pushed.
type Trigger string

// The triggers of the API.
const (
	TriggerWebhook   Trigger = "webhook"
	TriggerReconcile Trigger = "reconcile"
	TriggerBackfill  Trigger = "backfill"
	TriggerReplay    Trigger = "replay"
	TriggerManual    Trigger = "manual"
)

// TriggerOf translates our trigger. What found a difference by looking (poll,
// sweep, a dependent record) is a reconcile to the target.
func TriggerOf(t v1.Trigger) Trigger {
	switch t {
	case v1.TriggerCallback:
		return TriggerWebhook
	case v1.TriggerBackfill:
		return TriggerBackfill
	case v1.TriggerReplay:
		return TriggerReplay
	case v1.TriggerManual:
		return TriggerManual
	default:
		return TriggerReconcile
	}
}

// Item is one record of a batch, under the id it has in the source system
// (1 to 128 of A-Z a-z 0-9 . _ ~ -; Autotask ids as decimal text).
type Item[T ClientInput | ContractInput] struct {
	ExternalID string `json:"externalId"`
	Data       T      `json:"data"`
}
