package v1

import "time"

// Job is a backfill, a resync or a replay.
type Job struct {
	ID        string   `json:"job"`
	Type      string   `json:"type"` // backfill, resync, replay, sweep, bulk
	State     JobState `json:"state"`
	DryRun    bool     `json:"dryRun,omitempty"`
	Total     int      `json:"total"`
	Done      int      `json:"done"`
	Pushed    int      `json:"pushed"`
	Unchanged int      `json:"unchanged"`
	NotMet    int      `json:"notMet"`
	Failed    int      `json:"failed"`
	Drift     int      `json:"drift,omitempty"` // repaired because the target had been edited
	// DriftFields names the fields that had been edited at the target, each once.
	DriftFields []string   `json:"driftFields,omitempty"`
	Detail      string     `json:"detail,omitempty"`
	StartedAt   time.Time  `json:"startedAt"`
	FinishedAt  *time.Time `json:"finishedAt"`

	// What it was asked for, so that a dry run can be repeated for real.
	Kinds  []Kind         `json:"kinds,omitempty"`  // that it goes through; none of a replay
	Replay *ReplayRequest `json:"replay,omitempty"` // of a replay only
	Bulk   *BulkJob       `json:"bulk,omitempty"`   // of a bulk action only

	Skipped int `json:"skipped,omitempty"` // that a bulk action could not be done for
}

// JobList is the running jobs of an installation and the last that ended, newest first.
type JobList struct {
	Items []Job `json:"items"`
}

// JobState is the state of a job.
type JobState string

// The states of a job.
const (
	JobRunning   JobState = "running"
	JobDone      JobState = "done"
	JobFailed    JobState = "failed"
	JobCancelled JobState = "cancelled"
)

// JobRef is the 202 of whatever starts a job.
type JobRef struct {
	Job string `json:"job"`
}

// DeadLetter is a change that is no longer retried, or a callback that could not be read.
type DeadLetter struct {
	ID       string    `json:"id"`
	Kind     string    `json:"kind"` // company, contract, contact or callback
	RecordID string    `json:"recordId"`
	Code     string    `json:"code"`
	Detail   string    `json:"detail"`
	Attempts int       `json:"attempts"`
	FirstAt  time.Time `json:"firstAt"`
	LastAt   time.Time `json:"lastAt"`
	Raw      string    `json:"raw,omitempty"` // the body as it came, of a callback only; at most its first 16 KiB
	Title    string    `json:"title"`         // the cause in words
	Fix      string    `json:"fix"`           // what to do about it
}

// Status is one screen: every installation with its state, freshness, backlog and issues.
type Status struct {
	Version       string               `json:"version"`
	Ready         bool                 `json:"ready"`
	Installations []InstallationStatus `json:"installations"`
	NextCursor    *string              `json:"nextCursor,omitempty"` // where a page was asked for, and there is another
}

// InstallationStatus is one line of Status.
type InstallationStatus struct {
	ID        string          `json:"id"`
	Name      string          `json:"name"`
	State     State           `json:"state"`
	Backlog   int             `json:"backlog"`
	Freshness Freshness       `json:"freshness"`
	Parts     *PartsFreshness `json:"parts,omitempty"`
	Issues    []Issue         `json:"issues"`
}

// BridgeList is the bridges of an installation, oldest first.
type BridgeList struct {
	Items []BridgeStatus `json:"items"`
}

// BridgeStatus is a bridge without its secret.
type BridgeStatus struct {
	GUID       string     `json:"guid"`
	Name       string     `json:"name"`
	CreatedAt  time.Time  `json:"createdAt"`
	LastUsedAt *time.Time `json:"lastUsedAt"` // null: not since the service started
}

// CreateBridge is the body of POST …/bridges; it may be left out.
type CreateBridge struct {
	Name string `json:"name,omitempty" validate:"omitempty,max=100,readable"` // what it is for
}

// Bridge is what a bridge of the user's own signs its callbacks with; shown once.
type Bridge struct {
	GUID   string `json:"guid"`
	Secret string `json:"secret"` // shown once, on purpose not a Secret
	URL    string `json:"url"`
}

// AuditEntry is one thing that somebody did, or was refused.
type AuditEntry struct {
	At           time.Time `json:"at"`
	Who          string    `json:"who"`   // the name of the token, or of a person after "oidc:"; empty when it is not known
	Actor        string    `json:"actor"` // api, cli or console
	Action       string    `json:"action"`
	Installation string    `json:"installation,omitempty"`
	Address      string    `json:"address"` // that the request came from
	Detail       string    `json:"detail,omitempty"`
	OK           bool      `json:"ok"`
	Request      string    `json:"request,omitempty"` // its id, as in the header X-Request-Id of the answer
	Count        int       `json:"count,omitempty"`   // how many alike it stands for, of refusals that repeat; 0: itself
	// Unverified says that the chain does not vouch for it: somebody else wrote or changed it, or its key is gone.
	Unverified bool `json:"unverified,omitempty"`
}

// ActionLogIn is the action of log-ins, refused ones too.
const ActionLogIn = "log-in"

// AuditVerification says whether the audit is whole.
type AuditVerification struct {
	OK      bool   `json:"ok"`
	Entries int    `json:"entries"` // that are in their place of the chain
	First   uint64 `json:"first"`   // the number of the oldest that is kept
	Last    uint64 `json:"last"`    // and of the newest; the log has it too
	Before  int    `json:"before"`  // of a version that did not chain them, there when the chain began: one that is gone does not show
	// Findings are what is wrong, the first 20.
	Findings []string `json:"findings"`
}

// AuditQuery picks a page of what operators did.
type AuditQuery struct {
	Installation string   // empty: all of it
	Only         []string // installations; none: no matter which
	Cursor       string   // empty: from the newest
	Limit        int      // 1 to 500, default 50
}
