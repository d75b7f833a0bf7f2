package issue

import (
	"encoding/json"
	"strings"

	v1 "channelsync/api/v1"
	"channelsync/sync/deadletter"
	"channelsync/sync/projection"
)

// Describe returns an issue with its words: what it means and the fix in one line.
func Describe(code string) v1.Issue {
	words, known := texts[code]
	if !known {
		words = text{v1.SeverityRetrying, "Something went wrong", "The detail names the cause.", "Nothing to do yet: channelsync tries again."}
	}
	return v1.Issue{Code: code, Severity: words.severity, Title: words.title, Detail: words.detail, Fix: words.fix}
}

type text struct{ severity, title, detail, fix string }

// DescribeFor is Describe where the words depend on the installation's options.
func DescribeFor(code string, o v1.Options) v1.Issue {
	i := Describe(code)
	if code == projection.IssueCostUnknown {
		i.Fix = projection.CostFix(o.OverallCost)
	}
	return i
}

// FixOfNote is what to do about something that a pushed record lacks: for a cost by its cause,
// which its sources name.
func FixOfNote(code string, o v1.Options, sources json.RawMessage) string {
	var of v1.ContractSources
	if code == projection.IssueCostUnknown && json.Unmarshal(sources, &of) == nil && of.Cost.Fix != "" {
		return of.Cost.Fix
	}
	return DescribeFor(code, o).Fix
}

// DeadLetter says what the cause of a dead letter means and what to do about it. A dead
// letter is not tried again by itself, whatever the words of the issue say.
func DeadLetter(code string) (title, fix string) {
	words, known := texts[code]
	switch {
	case code == deadletter.CodeUnreadable:
		return "A callback could not be read", "Its signature is valid, but its body is not a webhook's. Look at the body. " +
			"If your own bridge sent it, correct the bridge. Then dismiss the callback."
	case !known:
		return "Something went wrong", "Correct what the detail names, then try again."
	case words.severity == v1.SeverityRetrying && strings.HasPrefix(words.fix, "Nothing to do"):
		return words.title, "It failed repeatedly over twelve hours. Try it once more; if it fails again, look at the detail."
	}
	return words.title, words.fix
}

// unreadFix is what to do about records that Autotask does not answer for: it depends on the
// cause, which each record names.
const unreadFix = "Open the record here: it shows the request, Autotask's answer, and what to do. If it names a field, correct that field in Autotask. " +
	"If Autotask gave no answer, a partial one or an error, \"Sync now\" asks again at once. If the error persists, report the id and the time to Autotask's support."

// texts are the words of every issue. docs/operating lists their codes.
var texts = map[string]text{
	"no_public_url": {
		v1.SeverityAct, "Autotask cannot call this service",
		"No public URL is set, so channelsync polls for changes.",
		"Nothing is lost. To receive changes within seconds, set --public-url to an https address that Autotask can reach.",
	},
	"webhook_not_allowed": {
		v1.SeverityAct, "Autotask does not allow webhooks to be created",
		"The API user's security level does not allow webhooks, so channelsync polls for changes.",
		"In Autotask, under Admin > Resources/Users > Security Levels: copy the API-only level, tick \"Can create webhooks\" with a maximum of at least 2, and assign the copy to the API user.",
	},
	"webhook_contested": {
		v1.SeverityAct, "Another service uses the webhooks of this installation",
		"A webhook of this installation now calls another address.",
		"Two services work for this installation, for example a restored backup beside the original. Stop the wrong one, or uninstall the installation there; that does not touch these webhooks. To give the webhooks to this service, use \"Check and repair\" in its settings, or channelsync webhook repair. That also clears this issue.",
	},
	"webhook_disturbed": {
		v1.SeverityAct, "Somebody keeps changing a webhook in Autotask",
		"Somebody changed a webhook of this installation again after channelsync had repaired it.",
		"Find out who changes it: a person, or another integration's clean-up. If Autotask deactivates it, make sure that Autotask can reach the public URL. \"Check and repair\" in the settings, or channelsync webhook repair, repairs it at once; otherwise channelsync tries again within an hour.",
	},
	"webhook_former_owner": {
		v1.SeverityAct, "A former API user's webhook cannot be removed",
		"The new API user may not remove the webhooks that the former user created. While they exist, Autotask does not report every change, so channelsync polls.",
		"In Autotask, under Admin > Extensions & Integrations > Other Extensions & Tools > Webhooks: delete the webhooks named in the detail, or deactivate the former API user.",
	},
	"webhook_inactive": {
		v1.SeverityRetrying, "Autotask deactivated a webhook",
		"Autotask deactivates a webhook after failed deliveries.",
		"Nothing to do: channelsync activates it again and reads what it missed.",
	},
	"credentials_refused": {
		v1.SeverityAct, "Autotask refuses the credentials",
		"The user name, the secret or the tracking identifier is wrong, expired or locked. channelsync makes no further log-in attempt, so that the user is not locked out.",
		"Enter them again in the console's settings, or with channelsync installation set-credentials.",
	},
	"permission_missing": {
		v1.SeverityAct, "A permission in Autotask is missing",
		"The API user's security level may not read what a sync needs.",
		"In Autotask, under Admin > Resources/Users > Security Levels: give the API user's level the permission named in the detail.",
	},
	"throttled": {
		v1.SeverityRetrying, "Autotask's hourly limit is near",
		"All integrations of this Autotask together may make 10,000 requests an hour. This integration keeps to its share.",
		"Nothing to do: it resumes by itself.",
	},
	"backfill_throttled": {
		v1.SeverityRetrying, "The backfill waits for Autotask's hourly limit",
		"Backfills, sweeps and resyncs may use only a part of this integration's share of Autotask's hourly limit. Changes keep arriving meanwhile.",
		"Nothing to do: it resumes by itself.",
	},
	"autotask_unavailable": {
		v1.SeverityRetrying, "Autotask does not answer",
		"Autotask's API cannot be reached or answers with errors.",
		"Nothing to do: changes are kept, and channelsync tries again.",
	},
	"autotask_query_refused": {
		v1.SeverityRetrying, "Autotask refuses a query",
		"Autotask does not accept a query that this version sends.",
		"Report this to the maintainers, with the detail.",
	},
	"channel_program_refused": {
		v1.SeverityAct, "Channel Program refuses the connection",
		"Channel Program refuses the connection's token, or somebody paused or removed the connection.",
		"Check the connection in Channel Program, then enter its token again.",
	},
	"channel_program_subscription": {
		v1.SeverityAct, "Channel Program requires a subscription",
		"The Channel Program account's plan does not include client management.",
		"Ask your Channel Program administrator for a plan that includes it. Changes are kept meanwhile.",
	},
	"channel_program_throttled": {
		v1.SeverityRetrying, "Channel Program asks for fewer requests",
		"Channel Program's rate limit is reached.",
		"Nothing to do: it resumes by itself.",
	},
	"channel_program_unavailable": {
		v1.SeverityRetrying, "Channel Program does not answer",
		"Channel Program's API cannot be reached or answers with errors.",
		"Nothing to do: changes are kept, and channelsync tries again.",
	},
	"channel_program_url_missing": {
		v1.SeverityAct, "No Channel Program address is set",
		"Nothing can be pushed without the address of Channel Program's ingest API.",
		"Start the service with --channel-program-url.",
	},
	"store_unavailable": {
		v1.SeverityRetrying, "The event store does not answer",
		"NATS cannot be reached or does not accept writes.",
		"Look at /readyz. Changes are kept, and channelsync tries again.",
	},
	"dead_letters_dropped": {
		v1.SeverityAct, "Dead letters were dropped",
		"An installation keeps 5,000 unreadable callbacks and 20,000 failed records, 16 MiB of each, for 90 days.",
		"Correct the cause that most of the dead letters name. Then dismiss the dead letter called \"dropped\", and resync: this also tries the records whose dead letters were dropped.",
	},
	"no_instance": {
		v1.SeverityRetrying, "No instance works for this installation right now",
		"The channelsync instance that worked for it has stopped or does not answer, so counts, backlog and issues are unknown. Changes are kept.",
		"Nothing to do: another instance takes over within 20 seconds. If this issue persists, search the logs of the instances for lost leases.",
	},
	v1.ReasonEditedAtTarget: {
		v1.SeverityAct, "Somebody edited records in Channel Program",
		"The option drift is report, so nothing overwrites these edits until you say so. Changes in Autotask to these records wait too.",
		"Look at the edits under Drift (channelsync drift list). If Autotask is right, push ours; if the edit is right, enter it in Autotask too.",
	},
	"mass_change_held": {
		v1.SeverityAct, "Many records would stop syncing at once",
		"More records would stop syncing at once than the option massChangePercent allows. Nothing happens to them until somebody decides.",
		"If this is intended, approve it in the console or with POST …/held/approve. Otherwise check the API user's permissions in Autotask, then discard it.",
	},
	"not_kept": {
		v1.SeverityAct, "The event store refuses entries of records",
		"NATS refuses even the shortest entry for these records, so channelsync has stopped trying them.",
		"Let the NATS server accept messages of one mebibyte: check max_payload, and max_msg_size of the stream KV_ledger. Then requeue the records.",
	},
	"internal": {
		v1.SeverityRetrying, "channelsync itself failed",
		"A bug in channelsync stopped the work on these records, or one of its checks. Everything else continues, and channelsync tries again.",
		"Report this with the log lines that contain \"panicked\".",
	},
	"row_unreadable": {
		v1.SeverityRetrying, "A record's row cannot be read",
		"Autotask answers for other records, but not for these, or its answer does not match its API.",
		unreadFix,
	},
	"company_unreadable": {
		v1.SeverityRetrying, "A contract's company cannot be read",
		"Autotask does not answer for the companies of these contracts, or its answer does not match its API.",
		unreadFix,
	},
	"contact_unreadable": {
		v1.SeverityRetrying, "A company's contact cannot be read",
		"Autotask does not answer for a contact of these companies, or its answer does not match its API. Without the contact an e-mail address would be lost.",
		unreadFix,
	},
	"contracts_unreadable": {
		v1.SeverityRetrying, "A company's contracts cannot be listed",
		"These companies changed their name, or entered or left the scope, but Autotask does not list their contracts.",
		unreadFix,
	},
	"parts_unreadable": {
		v1.SeverityRetrying, "A part of a contract cannot be read",
		"Autotask does not answer for a service, unit, bundle, charge or vendor of these contracts, or its answer does not match its API.",
		unreadFix,
	},
	"rejected": {
		v1.SeverityAct, "Channel Program rejects records",
		"Channel Program does not accept the data of these records.",
		"In Autotask, correct the field that the record names. The record is sent again when it changes.",
	},
	"ambiguous_match": {
		v1.SeverityAct, "A client's name matches several clients in Channel Program",
		"Channel Program has several clients with this name and cannot tell which one is meant.",
		"Merge or rename the clients in Channel Program, then sync the record again.",
	},
	"currency_unsupported": {
		v1.SeverityAct, "Channel Program does not support the currency",
		"These contracts are in a currency that Channel Program does not support.",
		"Ask Channel Program to support the currency. channelsync never changes the currency of an amount.",
	},
	"not_pushable": {
		v1.SeverityAct, "A required field is empty or too long",
		"Channel Program requires a field that is empty or too long in Autotask.",
		"In Autotask, fill in or shorten the field that the record names. The record is sent when it changes.",
	},
	"target_failed": {
		v1.SeverityRetrying, "Channel Program fails on single records",
		"Channel Program answers with an error whenever it is sent one of these records, and accepts all others.",
		"Open the record: it shows the answer and what to do. After correcting the cause, \"Sync now\" sends it at once.",
	},
	"cost_unknown": {
		v1.SeverityAct, "The cost of contracts is unknown",
		"No rule gives these contracts an overall cost above zero, so they are sent without one.",
		projection.CostFix(projection.CostAuto), // DescribeFor has those of the other options
	},
	"costs_unreadable": {
		v1.SeverityAct, "Costs cannot be read",
		"The API user's security level may not read costs, so contracts are sent without one.",
		"Give the API user the level \"API User (system) (API-only)\", or a copy that may read costs.",
	},
	"period_unknown": {
		v1.SeverityAct, "A service's billing period is unknown",
		"The monthly or annual cost of these contracts cannot be computed without the period of each service and bundle in force.",
		"Set the period of the service or bundle in Autotask's catalogue. The record names the row.",
	},
	"price_currency_unknown": {
		v1.SeverityAct, "The currency of prices is unknown",
		"These contracts have prices only in their client's currency, which may not be your internal one. They are sent without an overall cost: channelsync never changes the currency of an amount.",
		"In Autotask, give the services, units and charges named in the record a price in the internal currency. Or set the option \"overallCost\" to a cost instead of the price.",
	},
	"cost_out_of_range": {
		v1.SeverityAct, "A cost is too large to be sent",
		"These contracts cost more than Channel Program's format can represent.",
		"Check the amounts on the contract in Autotask.",
	},
	"currency_assumed_usd": {
		v1.SeverityAct, "US dollars are assumed as the currency",
		"Autotask's internal currency cannot be read, and the option \"currency\" is not set.",
		"Set the option \"currency\" of the installation.",
	},
	"vendor_name_unknown": {
		v1.SeverityAct, "A vendor's name cannot be read",
		"A vendor of these contracts is deleted, or hidden from the API user, so channelsync skipped it.",
		"Let the API user read the vendor's company, or choose another vendor for the service.",
	},
}
