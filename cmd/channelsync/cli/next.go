package cli

import (
	"slices"
	"strconv"
	"strings"

	v1 "channelsync/api/v1"
)

// commandFor is the command that helps with an issue of an installation, as it is to be typed; "" where
// only Autotask, Channel Program or nobody has anything to do.
func commandFor(issue v1.Issue, installation string) string {
	of := " " + quoted(installation)
	switch issue.Code {
	case "credentials_refused":
		return "channelsync installation set-credentials" + of + " --username …"
	case "channel_program_refused", "channel_program_subscription":
		return "channelsync installation set-channel-program" + of + " --connection-id …"
	case "webhook_contested", "webhook_disturbed":
		return "channelsync webhook repair" + of
	case "webhook_former_owner":
		return "channelsync webhook status" + of
	case "webhook_not_allowed", "permission_missing", "costs_unreadable":
		return "channelsync installation test" + of
	case "mass_change_held":
		return "channelsync held approve" + of + ", or channelsync held discard" + of
	case "dead_letters_dropped":
		return "channelsync deadletter list" + of
	case "currency_assumed_usd":
		return "channelsync installation update" + of + " --currency …"
	}
	if issue.Records > 0 {
		return "channelsync record list" + of + " --reason " + quoted(issue.Code)
	}
	return ""
}

// commandExplained is the command for what an explanation says is next; "" where only Autotask, or nobody, has anything to do.
func commandExplained(in v1.Installation, e v1.Explanation) string {
	of, sync := " "+quoted(in.Name), v1.SyncActiveCustomers
	if e.Kind == v1.KindContract {
		sync = v1.SyncActiveCustomerContracts
	}
	unmet := func(code string) bool {
		return slices.ContainsFunc(e.Conditions, func(c v1.Condition) bool { return !c.Met && c.Code == code })
	}
	record, was := of+" "+string(e.Kind)+" "+e.ID, v1.Record{}
	if e.Record != nil {
		was = *e.Record
	}
	switch {
	case in.State == v1.StateStopped:
		return "channelsync installation start" + of
	case in.State == v1.StateNeedsCredentials:
		return commandFor(v1.Issue{Code: "credentials_refused"}, in.Name)
	case !e.Met && was.Outcome != "" && was.Outcome != v1.OutcomeNotMet && hasIssue(in, "mass_change_held"):
		return commandFor(v1.Issue{Code: "mass_change_held"}, in.Name)
	case unmet(v1.ReasonOwnCompany), unmet(v1.ReasonDeletedAtSource):
		return ""
	case unmet(v1.ReasonSyncNotInstalled):
		return "channelsync installation install-sync" + of + " " + string(sync)
	case unmet(v1.ReasonExcluded):
		return "channelsync installation update" + of + listsWith(in.Options, e.ID) + " --dry-run"
	case unmet(v1.ReasonFiltered) && e.Kind == v1.KindCompany:
		return "channelsync installation update" + of + " --company-classifications … --dry-run"
	case unmet(v1.ReasonFiltered):
		return "channelsync installation update" + of + " --contract-types … --contract-categories … --dry-run"
	case e.Met && in.Syncs[sync].State == v1.SyncStopped:
		return "channelsync installation start" + of + " --sync " + string(sync)
	case strings.Contains(e.Next, "Ask again."):
		return "channelsync record explain" + record
	case strings.Contains(e.Next, `"Push ours"`):
		return "channelsync drift push" + record
	case strings.Contains(e.Next, `"Sync now"`), failing(was.Outcome):
		return "channelsync record reconcile" + record
	}
	return ""
}

// commandOf is the command for how a record stands.
func commandOf(in v1.Installation, r v1.RecordDetail) string {
	record := " " + quoted(in.Name) + " " + string(r.Kind) + " " + r.ID
	switch {
	case r.Held:
		return commandFor(v1.Issue{Code: "mass_change_held"}, in.Name)
	case slices.Contains(r.Reasons, v1.ReasonEditedAtTarget):
		return "channelsync drift push" + record
	case failing(r.Outcome), strings.Contains(r.Fix, `"Sync now"`):
		return "channelsync record reconcile" + record
	case r.Outcome == v1.OutcomeNotMet, r.Outcome == v1.OutcomeWaiting:
		return "channelsync record explain" + record
	}
	return ""
}

func failing(o v1.Outcome) bool { return o == v1.OutcomeRetrying || o == v1.OutcomeDead }

func hasIssue(in v1.Installation, code string) bool {
	return slices.ContainsFunc(in.Issues, func(i v1.Issue) bool { return i.Code == code })
}

// listsWith are the flags by which the lists of an installation no longer leave a company out.
func listsWith(o v1.Options, company string) string {
	id, err := strconv.ParseInt(company, 10, 64)
	if err != nil {
		return ""
	}
	flags := ""
	if slices.Contains(o.Exclude, id) {
		flags += " --exclude " + quoted(idList(slices.DeleteFunc(slices.Clone(o.Exclude), func(one int64) bool { return one == id })))
	}
	if len(o.Include) > 0 && !slices.Contains(o.Include, id) {
		flags += " --include " + quoted(idList(append(slices.Clone(o.Include), id)))
	}
	return flags
}

func idList(ids []int64) string {
	words := make([]string, len(ids))
	for i, id := range ids {
		words[i] = strconv.FormatInt(id, 10)
	}
	return strings.Join(words, ",")
}

// commandAfter is the command that helps after a refusal of the API, of something about an installation.
func commandAfter(p *v1.Problem, about v1.Installation) string {
	switch {
	case p.Job != "":
		return "channelsync job show " + quoted(p.Installation) + " " + quoted(p.Job)
	case p.Code == v1.CodeConflict && about.State == v1.StateNeedsCredentials:
		return commandFor(v1.Issue{Code: "credentials_refused"}, about.Name)
	case p.Code == v1.CodeConflict && about.State == v1.StateUninstalled:
		return "channelsync installation reinstall " + quoted(about.Name)
	case p.Installation != "":
		return "channelsync installation show " + quoted(p.Installation)
	case p.Code == v1.CodeZoneUnknown:
		return "channelsync zones"
	case p.Code == v1.CodeUnavailable:
		return "channelsync check"
	}
	return ""
}

// sayNext writes the next command whole, to be copied; none writes nothing.
func (s *session) sayNext(indent, line string) {
	if line != "" {
		s.say("%s→ %s", indent, line)
	}
}

// quoted is an argument as a shell takes it.
func quoted(arg string) string {
	arg = text(arg)
	if arg != "" && strings.IndexFunc(arg, func(r rune) bool { return !strings.ContainsRune(unquoted, r) }) < 0 {
		return arg
	}
	return "'" + strings.ReplaceAll(arg, "'", `'\''`) + "'"
}

const unquoted = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_.@/"
