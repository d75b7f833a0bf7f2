package present

import (
	"fmt"

	v1 "channelsync/api/v1"
)

const (
	chartHeight = 80
	barSlot     = 20 // width of an hour
	barWidth    = 8
)

// Chart is changes and pushes by the hour, as bars side by side.
type Chart struct {
	Bars                    []bar
	Width, Height           int
	Changes, Pushes, Failed int
	Label                   string
}

type bar struct {
	Title                   string
	X, X2, Width            int
	ChangesY, ChangesHeight int
	PushesY, PushesHeight   int
}

// ChartOf draws the hours. The scale is the highest bar; an hour that had
// anything at all is seen.
func ChartOf(hours []v1.HistoryHour) Chart {
	c := Chart{Width: barSlot * len(hours), Height: chartHeight}
	most := 0
	for _, h := range hours {
		c.Changes += h.Changes
		c.Pushes += h.Pushed
		c.Failed += h.Failed
		most = max(most, h.Changes, h.Pushed)
	}
	c.Label = fmt.Sprintf("Changes and pushes by the hour over the last 24 hours: %s, %s pushed.", Count(c.Changes, "change"), Num(c.Pushes))
	if most == 0 {
		return c
	}
	high := func(n int) int {
		if n == 0 {
			return 0
		}
		return max(2, n*chartHeight/most)
	}
	for i, h := range hours {
		changes, pushes := high(h.Changes), high(h.Pushed)
		c.Bars = append(c.Bars, bar{
			Title: fmt.Sprintf("%s UTC: %s, %s pushed", h.From.UTC().Format("15:04"), Count(h.Changes, "change"), Num(h.Pushed)),
			X:     i*barSlot + 1, X2: i*barSlot + 1 + barWidth, Width: barWidth,
			ChangesY: chartHeight - changes, ChangesHeight: changes, PushesY: chartHeight - pushes, PushesHeight: pushes,
		})
	}
	return c
}
