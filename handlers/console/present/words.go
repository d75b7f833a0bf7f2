package present

import (
	"strings"

	v1 "channelsync/api/v1"
)

// Tone is how something is marked: by colour, icon and word, never by colour alone.
type Tone string

const (
	ToneGood Tone = "good"
	ToneBusy Tone = "busy" // it goes on by itself
	ToneWarn Tone = "warn" // it is retried automatically
	ToneBad  Tone = "bad"  // somebody must act
	ToneOff  Tone = "off"
)

// Word is a marked word, what a badge shows.
type Word struct {
	Tone Tone
	Text string
}

// StateWord is the state of an installation.
func StateWord(s v1.State) Word {
	switch s {
	case v1.StateInstalling:
		return Word{ToneBusy, "Installing"}
	case v1.StateBackfilling:
		return Word{ToneBusy, "First sync"}
	case v1.StateLive:
		return Word{ToneGood, "In sync"}
	case v1.StateDegraded:
		return Word{ToneWarn, "Degraded"}
	case v1.StateNeedsCredentials:
		return Word{ToneBad, "Action required"}
	case v1.StateStopped:
		return Word{ToneOff, "Stopped"}
	case v1.StateUninstalled:
		return Word{ToneOff, "Uninstalled"}
	}
	return Word{ToneOff, string(s)}
}

func syncStateWord(s v1.SyncState) Word {
	switch s {
	case v1.SyncBackfilling:
		return Word{ToneBusy, "First sync"}
	case v1.SyncRunning:
		return Word{ToneGood, "Running"}
	case v1.SyncStopped:
		return Word{ToneOff, "Stopped"}
	}
	return Word{ToneOff, "Not installed"}
}

// OutcomeWord is what became of a record.
func OutcomeWord(o v1.Outcome) Word {
	switch o {
	case v1.OutcomePushed:
		return Word{ToneGood, "Synced"}
	case v1.OutcomeUnchanged:
		return Word{ToneGood, "Up to date"}
	case v1.OutcomeNotMet:
		return Word{ToneOff, "Not synced"}
	case v1.OutcomeWaiting:
		return Word{ToneOff, "Waiting"}
	case v1.OutcomeRetrying:
		return Word{ToneWarn, "Retrying"}
	case v1.OutcomeDead:
		return Word{ToneBad, "Failed"}
	}
	return Word{ToneOff, "Unknown"}
}

// TriggerWord says why a record was reconciled.
func TriggerWord(t v1.Trigger) string {
	switch t {
	case v1.TriggerCallback:
		return "Autotask callback"
	case v1.TriggerPoll:
		return "found by polling"
	case v1.TriggerSweep:
		return "found by the daily sweep"
	case v1.TriggerBackfill:
		return "first sync"
	case v1.TriggerReplay:
		return "replay"
	case v1.TriggerManual:
		return "requested by hand"
	case v1.TriggerDependent:
		return "a related record changed"
	}
	return string(t)
}

// ReasonWord says a reason code of a record in words; codes of failures that are
// not in the list stay as they are, their detail stands beside them.
func ReasonWord(code string) string {
	switch code {
	case v1.ReasonTypeNotCustomer:
		return "Company type is not Customer"
	case v1.ReasonStatusInactive:
		return "Company is inactive"
	case v1.ReasonOwnCompany:
		return "This is your own company"
	case v1.ReasonNoContract:
		return "Company has no contract"
	case v1.ReasonContractInactive:
		return "Contract is inactive"
	case v1.ReasonExcluded:
		return "Excluded by the options"
	case v1.ReasonFiltered:
		return "Filtered out by the options"
	case v1.ReasonDeletedAtSource:
		return "Deleted in Autotask"
	case v1.ReasonClientOutOfScope:
		return "Its client is no longer in scope"
	case v1.ReasonSyncNotInstalled:
		return "Its sync is not installed"
	}
	return failureWord(code)
}

// failureWord says why a record could not be read or sent.
func failureWord(code string) string {
	switch code {
	case "not_kept":
		return "The event store refuses its entry"
	case "internal":
		return "channelsync itself failed on it"
	case "row_unreadable":
		return "Its row in Autotask cannot be read"
	case "company_unreadable":
		return "Its company cannot be read"
	case "contact_unreadable":
		return "One of its contacts cannot be read"
	case "contracts_unreadable":
		return "Its contracts cannot be listed"
	case "parts_unreadable":
		return "One of its parts cannot be read"
	case "rejected":
		return "Channel Program rejects it"
	case "ambiguous_match":
		return "Its name matches several clients in Channel Program"
	case "currency_unsupported":
		return "Channel Program does not support its currency"
	case "not_pushable":
		return "A field that Channel Program requires is empty or too long"
	case v1.ReasonEditedAtTarget:
		return "Somebody edited it in Channel Program"
	case "target_failed":
		return "Channel Program answers it with an error"
	}
	return code
}

// KindWord is what a record of a kind is called.
func KindWord(k v1.Kind) string {
	switch k {
	case v1.KindCompany:
		return "Client"
	case v1.KindContract:
		return "Contract"
	case v1.KindContact:
		return "Contact"
	}
	return string(k)
}

// SyncText is what a sync is called and does, in the words of the users' own guide.
type SyncText struct {
	Name       string
	Short      string
	Conditions []string
	Data       []string
	Triggers   []string
}

// SyncWords is what there is to say of a sync.
func SyncWords(s v1.Sync) SyncText {
	if s == v1.SyncActiveCustomers {
		return SyncText{
			Name: "Active Customers", Short: "Companies of type Customer and status Active, with their contact details.",
			Conditions: []string{"Type is Customer", "Status is Active"},
			Data:       []string{"Company name", "Street address", "Email addresses", "Phone numbers", "Websites"},
			Triggers:   []string{"A company is created", "A synced detail is edited", "A company goes from Inactive to Active"},
		}
	}
	return SyncText{
		Name: "Active Customer Contracts", Short: "The contracts of active customers: vendor, name and overall cost.",
		Conditions: []string{"Type is Customer", "Status is Active", "The customer has at least one contract"},
		Data:       []string{"Company name", "Vendor name, else “MSP Managed Services”", "Contract name", "Overall cost"},
		Triggers:   []string{"A contract is created", "A synced detail is edited"},
	}
}

// FieldID is the id of the form's field that a pointer of a problem points at:
// "#/channelProgram/token" → "channelProgram-token", "?from" → "from".
func FieldID(pointer string) string {
	return strings.ReplaceAll(strings.Trim(strings.TrimLeft(pointer, "#?"), "/"), "/", "-")
}

// FieldName is what the field is called on the page.
func FieldName(pointer string) string {
	switch FieldID(pointer) {
	case "name":
		return "Name"
	case "username":
		return "Username (key)"
	case "secret":
		return "Password (secret)"
	case "trackingIdentifier":
		return "API tracking identifier"
	case "zone":
		return "Region"
	case "syncs":
		return "Syncs"
	case "channelProgram-connectionId", "connectionId":
		return "Connection id"
	case "channelProgram-token", "token":
		return "Connection token"
	case "options-timeZone":
		return "Time zone"
	case "options-currency":
		return "Currency"
	case "from":
		return "From"
	case "to":
		return "To"
	case "fromSequence":
		return "From the change with the number"
	case "kind":
		return "Only changes of"
	case "id":
		return "Autotask id"
	case "kinds":
		return "What to compare"
	case "options-massChangePercent":
		return "Mass change"
	}
	return FieldID(pointer)
}
