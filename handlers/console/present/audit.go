package present

import (
	"strings"

	v1 "channelsync/api/v1"
)

// KindCallback is the kind of a dead letter that is a body nobody could read.
const KindCallback = "callback"

// AuditRow is one entry in words: what, of which installation, and how it went.
type AuditRow struct {
	v1.AuditEntry
	What  string // ends before the installation's name
	Name  string // of the installation; its id when it is gone
	Known bool   // it is there, and has a page
	More  string // what else is known of it
	Code  string // why it was refused
}

// AuditWords say what an entry tells. The API ends the detail of a refused one with
// the code of the refusal.
func AuditWords(e v1.AuditEntry) AuditRow {
	row := AuditRow{AuditEntry: e}
	if e.Who == v1.SomebodyElse {
		row.Who = Capital(e.Who)
	}
	detail := e.Detail
	if !e.OK {
		detail, row.Code = cutCode(detail)
	}
	row.What, row.More = didWords(e.Action, detail)
	if e.Action == "installation.create" && e.Installation == "" { // nothing came of it
		row.What = "Tried to install"
	}
	return row
}

// cutCode takes the code of a refusal off the end of a detail.
func cutCode(detail string) (rest, code string) {
	i := strings.LastIndex(detail, ": ")
	if i < 0 {
		return "", detail
	}
	return detail[:i], detail[i+len(": "):]
}

// didWords say what was done, up to the name of the installation, and what is to be
// said behind it.
func didWords(action, detail string) (what, more string) {
	if verb, is := strings.CutPrefix(action, "sync."); is {
		return syncVerb(verb) + " the sync " + syncName(detail) + " of", ""
	}
	switch action {
	case "installation.create":
		return "Installed", ""
	case "installation.try":
		return "Tried credentials, without installing anything", ""
	case "installation.preview":
		return "Looked at what an installation would sync", ""
	case "installation.compare":
		return "Compared installations with a file", ""
	case "installation.test":
		return "Tested", ""
	case "installation.update":
		return "Changed the " + strings.ReplaceAll(detail, ", ", " and the ") + " of", ""
	case "installation.set-credentials":
		return "Changed the Autotask credentials of", ""
	case "installation.set-channel-program":
		return "Changed the connection to Channel Program of", ""
	case "installation.stop", "installation.start", "installation.uninstall", "installation.reinstall", "installation.erase":
		return syncVerb(strings.TrimPrefix(action, "installation.")), ""
	case "webhook.repair":
		return "Asked to check and repair the webhooks of", ""
	case "webhook.rotate-secret":
		return "Gave new secrets to the webhooks of", ""
	case "bridge.create":
		return "Made a bridge for", detail
	case "bridge.rotate":
		return "Gave a new secret to a bridge of", detail
	case "bridge.delete":
		return "Ended a bridge of", detail
	case "token.create":
		return "Made the token " + detail, ""
	case "token.rotate":
		return "Gave a new secret to the token " + detail, ""
	case "token.delete":
		return "Deleted the token " + detail, ""
	case "session.end":
		return "Ended a session of " + detail, ""
	case v1.ActionLogIn:
		return "Logged in", detail
	case "log-out":
		return "Logged out", ""
	case "several":
		return "Made other requests, counted together", ""
	case "access":
		return "Asked for something that the role does not allow", detail
	case "held.approve":
		return "Approved the mass change of", ""
	case "held.discard":
		return "Discarded the mass change of", ""
	case "record.reconcile":
		return "Synced " + recordName(detail, "/") + " of", ""
	case "dead-letter.requeue":
		return "Retried dead letters of", plainWords(detail, "-")
	case "dead-letter.dismiss":
		if strings.HasPrefix(detail, "code ") || strings.HasSuffix(detail, " of them") {
			return "Dismissed dead letters of", detail
		}
		return "Dismissed the dead letter of " + recordName(detail, "-") + " of", ""
	case "records.reconcile":
		return "Synced records of", detail
	case "records.exclude":
		return "Excluded clients of", detail
	case "dead-letters.requeue":
		return "Retried dead letters of", detail
	case "dead-letters.dismiss":
		return "Dismissed dead letters of", detail
	case "job.cancel":
		return "Cancelled a job of", detail
	case "export":
		if strings.HasPrefix(detail, "sessions") || strings.HasPrefix(detail, "audit") || strings.HasPrefix(detail, "tokens") || strings.HasPrefix(detail, "installations") {
			return "Exported " + detail, ""
		}
		return "Exported a list of", detail
	case "resync":
		return "Started a resync of", plainWords(detail, "/")
	case "replay":
		return "Started a replay of", plainWords(detail, "/")
	}
	return action, detail
}

func syncVerb(action string) string {
	if verb, known := map[string]string{
		"stop": "Stopped", "start": "Started", "install": "Installed", "uninstall": "Uninstalled", "reinstall": "Reinstalled", "erase": "Erased",
	}[action]; known {
		return verb
	}
	return action
}

func syncName(detail string) string {
	for _, s := range v1.Syncs {
		if detail == string(s) {
			return SyncWords(s).Name
		}
	}
	return detail
}

// plainWords says a detail's parts, such as company, contract/7 or force, as people do.
func plainWords(detail, between string) string {
	parts := strings.Split(detail, ", ")
	for i, part := range parts {
		switch k := v1.Kind(part); k {
		case v1.KindCompany, v1.KindContract, v1.KindContact:
			parts[i] = strings.ToLower(KindWord(k)) + "s"
		case "force":
			parts[i] = "even what has not changed"
		default:
			parts[i] = recordName(part, between)
		}
	}
	return strings.Join(parts, ", ")
}

// recordName says "client 7" for company/7.
func recordName(detail, between string) string {
	kind, id, found := strings.Cut(detail, between)
	switch {
	case found && (kind == string(v1.KindCompany) || kind == string(v1.KindContract) || kind == string(v1.KindContact)):
		return strings.ToLower(KindWord(v1.Kind(kind))) + " " + id
	case kind == KindCallback:
		return "a callback"
	}
	return detail
}
