package export

import (
	"encoding/json"
	"net/url"
	"slices"
	"strings"

	v1 "channelsync/api/v1"
)

// list is a list of the admin API that can be exported.
type list struct {
	name string // of the file, and in the audit
	path string // below /api/v1; {id} is an installation's
	// ask are parameters that the API is asked with beside those of the request.
	ask     url.Values
	items   string // the field that has the items
	paged   bool   // it has a cursor
	each    string // the list in an item that has a row for each element; empty: a row for each item
	columns []column
	// equal are parameters that an export has and the list itself has not, with the field that must be the same;
	// byName adds q, a part of a name or the id.
	equal  map[string]string
	byName bool
}

var page = url.Values{"limit": {"500"}}

// sent are the columns of what was sent, which stands in a field of an item.
func sent(in string) []column {
	fields := []string{
		"sentName=name", "line1=address.line1", "line2=address.line2", "city=address.city", "region=address.region",
		"postalCode=address.postalCode", "country=address.country", "emails=emails.value", "phones=phones.value", "websites=websites.value",
		"clientId=client.externalId", "client=client.name", "vendorName=vendorName", "vendorNameDefaulted=vendorNameDefaulted",
		"overallCost=overallCost.amount", "currency=overallCost.currency", "lifecycle=lifecycle",
	}
	for i, f := range fields {
		fields[i] = strings.Replace(f, "=", "="+in+".", 1)
	}
	return columns(fields...)
}

// lists are all of them.
var lists = []list{
	{
		name: "installations", path: "/installations", items: "items", byName: true,
		columns: columns("id", "name", "state", "zone=zone.name", "backlog", "p50Seconds=freshness.p50Seconds", "p95Seconds=freshness.p95Seconds",
			"lastAt=freshness.lastAt", "customers=syncs.active_customers.state", "customersInScope=syncs.active_customers.counts.inScope",
			"customersNotMet=syncs.active_customers.counts.notMet", "customersFailed=syncs.active_customers.counts.failed",
			"contracts=syncs.active_customer_contracts.state", "contractsInScope=syncs.active_customer_contracts.counts.inScope",
			"contractsNotMet=syncs.active_customer_contracts.counts.notMet", "contractsFailed=syncs.active_customer_contracts.counts.failed",
			"driftOpen=drift.open", "issues=issues.code", "createdAt"),
	},
	{
		name: "issues", path: "/status", items: "installations", each: "issues", byName: true,
		columns: columns("installation=id", "installationName=name", "state", "backlog", "code=issues.code", "severity=issues.severity",
			"title=issues.title", "detail=issues.detail", "fix=issues.fix", "records=issues.records", "firstAt=issues.firstAt",
			"lastAt=issues.lastAt", "nextAttemptAt=issues.nextAttemptAt"),
	},
	{
		name: "issues", path: "/installations/{id}/issues", items: "items",
		columns: columns("code", "severity", "title", "detail", "fix", "records", "firstAt", "lastAt", "nextAttemptAt"),
	},
	{
		name: "records", path: "/installations/{id}/records", items: "items", paged: true, ask: url.Values{"limit": {"500"}, "values": {"true"}},
		columns: slices.Concat(columns("kind", "id", "name", "outcome", "reasons", "detail", "changedAt", "reconciledAt", "pushedAt"),
			sent("values"), columns("fingerprint")),
	},
	{
		name: "versions", path: "/installations/{id}/records/{kind}/{record}/versions", items: "items", paged: true, ask: page,
		columns: slices.Concat(columns("number", "sentAt", "kind", "trigger", "job", "by", "eventId", "traceId", "answer", "beforeUnknown",
			"newAccount", "changed=changes.field", "changedFrom=changes.from", "changedTo=changes.to",
			"edited=edited.field", "theirs=edited.theirs", "ours=edited.ours"), sent("projection")),
	},
	{
		name: "dead-letters", path: "/installations/{id}/dead-letters", items: "items", paged: true, ask: page,
		equal:   map[string]string{"code": "code"},
		columns: columns("id", "kind", "recordId", "code", "title", "detail", "fix", "attempts", "firstAt", "lastAt", "raw"),
	},
	{
		name: "drift", path: "/installations/{id}/drift", items: "items", paged: true, ask: page, each: "fields",
		columns: columns("kind", "id", "name", "state", "foundAt", "resolvedAt", "trigger", "approved", "field=fields.field",
			"theirs=fields.theirs", "ours=fields.ours"),
	},
	{
		name: "jobs", path: "/installations/{id}/jobs", items: "items",
		columns: columns("job", "type", "state", "dryRun", "total", "done", "pushed", "unchanged", "notMet", "failed", "skipped", "drift", "driftFields",
			"kinds", "detail", "startedAt", "finishedAt"),
	},
	{
		name: "activity", path: "/installations/{id}/activity", items: "items", ask: page, byName: true,
		equal:   map[string]string{"outcome": "outcome", "kind": "kind", "trigger": "trigger"},
		columns: columns("at", "kind", "id", "name", "outcome", "reasons", "trigger", "pushed", "millis"),
	},
	{
		name: "bridges", path: "/installations/{id}/bridges", items: "items",
		columns: columns("guid", "name", "createdAt", "lastUsedAt"),
	},
	{
		name: "audit", path: "/audit", items: "items", paged: true, ask: page,
		columns: columns("at", "who", "actor", "address", "action", "installation", "detail", "ok", "count", "request", "unverified"),
	},
	{
		name: "tokens", path: "/tokens", items: "items",
		columns: columns("id", "name", "role", "installations", "createdAt", "lastUsedAt", "expiresAt"),
	},
}

// values are those of the parameters that an export alone has.
var values = map[string][]string{
	"code": v1.DeadLetterCodes(), "outcome": texts(v1.Outcomes), "kind": texts(v1.RecordKinds), "trigger": texts(v1.Triggers),
}

func texts[T ~string](of []T) (out []string) {
	for _, one := range of {
		out = append(out, string(one))
	}
	return out
}

// own are the console's own lists.
var own = map[string]list{
	"sessions": {name: "sessions", columns: columns("who", "role", "logIn", "loggedInAt", "lastRequestAt", "address", "browser", "this")},
	"options-preview": {
		name: "options-preview", each: "differences",
		columns: columns("effect", "kind", "id", "name", "field=differences.field", "from=differences.from", "to=differences.to"),
	},
}

// find is the list at a path, and the installation that it is of. One of a record is named after it, too.
func find(path string) (found list, installation string, ok bool) {
	got := strings.Split(path, "/")
	for _, l := range lists {
		want := strings.Split(l.path, "/")
		if len(want) != len(got) {
			continue
		}
		installation = ""
		if slices.EqualFunc(want, got, func(want, got string) bool {
			switch want {
			case "{id}":
				installation = got
			case "{kind}", "{record}":
				l.name += "-" + got
			default:
				return want == got
			}
			return true
		}) {
			return l, installation, true
		}
	}
	return list{}, "", false
}

// filter takes what an export alone filters by out of a query.
func (l list) filter(q url.Values) (keep func(json.RawMessage) bool) {
	want := map[string]string{}
	for name, field := range l.equal {
		if v := v1.Trim(q.Get(name)); v != "" {
			want[field] = v
		}
		q.Del(name)
	}
	text := ""
	if l.byName {
		text = v1.Fold(v1.Trim(q.Get("q")))
		q.Del("q")
	}
	return func(raw json.RawMessage) bool {
		if len(want) == 0 && text == "" {
			return true
		}
		item, err := decode(raw)
		if err != nil {
			return true // what cannot be read breaks the export off, and is not left out
		}
		field := func(name string) string { return textOf(item, name) }
		for name, v := range want {
			if field(name) != v {
				return false
			}
		}
		return text == "" || v1.Fold(field("id")) == text || strings.Contains(v1.Fold(field("name")), text)
	}
}

func textOf(item any, name string) string { return text(at(item, []string{name})) }
