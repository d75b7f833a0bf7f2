package history

import (
	"encoding/json"
	"errors"
	"fmt"
	"time"

	v1 "channelsync/api/v1"
)

// span is how many hours are kept: the running one and the 24 before it.
const span = 25

// Counts are the numbers of one hour.
type Counts struct {
	Changes   int `json:"changes,omitempty"`
	Pushed    int `json:"pushed,omitempty"`
	Unchanged int `json:"unchanged,omitempty"`
	Failed    int `json:"failed,omitempty"`
}

func (c Counts) plus(d Counts) Counts {
	return Counts{c.Changes + d.Changes, c.Pushed + d.Pushed, c.Unchanged + d.Unchanged, c.Failed + d.Failed}
}

// hour is a stretch of 60 minutes of UTC with its counts.
type hour struct {
	Hour int64 `json:"hour"` // since 1970
	Counts
}

// hours is a ring of at most span of them, in no order: two that are a multiple
// of span apart share a place, and whatever is counted last takes it. So a clock
// that jumps costs one hour at most: none of the others has to be cleared to make
// room, and they are shown again once the clock is right.
type hours []hour

func hourOf(t time.Time) int64 { return t.Unix() / 3600 }

func place(h int64) int64 { return (h%span + span) % span }

// with returns the hours with those of later added, which win a place that both have.
func (hs hours) with(later hours) hours {
	out := append(make(hours, 0, len(hs)+len(later)), hs...)
	for _, h := range later {
		out.add(h.Hour, h.Counts)
	}
	return out
}

func (hs *hours) add(n int64, c Counts) {
	for i := range *hs {
		switch h := &(*hs)[i]; {
		case h.Hour == n:
			h.Counts = h.plus(c)
			return
		case place(h.Hour) == place(n):
			*h = hour{n, c}
			return
		}
	}
	*hs = append(*hs, hour{n, c})
}

// until returns the span of hours that ends with the running one, oldest first.
func (hs hours) until(now time.Time) []v1.HistoryHour {
	last := hourOf(now)
	out := make([]v1.HistoryHour, span)
	for i := range out {
		out[i].From = time.Unix((last-span+1+int64(i))*3600, 0).UTC()
	}
	for _, h := range hs {
		if i := h.Hour - last + span - 1; i >= 0 && i < span {
			at := &out[i]
			at.Changes, at.Pushed, at.Unchanged, at.Failed = h.Changes, h.Pushed, h.Unchanged, h.Failed
		}
	}
	return out
}

// document is what the table holds of an installation.
type document struct {
	Hours hours `json:"hours"`
}

func encode(hs hours) ([]byte, error) {
	b, err := json.Marshal(document{hs})
	if err != nil {
		return nil, fmt.Errorf("encode history: %w", err)
	}
	return b, nil
}

// decode reads what encode wrote, and nothing that it never writes.
func decode(b []byte) (hours, error) {
	var d document
	if err := json.Unmarshal(b, &d); err != nil {
		return nil, fmt.Errorf("decode history: %w", err)
	}
	var hs hours
	for _, h := range d.Hours {
		if min(h.Changes, h.Pushed, h.Unchanged, h.Failed) < 0 {
			return nil, errors.New("decode history: a count below zero")
		}
		hs.add(h.Hour, h.Counts)
	}
	if len(hs) != len(d.Hours) {
		return nil, errors.New("decode history: two hours in one place")
	}
	return hs, nil
}
