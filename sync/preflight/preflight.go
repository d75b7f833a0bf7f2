// Package preflight tries whatever an installation needs before it is made or changed: the
// log-in at Autotask, each right that its syncs read with, and the connection to Channel Program.
// Each check says what to do where it fails. It keeps nothing; sync/control calls it.
package preflight

import (
	"context"
	"errors"
	"fmt"
	"net/http"

	"channelsync/api/autotask"
	"channelsync/api/channelprogram"
	v1 "channelsync/api/v1"
	"channelsync/sync/installation"
	"channelsync/sync/issue"
)

// need is an entity that a sync reads.
type need struct {
	entity string
	label  string
	right  string // as Autotask's security levels call it
	fatal  bool   // without it the sync cannot work; else it is an issue
}

var customersNeed = []need{
	{autotask.EntityCompanies, "companies", "CRM: view companies (organizations)", true},
	{autotask.EntityContacts, "contacts", "CRM: view contacts", true},
}

var contractsNeed = []need{
	{autotask.EntityCompanies, "companies", "CRM: view companies (organizations)", true},
	{autotask.EntityContracts, "contracts", "Contracts: view, with unlimited visibility", true},
	{autotask.EntityContractServices, "contract services", "Contracts: view services", true},
	{autotask.EntityServices, "services", "Inventory: view services and products", true},
	{autotask.EntityContractServiceUnits, "costs of services", "Contracts: view service units and costs", false},
	{autotask.EntityContractCharges, "costs of charges", "Contracts: view charges and costs", false},
}

const rightsFix = "In Autotask: Admin > Resources/Users > Security Levels, open the level of the API user (copy a system level first) and allow "

// needs lists what the syncs read, each entity once.
func needs(syncs []v1.Sync) []need {
	var out []need
	seen := map[string]bool{}
	add := func(list []need) {
		for _, n := range list {
			if !seen[n.entity] {
				seen[n.entity] = true
				out = append(out, n)
			}
		}
	}
	for _, s := range syncs {
		if s == v1.SyncActiveCustomers {
			add(customersNeed)
		} else {
			add(contractsNeed)
		}
	}
	return out
}

// Try is what is tried of an installation.
type Try struct {
	Installation *installation.Installation
	Autotask     *autotask.Client
	// Target makes a client of the installation's connection.
	Target func() (*channelprogram.Client, error)
	// Webhooks says whether the right to create webhooks is tried too.
	Webhooks bool
}

// All tries both sides and returns every check; the problem is the first that a sync cannot
// do without. Once credentials are refused nothing more is asked of Autotask, so that the user
// is not locked out.
func (t Try) All(ctx context.Context) ([]v1.Check, *v1.Problem) {
	checks, problem := t.Source(ctx)
	target, targetProblem := t.Connection(ctx)
	checks = append(checks, target)
	if problem == nil {
		problem = targetProblem
	}
	if problem != nil {
		problem.Checks = checks
	}
	return checks, problem
}

// Source tries the log-in at Autotask and each right.
func (t Try) Source(ctx context.Context) (checks []v1.Check, problem *v1.Problem) {
	add := func(c v1.Check) { checks = append(checks, c) }
	loggedIn := false
	for _, n := range needs(t.Installation.SelectedSyncs()) {
		_, err := autotask.ByIDs[probeRow](ctx, t.Autotask, n.entity, "id", []int64{0})
		kind := autotask.KindOf(err)
		if !loggedIn {
			if p := loginProblem(err); p != nil {
				p.Checks = append(checks, v1.Check{Name: "credentials", Detail: p.Detail, Fix: p.Hint})
				return p.Checks, p
			}
			add(v1.Check{Name: "credentials", OK: true, Detail: "Autotask accepts the user name, secret and tracking identifier in zone " + t.Installation.Zone.Name + "."})
			loggedIn = true
		}
		switch {
		case err == nil || kind == autotask.KindBadRow:
			add(v1.Check{Name: n.label, OK: true, Detail: "The API user may read " + n.label + "."})
		case kind == autotask.KindPermission:
			fix := rightsFix + n.right + "."
			add(v1.Check{Name: n.label, Detail: "The API user may not read " + n.label + " (" + n.entity + ").", Fix: fix})
			if n.fatal && problem == nil {
				problem = unprocessable(v1.CodePermissionMissing, "The API user may not read "+n.label+" ("+n.entity+").", fix)
			}
		default:
			add(v1.Check{Name: n.label, Detail: "Autotask did not answer for " + n.label + ": " + err.Error(), Fix: "Try again in a minute."})
			if n.fatal && problem == nil {
				problem = v1.Unavailable("Autotask did not answer for "+n.label+": "+err.Error(), "Try again in a minute.")
			}
		}
	}
	if t.Webhooks {
		add(t.webhooks(ctx))
	}
	if problem != nil {
		problem.Checks = checks
	}
	return checks, problem
}

// probeRow reads just the id of the record that every entity may lack.
type probeRow struct {
	ID      int64 `at:"id"`
	Missing []string
}

// loginProblem is the refusal of the log-in itself; nil when it worked.
func loginProblem(err error) *v1.Problem {
	switch autotask.KindOf(err) {
	case autotask.KindRefused:
		return unprocessable(v1.CodeCredentialsRejected, "Autotask refuses the user name, the secret or the tracking identifier: "+err.Error(),
			"Copy all three again from the API user's page in Autotask, and check that the user is active and not locked.")
	case autotask.KindUnavailable, autotask.KindThrottled, autotask.KindUndecodable:
		return v1.Unavailable("Autotask did not answer: "+err.Error(), "Check the zone, then try again in a minute.")
	}
	return nil
}

// webhooks tries the right to create webhooks; without it changes are polled.
func (t Try) webhooks(ctx context.Context) v1.Check {
	info, err := t.Autotask.EntityInformation(ctx, string(autotask.CompanyWebhooks))
	if err != nil || !info.MayCreate() {
		detail := "The API user may not create webhooks; changes would be found by polling."
		if err != nil && autotask.KindOf(err) != autotask.KindPermission {
			detail = "Autotask did not say whether webhooks may be created: " + err.Error()
		}
		return v1.Check{Name: "webhooks", Detail: detail, Fix: issue.Describe("webhook_not_allowed").Fix}
	}
	return v1.Check{Name: "webhooks", OK: true, Detail: "The API user may create webhooks."}
}

// Connection tries the handshake with Channel Program.
func (t Try) Connection(ctx context.Context) (v1.Check, *v1.Problem) {
	refuse := func(p *v1.Problem) (v1.Check, *v1.Problem) {
		check := v1.Check{Name: "channel_program", Detail: p.Detail, Fix: p.Hint}
		p.Checks = []v1.Check{check}
		return check, p
	}
	client, err := t.Target()
	if err != nil {
		return refuse(unprocessable(v1.CodeChannelProgramRejected, "The connection to Channel Program cannot be made: "+err.Error(),
			"Check --channel-program-url, the connection id and the token."))
	}
	defer client.Close()
	conn, err := client.Connection(ctx)
	if err == nil {
		err = conn.Usable()
	}
	switch kind := channelprogram.KindOf(err); {
	case err == nil:
		return v1.Check{Name: "channel_program", OK: true, Detail: "Channel Program accepts the connection" + named(conn.AccountName) + "."}, nil
	case kind == channelprogram.KindUnavailable || kind == channelprogram.KindThrottled:
		return refuse(v1.Unavailable("Channel Program did not answer: "+err.Error(), "Check --channel-program-url, then try again in a minute."))
	default:
		return refuse(unprocessable(v1.CodeChannelProgramRejected, "Channel Program refuses the connection: "+err.Error(), targetFix(err)))
	}
}

// targetFix says what to do about a connection that Channel Program refuses.
func targetFix(err error) string {
	e, _ := errors.AsType[*channelprogram.Error](err)
	switch {
	case e != nil && e.Status == http.StatusPaymentRequired:
		return issue.Describe("channel_program_subscription").Fix
	case e != nil && e.Code == channelprogram.CodeConnectionPaused:
		return "Resume the connection in Channel Program, then try again."
	case e != nil && e.Code == channelprogram.CodeConnectionUninstalled:
		return "Install the source again in Channel Program, then enter its new connection id and token."
	default:
		return "Copy the connection id and the token again from Channel Program."
	}
}

func named(account string) string {
	if account == "" {
		return ""
	}
	return " of " + account
}

// ZoneProblem says why a zone could not be found.
func ZoneProblem(err error) *v1.Problem {
	if zone, ok := errors.AsType[*autotask.ZoneError](err); ok {
		got := "got "
		words, hint := "The zone cannot be used.", "Choose one from the list of zones, or leave it out: then it is looked up."
		if errors.Is(err, autotask.ErrForeignZone) {
			got = "Autotask names "
			words = "The zone that Autotask names for this user is not one of Autotask's own, so nothing is sent there."
			hint = "Choose the zone by hand. If that host is meant, such as a simulator or a gateway, start the service with --autotask-allow-hosts."
		}
		p := v1.Invalid(words, v1.FieldError{Pointer: "#/zone", Code: "zone", Detail: fmt.Sprintf("%s%s, want %s", got, zone.Got, zone.Want)})
		p.Hint = hint
		return p
	}
	if errors.Is(err, autotask.ErrZoneUnknown) {
		return unprocessable(v1.CodeZoneUnknown, "Autotask knows no zone for this user name.",
			"Check the user name, or choose the zone by hand: it is on Autotask's page \"API zones\".")
	}
	return v1.Unavailable("The zone could not be looked up: "+err.Error(), "Try again in a minute, or choose the zone by hand.")
}

func unprocessable(code, detail, hint string) *v1.Problem {
	return v1.NewProblem(http.StatusUnprocessableEntity, code, detail, hint)
}
