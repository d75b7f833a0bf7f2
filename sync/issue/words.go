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
		words = text{v1.SeverityRetrying, "Something went wrong", "The cause is named in the detail.", "Nothing to do yet: it is tried again."}
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
		return "A callback could not be read", "Its signature is right, its body is not that of a webhook. Look at the body; " +
			"if a bridge of your own sent it, correct the bridge. Then dismiss it."
	case !known:
		return "Something went wrong", "Look at the detail, put right what it names, then try again."
	case words.severity == v1.SeverityRetrying && strings.HasPrefix(words.fix, "Nothing to do"):
		return words.title, "It was tried again and again, for twelve hours. Try it once more; if it fails again, look at the detail."
	}
	return words.title, words.fix
}

// unreadFix is what to do about records that Autotask does not answer for: it depends on the
// cause, which each record names.
const unreadFix = "Open the record here: it says what Autotask was asked and answered, and what to do. A field that is named there: correct it in Autotask. " +
	"No answer, a cut one or an error: \"Sync now\" asks again at once; if it stays, report the id and the time to Autotask's support."

// texts are the words of every issue. docs/operating lists their codes.
var texts = map[string]text{
	"no_public_url": {
		v1.SeverityAct, "Autotask cannot call this service",
		"No public URL is set, so changes are found by polling.",
		"Nothing is lost. For changes within seconds set --public-url to an https address that Autotask can reach.",
	},
	"webhook_not_allowed": {
		v1.SeverityAct, "Autotask does not allow webhooks to be created",
		"The API user's security level may not create webhooks, so changes are found by polling.",
		"In Autotask: Admin > Resources/Users > Security Levels, copy the API-only level, tick \"Can create webhooks\" with a maximum of at least 2, and give it to the API user.",
	},
	"webhook_contested": {
		v1.SeverityAct, "Another service takes the webhooks of this installation",
		"Somebody else gave a webhook of this installation another address.",
		"Two services work for this installation, such as a restored backup beside the original. Stop the one that should not, or uninstall the installation there, which leaves these webhooks as they are. To give the webhooks to this one, use \"Check and repair\" in its settings, or channelsync webhook repair; that ends this message too.",
	},
	"webhook_disturbed": {
		v1.SeverityAct, "Somebody keeps changing a webhook in Autotask",
		"A webhook of this installation was changed again after it had been put right.",
		"Find out who does it: a person, or a clean-up of another integration. Where Autotask does it, let the public URL be reached again. \"Check and repair\" in the settings, or channelsync webhook repair, puts it right at once; else that is tried again within an hour.",
	},
	"webhook_former_owner": {
		v1.SeverityAct, "A former API user's webhook cannot be removed",
		"The new API user may not remove the webhooks that the former one made. Beside them Autotask does not call out for every change, so changes are found by polling.",
		"In Autotask: Admin > Extensions & Integrations > Other Extensions & Tools > Webhooks, delete those named in the detail, or deactivate the former API user.",
	},
	"webhook_inactive": {
		v1.SeverityRetrying, "A webhook was deactivated by Autotask",
		"Autotask switched a webhook off after failed deliveries.",
		"Nothing to do: it is switched on again and what was missed is read.",
	},
	"credentials_refused": {
		v1.SeverityAct, "Autotask refuses the credentials",
		"The user name, the secret or the tracking identifier is wrong, expired or locked. No further log-in is tried, so that the user is not locked out.",
		"Enter them again: in the console's settings, or with installation set-credentials.",
	},
	"permission_missing": {
		v1.SeverityAct, "A right in Autotask is missing",
		"The API user's security level may not read what a sync needs.",
		"In Autotask: Admin > Resources/Users > Security Levels, give the API user's level the right named in the detail.",
	},
	"throttled": {
		v1.SeverityRetrying, "Autotask's hourly limit is near",
		"This integration keeps to its share of the 10,000 requests an hour that all integrations of this Autotask have together.",
		"Nothing to do: it goes on by itself.",
	},
	"backfill_throttled": {
		v1.SeverityRetrying, "The backfill waits for Autotask's hourly limit",
		"Backfills, sweeps and resyncs use at most a part of this integration's share of Autotask's hourly limit. Changes keep arriving meanwhile.",
		"Nothing to do: it goes on by itself.",
	},
	"autotask_unavailable": {
		v1.SeverityRetrying, "Autotask does not answer",
		"Autotask's API cannot be reached or answers with errors.",
		"Nothing to do: changes are kept and it is tried again.",
	},
	"autotask_query_refused": {
		v1.SeverityRetrying, "Autotask refuses a query",
		"Autotask does not take a query that this version sends.",
		"Please report it with the detail.",
	},
	"channel_program_refused": {
		v1.SeverityAct, "Channel Program refuses the connection",
		"The connection's token is refused, or the connection was paused or removed.",
		"Check the connection in Channel Program, then enter its token again.",
	},
	"channel_program_subscription": {
		v1.SeverityAct, "Channel Program asks for a subscription",
		"The Channel Program account's plan does not include client management.",
		"Ask your Channel Program administrator for a plan that includes it. Changes are kept meanwhile.",
	},
	"channel_program_throttled": {
		v1.SeverityRetrying, "Channel Program asks to slow down",
		"Channel Program's rate limit is reached.",
		"Nothing to do: it goes on by itself.",
	},
	"channel_program_unavailable": {
		v1.SeverityRetrying, "Channel Program does not answer",
		"Channel Program's API cannot be reached or answers with errors.",
		"Nothing to do: changes are kept and it is tried again.",
	},
	"channel_program_url_missing": {
		v1.SeverityAct, "No Channel Program address is set",
		"Nothing can be pushed without the address of Channel Program's ingest API.",
		"Start the service with --channel-program-url.",
	},
	"store_unavailable": {
		v1.SeverityRetrying, "The event store does not answer",
		"NATS cannot be reached or does not take writes.",
		"Look at /readyz; changes are kept and it is tried again.",
	},
	"dead_letters_dropped": {
		v1.SeverityAct, "Dead letters were dropped",
		"An installation keeps 5,000 callbacks that could not be read and 20,000 failures of records, 16 MiB of each, for 90 days.",
		"Correct the cause that most of the dead letters name. Then dismiss the one that is called \"dropped\", and resync: records are tried again whose dead letter is gone.",
	},
	"no_instance": {
		v1.SeverityRetrying, "No instance works for this installation right now",
		"The instance of channelsync that worked for it stopped or does not answer, so its counts, backlog and issues are not known. Changes are kept.",
		"Nothing to do: another instance takes over within 20 seconds. If it stays, look at the log of the instances for lost leases.",
	},
	v1.ReasonEditedAtTarget: {
		v1.SeverityAct, "Somebody edited records in Channel Program",
		"The option drift is report, so nothing is pushed over what was edited there until you say so. What changes in Autotask meanwhile waits too.",
		"Look at what was edited under Drift (channelsync drift list). Push ours where Autotask is right; where the edit is right, enter it in Autotask too.",
	},
	"mass_change_held": {
		v1.SeverityAct, "Many records would leave at once",
		"More records than the installation's share would no longer be synced. Nothing is done with them until somebody says so.",
		"If this is right, approve it on the console or by POST …/held/approve; if not, look at the API user's rights in Autotask, then discard it.",
	},
	"not_kept": {
		v1.SeverityAct, "The event store takes no entry of records",
		"NATS refuses what is remembered of these records, however short, so nothing more is done about them.",
		"Let the NATS server take messages of a mebibyte: look at max_payload, and at max_msg_size of the stream KV_ledger. Then requeue them.",
	},
	"internal": {
		v1.SeverityRetrying, "channelsync itself failed",
		"A fault of channelsync's own stopped the work on these records, or one of its checks. Everything else goes on, and it is tried again.",
		"Report it with the lines of the log that have \"panicked\" in them.",
	},
	"row_unreadable": {
		v1.SeverityRetrying, "A record's row cannot be read",
		"Autotask does not answer for these records, or answers what its API does not describe, while it answers for others.",
		unreadFix,
	},
	"company_unreadable": {
		v1.SeverityRetrying, "A contract's company cannot be read",
		"Autotask does not answer for the companies of these contracts, or answers what its API does not describe.",
		unreadFix,
	},
	"contact_unreadable": {
		v1.SeverityRetrying, "A company's contact cannot be read",
		"Autotask does not answer for a contact of these companies, or answers what its API does not describe; without it an e-mail address would be lost.",
		unreadFix,
	},
	"contracts_unreadable": {
		v1.SeverityRetrying, "A company's contracts cannot be listed",
		"Autotask does not list the contracts of these companies, which changed their name or came into scope or left it.",
		unreadFix,
	},
	"parts_unreadable": {
		v1.SeverityRetrying, "A row that a contract is made of cannot be read",
		"Autotask does not answer for a service, unit, bundle, charge or vendor of these contracts, or answers what its API does not describe.",
		unreadFix,
	},
	"rejected": {
		v1.SeverityAct, "Channel Program rejects records",
		"Channel Program does not take the data of these records.",
		"Correct the field named in the record in Autotask; it is sent again when it changes.",
	},
	"ambiguous_match": {
		v1.SeverityAct, "A client's name fits several in Channel Program",
		"Channel Program has several clients of this name and cannot tell which one is meant.",
		"Merge or rename the clients in Channel Program, then sync the record again.",
	},
	"currency_unsupported": {
		v1.SeverityAct, "Channel Program does not take the currency",
		"These contracts are not in a currency that Channel Program supports.",
		"Ask Channel Program for the currency; the contracts are never relabelled.",
	},
	"not_pushable": {
		v1.SeverityAct, "Records lack what Channel Program requires",
		"A required field is empty or too long in Autotask.",
		"Fill in or shorten the field named in the record, in Autotask; it is sent when it changes.",
	},
	"target_failed": {
		v1.SeverityRetrying, "Channel Program fails on single records",
		"Channel Program answers with an error whenever one of these records is sent, and takes all others.",
		"Open the record: it says what was answered, and what to do about it. Once that is put right, \"Sync now\" sends it at once.",
	},
	"cost_unknown": {
		v1.SeverityAct, "The cost of contracts is not known",
		"No rule gives these contracts an overall cost above zero; they are sent without one.",
		projection.CostFix(projection.CostAuto), // DescribeFor has those of the other options
	},
	"costs_unreadable": {
		v1.SeverityAct, "Costs cannot be read",
		"The API user's security level does not let it read costs, so contracts are sent without one.",
		"Give the API user the level \"API User (system) (API-only)\" or a copy that can read costs.",
	},
	"period_unknown": {
		v1.SeverityAct, "A service's billing period is not known",
		"What these contracts cost a month or a year cannot be computed without the period of each service and bundle in force.",
		"Set the period of the service or bundle in Autotask's catalogue; the record names the row.",
	},
	"price_currency_unknown": {
		v1.SeverityAct, "Prices are in a currency that is not known",
		"Prices of these contracts are in their client's currency, which is not known to be your internal one, and Autotask tells none in yours. They are sent without an overall cost, never relabelled.",
		"In Autotask, see that the services, units and charges named in the record have a price in the internal currency, or set the option \"overallCost\" to a cost instead of the price.",
	},
	"cost_out_of_range": {
		v1.SeverityAct, "A cost is too large to be sent",
		"These contracts cost more than Channel Program's format can hold.",
		"Check the amounts on the contract in Autotask.",
	},
	"currency_assumed_usd": {
		v1.SeverityAct, "The currency is assumed to be US dollars",
		"Neither Autotask's internal currency nor the option \"currency\" is known.",
		"Set the option \"currency\" of the installation.",
	},
	"vendor_name_unknown": {
		v1.SeverityAct, "A vendor's name cannot be read",
		"A vendor of these contracts is deleted or hidden from the API user and was passed over.",
		"Let the API user read the vendor's company, or choose another vendor on the service.",
	},
}
