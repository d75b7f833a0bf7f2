package v1

import "slices"

// Standing is how an installation stands in one word, by what somebody has to do about it.
type Standing string

// The standings of an installation.
const (
	StandingActionRequired Standing = "action_required" // nothing syncs until somebody acts
	StandingRetrying       Standing = "retrying"        // an upstream does not answer
	StandingNeedsAttention Standing = "needs_attention" // single records need somebody, all others are in sync
	StandingInstalling     Standing = "installing"
	StandingFirstSync      Standing = "first_sync"
	StandingCatchingUp     Standing = "catching_up" // records are on their way
	StandingInSync         Standing = "in_sync"
	StandingStopped        Standing = "stopped"
	StandingUninstalled    Standing = "uninstalled"
)

// Standings lists all, in the order in which they need somebody.
var Standings = []Standing{
	StandingActionRequired, StandingRetrying, StandingNeedsAttention, StandingInstalling, StandingFirstSync, StandingCatchingUp,
	StandingInSync, StandingStopped, StandingUninstalled,
}

// StandingOf says how an installation stands. What keeps all of it back comes first, then what
// is under way, then single records.
func StandingOf(state State, backlog int, issues []Issue) Standing {
	has := func(severity string, all bool) bool {
		return slices.ContainsFunc(issues, func(i Issue) bool { return i.Severity == severity && (!all || i.Records == 0) })
	}
	switch {
	case state == StateUninstalled:
		return StandingUninstalled
	case has(SeverityAct, true):
		return StandingActionRequired
	case state == StateStopped:
		return StandingStopped
	case state == StateInstalling:
		return StandingInstalling
	case state == StateBackfilling:
		return StandingFirstSync
	case state == StateDegraded && has(SeverityRetrying, false):
		return StandingRetrying
	case backlog > 0:
		return StandingCatchingUp
	case has(SeverityAct, false):
		return StandingNeedsAttention
	}
	return StandingInSync
}

// Standing says how it stands.
func (in *Installation) Standing() Standing { return StandingOf(in.State, in.Backlog, in.Issues) }

// InstallationQuery says which installations are listed, and how. The zero one is all of them, by name.
type InstallationQuery struct {
	Q        string   // of a name or id, as it is typed
	State    State    //
	Standing Standing //
	Issue    string   // one of the IssueFilters, or a code
	Sort     string   // one of the InstallationSorts, after "-" the other way round
	Cursor   string
	Limit    int // 1 to 500; 0: all of them
	Counts   bool
}

// What an issue filter may be besides a code.
const (
	IssueAny      = "any"
	IssueNone     = "none"
	IssueAct      = SeverityAct
	IssueRetrying = SeverityRetrying
)

// IssueFilters are those.
var IssueFilters = []string{IssueAny, IssueNone, IssueAct, IssueRetrying}

// InstallationSorts are what installations are sorted by; equal ones by name.
var InstallationSorts = []string{
	"name",
	"standing", // those first that need somebody
	"state",
	"issues",  // the most first, those to act on before others
	"backlog", // the largest first
	"change",  // the latest first, those without one last
}

// States lists the states of an installation.
var States = []State{StateInstalling, StateBackfilling, StateLive, StateDegraded, StateNeedsCredentials, StateStopped, StateUninstalled}

// InstallationList is the answer to GET /installations.
type InstallationList struct {
	Items      []Installation      `json:"items"`
	NextCursor *string             `json:"nextCursor"`
	Counts     *InstallationCounts `json:"counts,omitempty"` // where they are asked for
}

// InstallationCounts count installations.
type InstallationCounts struct {
	Total     int              `json:"total"` // that the caller sees
	Found     int              `json:"found"` // that the query is about
	Standings map[Standing]int `json:"standings"`
	// Issues are those of all that the caller sees, by their code: to act on first, then in most installations.
	Issues []IssueCount `json:"issues"`
}

// IssueCount is an issue that some installations have.
type IssueCount struct {
	Code          string `json:"code"`
	Severity      string `json:"severity"` // act where it is in one of them
	Title         string `json:"title"`
	Fix           string `json:"fix"`
	Installations int    `json:"installations"`
	Records       int    `json:"records"` // of all of them
}
