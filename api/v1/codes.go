package v1

import "slices"

// failureCodes are why a record failed; what no longer is tried has one of them.
var failureCodes = []string{
	"rejected", "ambiguous_match", "currency_unsupported", "not_pushable", "target_failed", "row_unreadable", "company_unreadable",
	"contact_unreadable", "contracts_unreadable", "parts_unreadable", "not_kept", "internal",
}

// noteCodes are what a record lacks that is sent, or why it waits.
var noteCodes = []string{
	"cost_unknown", "costs_unreadable", "period_unknown", "price_currency_unknown", "cost_out_of_range", "currency_assumed_usd",
	"vendor_name_unknown", ReasonEditedAtTarget,
}

// installationCodes are of issues of a whole installation.
var installationCodes = []string{
	"no_public_url", "webhook_not_allowed", "webhook_contested", "webhook_disturbed", "webhook_former_owner", "webhook_inactive",
	"credentials_refused", "permission_missing", "throttled", "backfill_throttled", "autotask_unavailable", "autotask_query_refused",
	"channel_program_refused", "channel_program_subscription", "channel_program_throttled", "channel_program_unavailable",
	"channel_program_url_missing", "store_unavailable", codeDropped, "no_instance", "mass_change_held",
}

const codeDropped, codeUnreadable = "dead_letters_dropped", "callback_unreadable"

// IssueCodes are the codes of issues, which docs/operating/issues.md explains.
func IssueCodes() []string { return slices.Concat(installationCodes, failureCodes, noteCodes) }

// ReasonCodes are what a list of records can be filtered by.
func ReasonCodes() []string { return slices.Concat(Reasons(), failureCodes, noteCodes) }

// DeadLetterCodes are the causes of dead letters.
func DeadLetterCodes() []string {
	return append(slices.Clone(failureCodes), codeUnreadable, codeDropped)
}

// KnownCode says whether there is a code, of whatever. A filter by one that there is not finds nothing, which reads as if all were well.
func KnownCode(code string) bool {
	return code == codeUnreadable || slices.Contains(IssueCodes(), code) || slices.Contains(Reasons(), code)
}
