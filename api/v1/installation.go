package v1

import (
	"cmp"
	"time"
)

// Zone is an Autotask API host.
type Zone struct {
	Name string `json:"name"`
	URL  string `json:"url"` // REST base, ending in /atservicesrest
}

// Zones is the answer to GET /zones.
type Zones struct {
	Items []Zone `json:"items"`
	// Found is the zone of the user name that was asked for; nil without one, and when
	// Autotask knows no zone for it.
	Found *Zone `json:"found,omitempty"`
}

// CreateInstallation is the body of POST /installations.
type CreateInstallation struct {
	Name               string               `json:"name" validate:"required,max=100,readable"`
	Username           string               `json:"username" validate:"required,max=200,printed"`
	Secret             Secret               `json:"secret" validate:"required,max=400,printed"`
	TrackingIdentifier Secret               `json:"trackingIdentifier" validate:"required,max=200,printed"`
	Zone               string               `json:"zone,omitempty" validate:"max=300"` // a name of the list, a REST base URL, or empty = discovered
	Syncs              []Sync               `json:"syncs" validate:"required,min=1,unique,dive,oneof=active_customers active_customer_contracts"`
	ChannelProgram     ChannelProgramTarget `json:"channelProgram"`
	Options            *Options             `json:"options,omitempty"`
	Names              *OptionNames         `json:"names,omitempty"` // of what the options choose, instead of ids
}

// ChannelProgramTarget is the connection that an installation pushes to.
type ChannelProgramTarget struct {
	ConnectionID string `json:"connectionId" validate:"required,max=64"`
	Token        Secret `json:"token" validate:"required,max=4096"`
}

// UpdateInstallation is the body of PATCH /installations/{id}; nil leaves as it is.
type UpdateInstallation struct {
	Name    *string  `json:"name,omitempty" validate:"omitempty,min=1,max=100,readable"`
	Options *Options `json:"options,omitempty"`
	// Names are of what the options choose, instead of ids; they count with options only.
	Names *OptionNames `json:"names,omitempty"`
}

// Credentials is the body of PUT /installations/{id}/credentials.
type Credentials struct {
	Username           string `json:"username" validate:"required,max=200,printed"`
	Secret             Secret `json:"secret" validate:"required,max=400,printed"`
	TrackingIdentifier Secret `json:"trackingIdentifier" validate:"required,max=200,printed"`
	Zone               string `json:"zone,omitempty" validate:"max=300"`
}

// Options choose what syncs; every zero value is the default of interfaces §4.
type Options struct {
	TimeZone               string    `json:"timeZone,omitempty" validate:"omitempty,max=64,timezone"` // IANA name: whose today it is
	OutOfScope             string    `json:"outOfScope,omitempty" validate:"omitempty,oneof=leave archive"`
	OverallCost            string    `json:"overallCost,omitempty" validate:"omitempty,oneof=auto monthly annual price"`
	ContractStatus         string    `json:"contractStatus,omitempty" validate:"omitempty,oneof=any active"`
	ContractTypes          []int64   `json:"contractTypes,omitempty"`
	ContractCategories     []int64   `json:"contractCategories,omitempty"`
	CompanyClassifications []int64   `json:"companyClassifications,omitempty"`
	Emails                 string    `json:"emails,omitempty" validate:"omitempty,oneof=contacts primary none"`
	Currency               string    `json:"currency,omitempty" validate:"omitempty,iso4217"`
	Include                RecordIDs `json:"include,omitempty"`
	Exclude                RecordIDs `json:"exclude,omitempty"`
	MassChangePercent      int       `json:"massChangePercent,omitempty" validate:"omitempty,min=1,max=100"`
	Drift                  string    `json:"drift,omitempty" validate:"omitempty,oneof=repair report"`
}

// MassPercent of the records in scope may leave it at once without approval.
func (o Options) MassPercent() int { return cmp.Or(o.MassChangePercent, 50) }

// Installation is one MSP's Autotask connected to one Channel Program company. It never holds a secret.
type Installation struct {
	ID        string              `json:"id"`
	Name      string              `json:"name"`
	Zone      Zone                `json:"zone"`
	State     State               `json:"state"`
	Syncs     map[Sync]SyncStatus `json:"syncs"`
	Webhooks  []Webhook           `json:"webhooks"`
	Backlog   int                 `json:"backlog"` // records due, waiting or retrying
	Freshness Freshness           `json:"freshness"`
	Issues    []Issue             `json:"issues"`
	Options   Options             `json:"options"`
	CreatedAt time.Time           `json:"createdAt"`
	// Repaired counts the records, since the service started, that were put right
	// although no callback had announced their change.
	Repaired int `json:"repaired"`
	// ResumesAt is when a throttled installation works again; absent while it is not throttled.
	ResumesAt *time.Time `json:"resumesAt,omitempty"`
	// FormerResumesAt is ResumesAt under its former key, which the admin API answers until 1.0.
	FormerResumesAt *time.Time `json:"goesOnAt,omitempty"`
	// Parts is how fresh the services, units and charges of contracts are; absent
	// without contracts to compare.
	Parts *PartsFreshness `json:"parts,omitempty"`
	// Drift counts what was edited in Channel Program.
	Drift DriftCounts `json:"drift"`
	// Jobs are the backfills, resyncs and replays of the installation that still run.
	Jobs []Job `json:"jobs,omitempty"`
}

// SyncStatus is one sync's state and what its records came to.
type SyncStatus struct {
	State  SyncState `json:"state"`
	Counts Counts    `json:"counts"`
}

// Counts are numbers of records by their last outcome.
type Counts struct {
	InScope   int `json:"inScope"`
	Pushed    int `json:"pushed"`
	Unchanged int `json:"unchanged"`
	NotMet    int `json:"notMet"`
	Failed    int `json:"failed"` // retrying or dead
}

// Webhook is a registration at Autotask.
type Webhook struct {
	Entity         string     `json:"entity"` // Companies or Contacts
	ID             int64      `json:"id"`
	GUID           string     `json:"guid"`
	Active         bool       `json:"active"`
	Ready          bool       `json:"ready"`
	LastCallbackAt *time.Time `json:"lastCallbackAt"`
}

// Freshness is the time from "change stored" to "reconciled" of live changes: over the
// last hour, null without one, and of the last that something was sent for, null
// before the first since the service started.
type Freshness struct {
	P50Seconds  *float64   `json:"p50Seconds"`
	P95Seconds  *float64   `json:"p95Seconds"`
	LastSeconds *float64   `json:"lastSeconds"`
	LastAt      *time.Time `json:"lastAt"` // when it was reconciled
}

// Issue is something wrong, grouped by cause, with its fix.
type Issue struct {
	Code          string     `json:"code"`
	Severity      string     `json:"severity"` // act or retrying
	Title         string     `json:"title"`
	Detail        string     `json:"detail"`
	Fix           string     `json:"fix"`
	Records       int        `json:"records"`
	FirstAt       time.Time  `json:"firstAt"`
	LastAt        time.Time  `json:"lastAt"`
	NextAttemptAt *time.Time `json:"nextAttemptAt"`
}

// IssueList is the issues of an installation.
type IssueList struct {
	Items []Issue `json:"items"`
}

// Severities of an issue.
const (
	SeverityAct      = "act"
	SeverityRetrying = "retrying"
)

// Check is one line of a set-up test.
type Check struct {
	Name   string `json:"name"`
	OK     bool   `json:"ok"`
	Detail string `json:"detail"`
	Fix    string `json:"fix,omitempty"`

	Of string `json:"-"` // the other installation that it tells of, whose name not every caller may know
}

// Checks is the answer to a set-up test.
type Checks struct {
	Checks []Check `json:"checks"`
}
