package access

import (
	"context"
	"crypto/rand"
	"net/http"
	"time"

	v1 "channelsync/api/v1"
	"channelsync/handlers/internal/forwarded"
	"channelsync/handlers/internal/identity"
)

// ActorHeader says which of api, cli and console a request comes from; the audit keeps it.
const ActorHeader = "X-Channelsync-Actor"

// Actor is what a request says that it comes from.
func Actor(r *http.Request) string {
	switch who := r.Header.Get(ActorHeader); who {
	case "cli", "console":
		return who
	}
	return "api"
}

// Begin is the caller of a request before it is known who that is, and tells its id in the answer.
func Begin(w http.ResponseWriter, r *http.Request, actor string) identity.Caller {
	caller := identity.Caller{Actor: actor, Address: forwarded.Of(r).String(), Request: rand.Text()}
	w.Header().Set("X-Request-Id", caller.Request)
	return caller
}

// Auditor keeps who did what and when. It must not fail a request, so it returns nothing.
type Auditor interface {
	Audit(ctx context.Context, entry v1.AuditEntry)
}

// Entry is an entry with who asks, from where.
func Entry(caller identity.Caller) v1.AuditEntry {
	return v1.AuditEntry{Who: caller.Name, Actor: caller.Actor, Address: caller.Address, Request: caller.Request}
}

// LogIn notes a log-in, with the code of the refusal when it was refused.
func LogIn(r *http.Request, to Auditor, caller identity.Caller, code string) {
	e := Entry(caller)
	e.Action, e.Detail, e.OK = v1.ActionLogIn, code, code == ""
	note(r, to, e)
}

// LogOut notes that somebody has logged out.
func LogOut(r *http.Request, to Auditor) {
	e := Entry(identity.Of(r.Context()))
	e.Action, e.OK = "log-out", true
	note(r, to, e)
}

// Refused notes a request that its caller's role, or installations, do not allow.
func Refused(r *http.Request, to Auditor, refusal Refusal) {
	e := Entry(identity.Of(r.Context()))
	e.Action, e.Installation = "access", refusal.Installation
	e.Detail = refusal.Row.Method + " " + refusal.Row.Path + ": " + refusal.Problem.Code
	note(r, to, e)
}

func note(r *http.Request, to Auditor, e v1.AuditEntry) {
	if to == nil {
		return
	}
	e.At = time.Now().UTC()
	to.Audit(context.WithoutCancel(r.Context()), e) // the client may be gone; it was refused all the same
}
