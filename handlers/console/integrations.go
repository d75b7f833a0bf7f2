package console

import (
	"cmp"
	"slices"
	"strings"

	"github.com/go-chi/chi/v5"

	v1 "channelsync/api/v1"
	"channelsync/handlers/console/present"
)

// perList is how many installations the front page shows at once.
const perList = 50

func (c *Console) integrationRoutes(r chi.Router) {
	r.Get("/", c.front())
}

// integrationsData is the front page: the Autotask card, and every installation.
type integrationsData struct {
	Installations []installationRow
	Total, Shown  int
	Q             string
	States        []stateCount
}

type installationRow struct {
	v1.Installation
	Headline present.Headline
}

type stateCount struct {
	Tone  present.Tone
	Word  string
	Count int
}

func (v *visit) integrations() (*page, error) {
	all, err := v.api.Installations(v.ctx)
	if err != nil {
		return nil, err
	}
	d := integrationsData{Total: len(all), Q: v1.Trim(v.r.URL.Query().Get("q"))}
	counts := map[present.Headline]int{}
	for _, in := range all {
		h := present.HeadlineOf(&in, v.now())
		counts[present.Headline{Tone: h.Tone, Word: h.Word}]++
		if d.Q == "" || strings.Contains(v1.Fold(in.Name+" "+in.ID), v1.Fold(d.Q)) {
			d.Installations = append(d.Installations, installationRow{in, h})
		}
	}
	// Those that need somebody come first; the API's order is by name.
	slices.SortStableFunc(d.Installations, func(a, b installationRow) int {
		return cmp.Compare(rank(a.Headline.Tone), rank(b.Headline.Tone))
	})
	d.Shown = min(perList, len(d.Installations))
	d.Installations = d.Installations[:d.Shown]
	for h, n := range counts {
		d.States = append(d.States, stateCount{h.Tone, present.Lower(h.Word), n})
	}
	slices.SortFunc(d.States, func(a, b stateCount) int {
		return cmp.Or(cmp.Compare(rank(a.Tone), rank(b.Tone)), cmp.Compare(a.Word, b.Word))
	})
	return &page{Title: "Integrations", Nav: "integrations", Data: d}, nil
}

func rank(t present.Tone) int {
	return slices.Index([]present.Tone{present.ToneBad, present.ToneWarn, present.ToneBusy, present.ToneGood, present.ToneOff}, t)
}
