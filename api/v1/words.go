package v1

// Kind is what a record or a change is about.
type Kind string

// The kinds. A contact is never a record of its own: its change is a change of its company.
const (
	KindCompany  Kind = "company"
	KindContract Kind = "contract"
	KindContact  Kind = "contact"
)

// RecordKinds are the kinds of records, in the order that lists have.
var RecordKinds = []Kind{KindCompany, KindContract}

// Sync is one of the two things an installation may have installed.
type Sync string

// The two syncs.
const (
	SyncActiveCustomers         Sync = "active_customers"
	SyncActiveCustomerContracts Sync = "active_customer_contracts"
)

// Syncs lists both, in the order they are shown.
var Syncs = []Sync{SyncActiveCustomers, SyncActiveCustomerContracts}

// Outcome is how the last reconcile of a record ended.
type Outcome string

// The outcomes of a record.
const (
	OutcomePushed    Outcome = "pushed"    // the target said created, linked or updated
	OutcomeUnchanged Outcome = "unchanged" // fingerprint equal, or the target said unchanged
	OutcomeNotMet    Outcome = "not_met"   // a condition does not hold; nothing pushed
	OutcomeWaiting   Outcome = "waiting"   // a sync it belongs to is stopped, or somebody edited it at the target
	OutcomeRetrying  Outcome = "retrying"  // failed, will be tried again
	OutcomeDead      Outcome = "dead"      // failed, no longer tried by itself; its dead letter may be gone
)

// Outcomes lists them, in the order they are shown.
var Outcomes = []Outcome{OutcomePushed, OutcomeUnchanged, OutcomeNotMet, OutcomeWaiting, OutcomeRetrying, OutcomeDead}

// Trigger says why a change was written.
type Trigger string

// The triggers of a change.
const (
	TriggerCallback  Trigger = "callback"
	TriggerPoll      Trigger = "poll"
	TriggerSweep     Trigger = "sweep"
	TriggerBackfill  Trigger = "backfill"
	TriggerReplay    Trigger = "replay"
	TriggerManual    Trigger = "manual"
	TriggerDependent Trigger = "dependent"
)

// Triggers lists them, the most telling first.
var Triggers = []Trigger{TriggerCallback, TriggerPoll, TriggerDependent, TriggerManual, TriggerBackfill, TriggerSweep, TriggerReplay}

// State is the state of an installation.
type State string

// The states of an installation.
const (
	StateInstalling       State = "installing"
	StateBackfilling      State = "backfilling"
	StateLive             State = "live"
	StateDegraded         State = "degraded"
	StateNeedsCredentials State = "needs_credentials"
	StateStopped          State = "stopped"
	StateUninstalled      State = "uninstalled"
)

// SyncState is the state of one sync of an installation.
type SyncState string

// The states of a sync.
const (
	SyncBackfilling SyncState = "backfilling"
	SyncRunning     SyncState = "running"
	SyncStopped     SyncState = "stopped"
	SyncUninstalled SyncState = "uninstalled"
)

// The reasons a record is not synced (or a contract with its client is).
const (
	ReasonTypeNotCustomer  = "type_not_customer"
	ReasonStatusInactive   = "status_inactive"
	ReasonOwnCompany       = "own_company"
	ReasonNoContract       = "no_contract"
	ReasonContractInactive = "contract_inactive"
	ReasonExcluded         = "excluded"
	ReasonFiltered         = "filtered"
	ReasonDeletedAtSource  = "deleted_at_source"
	ReasonClientOutOfScope = "client_out_of_scope"
	ReasonSyncNotInstalled = "sync_not_installed"
)

// ReasonEditedAtTarget is why a record waits that is in scope: somebody edited it in Channel
// Program, and nothing is pushed over that until somebody says so (option drift: report).
const ReasonEditedAtTarget = "edited_at_target"

// Reasons are the reasons above, in the order in which a record's conditions are listed.
func Reasons() []string {
	return []string{
		ReasonTypeNotCustomer, ReasonStatusInactive, ReasonOwnCompany, ReasonNoContract, ReasonContractInactive,
		ReasonExcluded, ReasonFiltered, ReasonDeletedAtSource, ReasonClientOutOfScope, ReasonSyncNotInstalled,
	}
}
