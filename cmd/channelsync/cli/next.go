package cli

import (
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

// commandAfter is the command that helps after a refusal of the API.
func commandAfter(p *v1.Problem) string {
	switch {
	case p.Job != "":
		return "channelsync job show " + quoted(p.Installation) + " " + quoted(p.Job)
	case p.Installation != "":
		return "channelsync installation show " + quoted(p.Installation)
	case p.Code == v1.CodeZoneUnknown:
		return "channelsync zones"
	case p.Code == v1.CodeUnavailable:
		return "channelsync check"
	}
	return ""
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
