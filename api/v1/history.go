package v1

import "time"

// History is what an installation did recently: the running hour and the 24
// before it, oldest first, those in which nothing happened among them.
type History struct {
	Items []HistoryHour `json:"items"`
}

// HistoryHour is what an installation did in one hour of UTC.
type HistoryHour struct {
	From time.Time `json:"from"` // when the hour began
	// Changes counts the records brought in line because something may have changed:
	// callback, poll, dependent, sync now. Sweeps, backfills, resyncs and replays look
	// at everything, so of those only Pushed and Failed are counted. An attempt that
	// failed and is repeated, or that waits for a stopped sync, is no change yet.
	Changes   int `json:"changes"`
	Pushed    int `json:"pushed"`    // records that the target took, archived ones too
	Unchanged int `json:"unchanged"` // changes for which nothing had to be pushed
	Failed    int `json:"failed"`    // attempts that failed
}
