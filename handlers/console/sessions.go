package console

import (
	"net/http"
	"slices"
	"strings"

	"github.com/go-chi/chi/v5"

	v1 "channelsync/api/v1"
	"channelsync/handlers/console/session"
	"channelsync/handlers/internal/access"
	"channelsync/handlers/internal/identity"
)

func (c *Console) sessionRoutes(r chi.Router) {
	r.Get("/sessions", c.show("sessions", (*visit).sessionList))
	r.Post("/sessions/{session}/end", c.do((*visit).endSession))
}

// sessionsData is the sessions that somebody may end.
type sessionsData struct {
	Rows []sessionRow
	All  bool // of everybody
}

type sessionRow struct {
	session.Session
	This bool // it is the one that asks
}

// endable are the sessions that whoever asks sees and may end: of everybody for an operator
// of all installations, else one's own.
func (v *visit) endable() (sessionsData, error) {
	all, err := v.sessions.List(v.ctx)
	if err != nil {
		return sessionsData{}, err
	}
	who := identity.Of(v.ctx).Identity
	d := sessionsData{All: who.Role.Covers(v1.RoleOperator) && !who.Scoped()}
	this := v.sessions.KeyOf(v.cookies.Get(v.r, sessionCookie))
	for _, s := range all {
		if _, lives := v.current(s); lives && (d.All || s.Who.ID == who.ID) {
			d.Rows = append(d.Rows, sessionRow{s, s.Key == this})
		}
	}
	return d, nil
}

func (v *visit) sessionList() (*page, error) {
	d, err := v.endable()
	if err != nil {
		return nil, err
	}
	return &page{Title: "Sessions", Nav: "sessions", Data: d}, nil
}

func (v *visit) endSession() (done, error) {
	d, err := v.endable()
	if err != nil {
		return done{}, err
	}
	i := slices.IndexFunc(d.Rows, func(r sessionRow) bool { return r.Key == v.r.PathValue("session") })
	if i < 0 {
		return done{}, v1.NotFound("There is no such session. It may have ended.")
	}
	ended := d.Rows[i]
	if err := v.sessions.End(v.ctx, ended.Key); err != nil {
		return done{}, err
	}
	v.note("session.end", ended.Who.Name)
	if ended.This {
		v.cookies.Set(v.w, v.r, http.Cookie{Name: sessionCookie})
		return done{"/login", ""}, nil
	}
	return done{"/sessions", "The session of " + ended.Who.Name + " has ended."}, nil
}

// note puts what the console itself did into the audit; what it does by the API is noted there.
func (v *visit) note(action, detail string) {
	if v.auditor == nil {
		return
	}
	e := access.Entry(identity.Of(v.ctx))
	e.At, e.Action, e.Detail, e.OK = v.now().UTC(), action, strings.TrimSpace(detail), true
	v.auditor.Audit(v.ctx, e)
}
