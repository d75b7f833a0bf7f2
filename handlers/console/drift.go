package console

import (
	"net/url"

	"github.com/go-chi/chi/v5"

	v1 "channelsync/api/v1"
	"channelsync/handlers/console/present"
)

func (c *Console) driftRoutes(r chi.Router) {
	r.Get("/installations/{id}/drift", c.show("drift", (*visit).drift))
	r.Post("/installations/{id}/records/{kind}/{record}/push-ours", c.do((*visit).pushOurs))
}

// driftData is a page of what was edited in Channel Program.
type driftData struct {
	Items   []v1.Drift
	States  []filterChoice
	State   v1.DriftState
	Reports bool   // nothing is pushed over an edit
	Next    string // path of the next page; empty on the last
	First   string // path of the first page; empty on it
}

func (v *visit) drift() (*page, error) {
	in, err := v.installation()
	if err != nil {
		return nil, err
	}
	at, asked := v.under("/drift"), v.r.URL.Query()
	if err := wrongFilters(asked, filterValues{"state": texts(v1.DriftStates)}); err != nil {
		return nil, err
	}
	q := v1.DriftQuery{State: v1.DriftState(v1.Trim(asked.Get("state"))), Cursor: v1.Trim(asked.Get("cursor")), Limit: recordsPerPage}
	list, err := v.api.Drift(v.ctx, in.ID, q)
	if err != nil {
		return nil, err
	}
	link := func(cursor string) string {
		values := url.Values{}
		for name, value := range map[string]string{"state": string(q.State), "cursor": cursor} {
			if value != "" {
				values.Set(name, value)
			}
		}
		if len(values) == 0 {
			return at
		}
		return at + "?" + values.Encode()
	}
	d := driftData{Items: list.Items, State: q.State, Reports: in.Options.Drift == "report"}
	counts := map[v1.DriftState]int{v1.DriftOpen: in.Drift.Open, v1.DriftRepaired: in.Drift.Repaired, v1.DriftReverted: in.Drift.Reverted}
	for _, s := range v1.DriftStates {
		d.States = append(d.States, filterChoice{string(s), present.DriftWord(s).Text, counts[s], q.State == s})
	}
	if list.NextCursor != nil {
		d.Next = link(*list.NextCursor)
	}
	if q.Cursor != "" {
		d.First = link("")
	}
	return &page{Title: "Drift", Nav: "drift", Installation: in, Data: d}, nil
}

func (v *visit) pushOurs() (done, error) {
	kind, id := v1.Kind(v.r.PathValue("kind")), v.r.PathValue("record")
	if err := v.api.PushOurs(v.ctx, v.r.PathValue("id"), kind, id); err != nil {
		return done{}, err
	}
	to := v.backOr("/records/" + string(kind) + "/" + id)
	return done{to: to, say: "Autotask's values are being sent to Channel Program now."}, nil
}
