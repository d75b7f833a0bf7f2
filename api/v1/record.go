package v1

import (
	"cmp"
	"encoding/json"
	"time"
)

// Record is one Autotask company or contract and how it stands. Ids are decimal text.
type Record struct {
	Kind         Kind       `json:"kind"`
	ID           string     `json:"id"`
	Name         string     `json:"name"`
	Outcome      Outcome    `json:"outcome"`
	Reasons      []string   `json:"reasons"`          // reason codes; error codes for retrying and dead
	Detail       string     `json:"detail,omitempty"` // the reasons in words, with field names
	Fingerprint  string     `json:"fingerprint"`
	ChangedAt    *time.Time `json:"changedAt"`    // when the last change of it was stored
	ReconciledAt *time.Time `json:"reconciledAt"` // when it was last brought in line
	PushedAt     *time.Time `json:"pushedAt"`     // when the target last took it
	// Values are what was last pushed; they are in lists that ask for them.
	Values json.RawMessage `json:"values,omitempty"`
}

// RecordDetail is a record with what was last pushed and its last 20 steps.
type RecordDetail struct {
	Record
	Projection json.RawMessage `json:"projection"` // null before the first push
	Previous   json.RawMessage `json:"previous,omitempty"`
	Sources    json.RawMessage `json:"sources,omitempty"`
	Timeline   []TimelineStep  `json:"timeline"`
	Attempts   int             `json:"attempts"`
	// NextAttemptAt is when a retrying record is tried again by itself.
	NextAttemptAt *time.Time `json:"nextAttemptAt,omitempty"`
	Fix           string     `json:"fix,omitempty"` // what to do about the reasons, in words
	// Omitted names parts of what is kept that were left out since the record is too large: versions,
	// sources, timeline, contacts, services, vendors or projection.
	Omitted   []string `json:"omitted,omitempty"`
	Held      bool     `json:"held,omitempty"`      // it is part of a mass change that is pending approval
	CompanyID string   `json:"companyId,omitempty"` // of a contract
	SourceURL string   `json:"sourceUrl,omitempty"` // its page in Autotask; absent where the zone has none
	TargetURL string   `json:"targetUrl,omitempty"` // its page in Channel Program, as that said
}

// TimelineStep is one thing that happened to a record.
type TimelineStep struct {
	At      time.Time `json:"at"`
	Step    string    `json:"step"` // changed, fetched, decided, pushed, failed
	Trigger Trigger   `json:"trigger,omitempty"`
	Outcome Outcome   `json:"outcome,omitempty"`
	Detail  string    `json:"detail,omitempty"`
	Millis  int64     `json:"millis,omitempty"`  // how long the step took
	TraceID string    `json:"traceId,omitempty"` // of the change that led to it, where it was traced
}

// RecordQuery filters a list of records.
type RecordQuery struct {
	Kind    Kind
	Outcome Outcome
	Reason  string // a reason code that the record has
	Q       string // part of a name, any case, or an id
	Values  bool   // with what was last pushed
	Cursor  string
	Limit   int // 1 to 500, default 50
}

// RecordCounts are numbers of records. Those beside a filter leave that filter
// itself out, so that they say what choosing another value of it would show.
type RecordCounts struct {
	Total    int             `json:"total"`    // that fit the whole query
	Kinds    map[Kind]int    `json:"kinds"`    // by kind, that fit all of it but the kind
	Outcomes map[Outcome]int `json:"outcomes"` // by outcome, that fit all of it but the outcome
	Reasons  map[string]int  `json:"reasons"`  // by reason code, that fit all of it but the reason
}

// Page is a list with the cursor of the next one; nil on the last.
type Page[T any] struct {
	Items      []T     `json:"items"`
	NextCursor *string `json:"nextCursor"`
}

// Explanation says why a record is (not) synced, from fresh state.
type Explanation struct {
	Kind        Kind            `json:"kind"`
	ID          string          `json:"id"`
	Name        string          `json:"name"`
	Met         bool            `json:"met"`
	Conditions  []Condition     `json:"conditions"`
	Projection  json.RawMessage `json:"projection"`
	Sources     json.RawMessage `json:"sources"`
	Target      json.RawMessage `json:"target"`
	Differences []Difference    `json:"differences"`
	Next        string          `json:"next"`
	SourceURL   string          `json:"sourceUrl,omitempty"` // its page in Autotask; absent where the zone has none
	Record      *Record         `json:"record,omitempty"`    // how it stood at the last reconcile
}

// Condition is one rule with the value it found and its verdict.
type Condition struct {
	Sync   Sync   `json:"sync"`
	Code   string `json:"code"` // the reason code that stands when it is not met
	Name   string `json:"name"` // what is wanted: "Type is Customer"
	Met    bool   `json:"met"`
	Value  string `json:"value"`
	Detail string `json:"detail"`
}

// Wanted is the name; of a service before it had one, the detail.
func (c Condition) Wanted() string { return cmp.Or(c.Name, c.Detail) }

// Verdict says whether it holds, and what was found: "no, it is Vendor (7)".
func (c Condition) Verdict() string {
	switch {
	case c.Met && (c.Value == "" || c.Value == "yes"):
		return "yes"
	case c.Met:
		return "yes, it is " + c.Value
	case c.Code == ReasonClientOutOfScope: // its value is codes
		return "no: " + c.Detail
	case c.Value == "" || c.Value == "no":
		return "no"
	}
	return "no, it is " + c.Value
}

// SentClient is the client that a contract was last sent with; empty of a company, and where
// nothing was sent. The contract may be another company's by now: CompanyID says whose.
func (r RecordDetail) SentClient() (id, name string) {
	var sent struct {
		Client struct {
			ID   string `json:"externalId"`
			Name string `json:"name"`
		} `json:"client"`
	}
	if json.Unmarshal(r.Projection, &sent) != nil {
		return "", ""
	}
	return sent.Client.ID, sent.Client.Name
}
