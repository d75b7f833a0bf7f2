package console

import (
	"slices"
	"time"

	"github.com/go-chi/chi/v5"

	v1 "channelsync/api/v1"
	"channelsync/handlers/console/present"
)

func (c *Console) overviewRoutes(r chi.Router) {
	r.Get("/installations/{id}", c.show("overview", (*visit).overview))
}

// overviewData is what the overview shows beside the installation itself.
type overviewData struct {
	Syncs     []present.SyncCard
	Installed int  // how many of them are
	Kept      bool // one that is not was installed once
	Chart     present.Chart
	Throttled *time.Time // when work goes on that keeps to Autotask's hourly limit; nil: nothing waits for it
}

func (v *visit) overview() (*page, error) {
	in, err := v.installation()
	if err != nil {
		return nil, err
	}
	hours, err := v.api.History(v.ctx, in.ID)
	if err != nil {
		return nil, err
	}
	d := overviewData{Syncs: present.SyncCards(in), Chart: present.ChartOf(hours)}
	for _, card := range d.Syncs {
		if card.Installed {
			d.Installed++
		}
		d.Kept = d.Kept || card.Kept
	}
	if slices.ContainsFunc(in.Issues, func(i v1.Issue) bool { return i.Code == "throttled" || i.Code == "backfill_throttled" }) {
		d.Throttled = in.ResumesAt // it is also when an unavailable upstream is tried again
	}
	return &page{Title: in.Name, Nav: "overview", Installation: in, Data: d}, nil
}
