package access

import (
	"net/http"
	"slices"

	v1 "channelsync/api/v1"
)

const (
	viewer   = v1.RoleViewer
	operator = v1.RoleOperator
	admin    = v1.RoleAdmin

	get    = http.MethodGet
	post   = http.MethodPost
	put    = http.MethodPut
	patch  = http.MethodPatch
	remove = http.MethodDelete

	in = "/installations/{id}"
)

// FindZone is what it takes to have Autotask asked which database a user name is in: only who installs needs that. GET
// /zones without a name is in the table.
var FindZone = Row{get, "/zones?username=", admin, true}

// API returns the rows of the admin API, below /api/v1. A viewer reads; an operator keeps
// running what is installed; an admin decides what is installed, how, and who may ask. What
// tries or previews something takes the role of what it prepares.
func API() []Row {
	rows := []Row{
		{get, "/installations", viewer, false},
		{post, "/installations", admin, true}, // ?test=only, ?preview=only and ?choices=only too
		{post, "/installations/compare", admin, true},
		{get, in, viewer, false},
		{patch, in, admin, false}, // ?preview=true too
		{get, in + "/issues", viewer, false},
		{get, in + "/choices", viewer, false},
		{put, in + "/credentials", admin, false},
		{put, in + "/channel-program", admin, false},
		{get, "/zones", viewer, false}, // with ?username= FindZone
		{post, in + "/test", operator, false},
		{post, in + "/syncs/{sync}/install", admin, true},

		{get, in + "/records", viewer, false},
		{get, in + "/records/counts", viewer, false},
		{get, in + "/records/{kind}/{record}", viewer, false},
		{get, in + "/records/{kind}/{record}/explain", viewer, false},
		{get, in + "/records/{kind}/{record}/versions", viewer, false},
		{post, in + "/records/reconcile", operator, false},
		{post, in + "/records/exclude", admin, false}, // it changes options
		{post, in + "/records/{kind}/{record}/reconcile", operator, false},
		{post, in + "/records/{kind}/{record}/push-ours", operator, false},
		{get, in + "/drift", viewer, false},
		{post, in + "/resyncs", operator, false},
		{post, in + "/replays", operator, false},
		{get, in + "/jobs", viewer, false},
		{get, in + "/jobs/{job}", viewer, false},
		{post, in + "/jobs/{job}/cancel", operator, false},
		{get, in + "/dead-letters", viewer, false},
		{post, in + "/dead-letters/requeue", operator, false},
		{post, in + "/dead-letters/dismiss", operator, false},
		{post, in + "/dead-letters/bulk", operator, false},
		{post, in + "/dead-letters/{letter}/dismiss", operator, false},
		{post, in + "/webhooks/repair", operator, false},
		{post, in + "/webhooks/rotate-secret", operator, false},
		{post, in + "/held/approve", operator, false},
		{post, in + "/held/discard", operator, false},
		{get, in + "/bridges", viewer, false},
		{post, in + "/bridges", admin, false},
		{post, in + "/bridges/{bridge}/rotate", admin, false},
		{remove, in + "/bridges/{bridge}", admin, false},
		{get, in + "/feed", viewer, false},
		{get, in + "/activity", viewer, false},
		{get, in + "/history", viewer, false},

		{get, "/status", viewer, false},
		{get, "/audit", viewer, false},
		{get, "/audit/verify", viewer, true},
		{get, "/backup", admin, true},
		{get, "/openapi.yaml", viewer, false},
		{get, "/tokens", admin, true},
		{post, "/tokens", admin, true},
		{post, "/tokens/{token}/rotate", admin, true},
		{remove, "/tokens/{token}", admin, true},
	}
	return append(rows, lifecycle()...)
}

// lifecycle are the rows that installations and their syncs have alike, in the API and in the console.
func lifecycle() []Row {
	var rows []Row
	for _, of := range []string{in, in + "/syncs/{sync}"} {
		rows = append(rows,
			Row{post, of + "/stop", operator, false}, Row{post, of + "/start", operator, false},
			Row{post, of + "/reinstall", admin, false},
			Row{post, of + "/uninstall", admin, false}, Row{post, of + "/erase", admin, false})
	}
	return rows
}

// Profiles returns the rows of the Go runtime's profiles, below /debug/pprof. A heap dump can
// hold anything that the process knows.
func Profiles() []Row {
	return []Row{
		{get, "/", admin, true},
		{get, "/profile", admin, true},
		{get, "/symbol", admin, true},
		{post, "/symbol", admin, true},
		{get, "/trace", admin, true},
		{get, "/{profile}", admin, true},
	}
}

// Console returns the rows of the web console. A page that only leads to a write takes the role of the write.
func Console() []Row {
	const settings, letters = in + "/settings", in + "/dead-letters"
	rows := []Row{
		{get, "/assets/{name}", Anybody, false},
		{get, "/login", Anybody, false},
		{post, "/login", Anybody, false},
		{get, "/login/oidc", Anybody, false},
		{get, "/login/oidc/callback", Anybody, false},
		{post, "/logout", viewer, false},
		{get, "/", viewer, false},
		{get, "/audit", viewer, false},
		{get, "/export", viewer, false},
		{get, "/issues/export", viewer, false},
		{get, "/audit/export", viewer, false},
		{get, "/sessions/export", viewer, false},
		{get, "/tokens/export", admin, true},
		{get, "/sessions", viewer, false}, // one's own; of all for operators of all installations
		{post, "/sessions/{session}/end", viewer, false},
		{get, "/tokens", admin, true},
		{post, "/tokens", admin, true},
		{post, "/tokens/{token}/rotate", admin, true},
		{get, "/tokens/{token}/delete", admin, true},
		{post, "/tokens/{token}/delete", admin, true},

		{get, in, viewer, false},
		{get, in + "/welcome", viewer, false},
		{get, in + "/activity", viewer, false},
		{post, in + "/syncs/{sync}/install", admin, true},
		{get, in + "/uninstall", admin, false},
		{get, in + "/erase", admin, false},
		{post, in + "/webhooks/repair", operator, false},
		{post, in + "/webhooks/rotate-secret", operator, false},
		{post, in + "/held/approve", operator, false},
		{post, in + "/held/discard", operator, false},

		{get, in + "/records", viewer, false},
		{get, in + "/records/lookup", viewer, false},
		{get, in + "/records/reconcile", operator, false},
		{post, in + "/records/reconcile", operator, false},
		{get, in + "/records/exclude", admin, false},
		{post, in + "/records/exclude", admin, false},
		{get, in + "/records/{kind}/{record}", viewer, false},
		{get, in + "/records/{kind}/{record}/bundle", viewer, false},
		{get, in + "/records/{kind}/{record}/versions", viewer, false},
		{post, in + "/records/{kind}/{record}/reconcile", operator, false},
		{post, in + "/records/{kind}/{record}/push-ours", operator, false},
		{get, in + "/drift", viewer, false},
		{get, in + "/replay", viewer, false},
		{post, in + "/replay", operator, false},
		{get, in + "/jobs/{job}", viewer, false},
		{post, in + "/jobs/{job}/cancel", operator, false},
		{post, in + "/jobs/{job}/run", operator, false},
		{get, letters, viewer, false},
		{post, letters + "/requeue", operator, false},
		{get, letters + "/bulk", operator, false},
		{post, letters + "/bulk", operator, false},
		{get, letters + "/{letter}", viewer, false},
		{get, letters + "/{letter}/dismiss", operator, false},
		{post, letters + "/{letter}/dismiss", operator, false},

		{get, settings, viewer, false},
		{post, settings + "/name", admin, false},
		{post, settings + "/credentials", admin, false},
		{post, settings + "/channel-program", admin, false},
		{post, settings + "/test", operator, false},
		{post, settings + "/bridges", admin, false},
		{post, settings + "/bridges/{bridge}/rotate", admin, false},
		{post, settings + "/bridges/{bridge}/end", admin, false},
		{post, settings + "/options", admin, false},
		{post, settings + "/options/preview", admin, false},
		{post, settings + "/options/find", admin, false},

		{get, "/install", admin, true},
		{post, "/install", admin, true},
		{get, "/install/region", admin, true},
		{post, "/install/change", admin, true},
		{post, "/install/preview", admin, true},
		{post, "/install/choose", admin, true},
		{post, "/install/start", admin, true},
		{get, "/install/*", admin, true},
	}
	for _, list := range []string{"records", "records/{kind}/{record}/versions", "dead-letters", "drift", "jobs", "activity", "issues", "bridges"} {
		rows = append(rows, Row{get, in + "/" + list + "/export", viewer, false})
	}
	all := append(rows, lifecycle()...)
	return slices.DeleteFunc(all, func(r Row) bool { // a sync goes with its installation
		return r.Path == in+"/syncs/{sync}/uninstall" || r.Path == in+"/syncs/{sync}/erase"
	})
}
