package console

import (
	"slices"
	"time"

	"github.com/go-chi/chi/v5"

	v1 "channelsync/api/v1"
)

func (c *Console) overviewRoutes(r chi.Router) {
	r.Get("/installations/{id}", c.show("overview", (*visit).overview))
}

// overviewData is what the overview shows beside the installation itself.
type overviewData struct {
	Syncs     []syncCard
	Installed int // how many of them are
	Chart     chart
	Throttled *time.Time // when work goes on that keeps to Autotask's hourly limit; nil: nothing waits for it
}

// syncCard is one of the two syncs.
type syncCard struct {
	ID        v1.Sync
	Text      syncText
	State     word
	Installed bool
	Status    v1.SyncStatus
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
	d := overviewData{Syncs: syncCards(in), Chart: chartOf(hours)}
	for _, card := range d.Syncs {
		if card.Installed {
			d.Installed++
		}
	}
	if slices.ContainsFunc(in.Issues, func(i v1.Issue) bool { return i.Code == "throttled" || i.Code == "backfill_throttled" }) {
		d.Throttled = in.GoesOnAt // it is also when a broken road is tried again
	}
	return &page{Title: in.Name, Nav: "overview", Installation: in, Data: d}, nil
}

func syncCards(in *v1.Installation) []syncCard {
	var cards []syncCard
	for _, s := range v1.Syncs {
		if in.State == v1.StateUninstalled {
			cards = append(cards, syncCard{ID: s, Text: syncWords(s), State: syncStateWord(v1.SyncUninstalled)})
			continue
		}
		status, known := in.Syncs[s]
		installed := known && status.State != v1.SyncUninstalled
		state := syncStateWord(status.State)
		if in.State == v1.StateNeedsCredentials && status.State != v1.SyncStopped && installed {
			state = word{toneWarn, "Waiting"} // for somebody to enter them
		}
		cards = append(cards, syncCard{s, syncWords(s), state, installed, status})
	}
	return cards
}
