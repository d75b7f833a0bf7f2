package present

import (
	"cmp"
	"slices"
	"strings"
	"time"

	v1 "channelsync/api/v1"
)

// A tenant is somebody who sees one installation of a service that others run: Channel Program's words are theirs, and
// what takes the service itself is somebody else's to do.

// AskContact is what a tenant does about what only an operator of the service can.
const AskContact = "Ask your Channel Program contact."

// tenantWords are ours, and Channel Program's for the same; the longer ones first.
var tenantWords = strings.NewReplacer(
	"Clients and contracts", "Manage Clients",
	"dead letters", "failed records", "Dead letters", "Failed records",
	"dead letter", "failed record", "Dead letter", "Failed record",
	"a resync under Replay does it now", "Sync again does it now", "Resync and replay", "Sync again",
	"a sweep, a resync or a report", "a sweep, a comparison or a report", "A sweep or a resync overwrites", "A sweep or Sync again overwrites",
	"first syncs, resyncs and replays", "first syncs and what was synced again", "next sweep or resync", "next sweep or comparison",
	"The resync is", "The comparison is", "The replay is", "Reading again is", ", and resync:", ", and sync again:",
	"Started a resync of", "Compared everything of", "Started a replay of", "Read stored changes again, of",
	"received: replay", "received: "+tenantTriggers["replay"],
	"an installation", "an integration", "installation", "integration", "Installation", "Integration",
	"can be reinstalled", "can be installed again", "is reinstalled", "is installed again",
	"Reinstalling", "Installing it again", "Reinstall", "Install", "reinstall", "install",
	"The audit", "The history", "The backfill", "The first sync",
	". channelsync ", ". The integration ", "channelsync", "the integration",
)

// tenantTriggers are why a record was looked at, where the service has words of its own for it.
var tenantTriggers = map[string]string{"replay": "stored changes read again", "resync": "everything compared"}

// TenantTrigger is why a record was looked at, for a tenant.
func TenantTrigger(word string) string { return cmp.Or(tenantTriggers[word], word) }

// tenantJobs are the names of jobs as the page Sync again has them.
var tenantJobs = strings.NewReplacer("Resync", "Compare everything", "Replay", "Read stored changes again")

// TenantJobName is what a job is called, for a tenant.
func TenantJobName(j v1.Job) string { return Tenant(tenantJobs.Replace(JobName(j))) }

// tenantName is what a tenant calls the service, in text that may have a client's data in it.
var tenantName = strings.NewReplacer(". channelsync ", ". The integration ", "channelsync", "the integration", "this installation", "this integration",
	"The installation is stopped", "The integration is stopped", "the installation's", "the integration's")

// tenantTitles are the names of pages and tabs.
var tenantTitles = map[string]string{
	"Clients and contracts": "Manage Clients", "Drift": "Edits in Channel Program", "Replay": "Sync again", "Audit": "History",
	"Dead letters": "Failed records", "Dead letter": "Failed record", "Dismiss dead letters": "Dismiss failed records",
}

// TenantTitle is what a tenant calls a page; one that has the name of a record or an installation keeps it.
func TenantTitle(title string) string { return cmp.Or(tenantTitles[title], title) }

// Tenant is a sentence or a name of ours in a tenant's words. It is not for text that has a client's data in it.
func Tenant(text string) string { return cmp.Or(tenantTitles[text], tenantWords.Replace(text)) }

// TenantDetail is what was found out about records, for a tenant.
func TenantDetail(detail string) string { return tenantName.Replace(detail) }

// serviceWords are in what only whoever runs the service can look at or change.
var serviceWords = []string{"--", "channelsync webhook", "channelsync installation", "channelsync drift", "channelsync token", "log of channelsync", "/readyz", "/metrics", "NATS", "POST ", "PUT ", " the log ", "installation set-credentials"}

// TenantFix is what to do, for a tenant: whom to ask where it takes the service itself.
func TenantFix(fix string) string {
	for _, word := range serviceWords {
		if strings.Contains(fix, word) {
			return AskContact
		}
	}
	return Tenant(fix)
}

// tenantIssues are those that speak of the service. Whatever is empty stays as it is.
var tenantIssues = map[string]v1.Issue{
	"webhook_contested": {
		Title: "Another service uses the webhooks of your Autotask",
		Fix: "Two services are connected to the same Autotask. Ask your Channel Program contact which of them should be. " +
			"\"Check and repair\" in the settings gives the webhooks to this one.",
	},
	"webhook_disturbed": {
		Fix: "Find out who changes it: a person, or another integration's clean-up. \"Check and repair\" in the settings repairs it at once; " +
			"otherwise the integration tries again within an hour. If nobody in your company changes it, ask your Channel Program contact.",
	},
	"credentials_refused":    {Fix: "Ask an admin to enter them again in the settings."},
	"autotask_query_refused": {Fix: "Send the detail to your Channel Program contact."},
	"channel_program_refused": {
		Fix: "Check the connection in Channel Program. Then ask an admin to enter its token again in the settings, or ask your Channel Program contact.",
	},
	"channel_program_url_missing": {
		Title: "Nothing is sent to Channel Program yet", Detail: "The service is not connected to Channel Program. Changes are kept.", Fix: AskContact,
	},
	"store_unavailable": {
		Title: "Changes arrive late", Detail: "The service cannot store anything right now. Changes are kept, and the service tries again.",
		Fix: "Nothing to do. If this issue persists, ask your Channel Program contact.",
	},
	"backfill_throttled": {
		Detail: "A first sync, the daily sweep and Sync again may use only a part of this integration's share of Autotask's hourly limit. Changes keep arriving meanwhile.",
	},
	"dead_letters_dropped": {
		Title: "The oldest failed records are no longer listed", Detail: "The list is full, and its oldest entries were dropped.",
		Fix: "Correct the cause that most of the failed records name. Then dismiss the one called \"dropped\", and sync again: this also tries the records that are no longer listed.",
	},
	"no_instance": {
		Title: "This integration is not running right now", Detail: "Its counts and issues are unknown until it runs again. Changes are kept.",
		Fix: "Nothing to do: it resumes within 20 seconds. If this issue persists, ask your Channel Program contact.",
	},
	v1.ReasonEditedAtTarget: {
		Detail: "Nothing overwrites these edits until you say so. Changes in Autotask to these records wait too.",
		Fix:    "Look at the edits. If Autotask is right, push ours; if the edit is right, enter it in Autotask too.",
	},
	"mass_change_held": {
		Detail: "More records than usual would stop syncing at once. Nothing happens to them until somebody decides.",
		Fix:    "If this is intended, approve it. Otherwise check the API user's permissions in Autotask, then discard it.",
	},
	"not_kept": {
		Title: "Some records cannot be tracked", Detail: "The service cannot store the state of these records, so it has stopped trying them.", Fix: AskContact,
	},
	"internal": {
		Title: "The service failed", Detail: "A fault in the service stopped the work on these records, or a check. Everything else continues, and the service tries again.",
		Fix: "Nothing to do. If this issue persists, ask your Channel Program contact.",
	},
}

// TenantIssue is an issue in a tenant's words.
func TenantIssue(i v1.Issue) v1.Issue {
	words := tenantIssues[i.Code]
	if words.Title != "" {
		i.Title = words.Title
	}
	if words.Detail != "" {
		i.Detail = words.Detail
	}
	i.Title, i.Detail, i.Fix = Tenant(i.Title), TenantDetail(i.Detail), TenantFix(i.Fix)
	if words.Fix != "" {
		i.Fix = words.Fix
	}
	return i
}

// TenantInstallation puts the issues of one into a tenant's words. That Autotask cannot call the service is left out: nothing
// is lost by it, and it is no tenant's to change.
func TenantInstallation(in *v1.Installation) {
	in.Issues = slices.DeleteFunc(in.Issues, func(i v1.Issue) bool { return i.Code == "no_public_url" })
	for n := range in.Issues {
		in.Issues[n] = TenantIssue(in.Issues[n])
	}
}

// TenantHeadline is HeadlineOf in a tenant's words.
func TenantHeadline(in *v1.Installation, now time.Time) Headline {
	h := HeadlineOf(in, now)
	if in.State == v1.StateUninstalled {
		h.Sentence = "Nothing is synced. Settings are kept, so Install brings it back. The data in Channel Program stays there."
	}
	return h
}

// TenantDeadLetter puts a dead letter into a tenant's words.
func TenantDeadLetter(l *v1.DeadLetter) {
	i := TenantIssue(v1.Issue{Code: l.Code, Title: l.Title, Fix: l.Fix})
	l.Title, l.Fix, l.Detail = i.Title, i.Fix, TenantDetail(l.Detail)
}

// forAll ends what takes a role for all installations, which no tenant has.
const forAll = " for all installations"

// TenantProblem is a refusal in a tenant's words.
func TenantProblem(p *v1.Problem) *v1.Problem {
	out := *p
	out.Detail, out.Hint = Capital(Tenant(p.Detail)), TenantFix(p.Hint)
	if what, _, _ := strings.Cut(p.Detail, ";"); p.Code == v1.CodeForbidden && strings.HasSuffix(what, forAll) {
		out.Detail, out.Hint = strings.TrimSuffix(what, forAll)+" at Channel Program.", AskContact
	} else if p.Code == v1.CodeForbidden {
		out.Hint = "Ask a colleague who has that role, or your Channel Program contact."
	}
	if p.Status >= 500 {
		out.Hint = "Try again in a moment. If it fails again, ask your Channel Program contact."
	}
	return &out
}
