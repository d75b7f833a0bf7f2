package console

import (
	"time"

	v1 "channelsync/api/v1"
)

// deadCauseData is a cause, before all of it is dismissed.
type deadCauseData struct {
	*cause
	More  bool   // there are more than were counted
	Until string // when the last one that was counted failed
}

// deadCause counts a cause, for the question before it is dismissed.
func (v *visit) deadCause() (*page, error) {
	in, err := v.installation()
	if err != nil {
		return nil, err
	}
	var d deadLettersData
	all, err := v.allDeadLetters(in.ID, &d)
	if err != nil {
		return nil, err
	}
	for _, c := range causesOf(all) {
		if c.Code == v.r.URL.Query().Get("code") {
			data := deadCauseData{cause: c, More: d.More, Until: c.Last.LastAt.UTC().Format(time.RFC3339Nano)}
			return &page{Title: "Dismiss dead letters", Nav: "dead-letters", Installation: in, Data: data}, nil
		}
	}
	p := v1.NotFound("There are no dead letters of this cause.")
	p.Hint = "They were tried again or dismissed meanwhile. The list of dead letters has what is left."
	return nil, p
}

// dismissCause dismisses a cause as far as it was counted: what has failed since
// then was not part of the question.
func (v *visit) dismissCause() (done, error) {
	code := v.field("code")
	until, err := time.Parse(time.RFC3339Nano, v.field("until"))
	if code == "" || err != nil {
		return done{}, v1.Invalid("Nothing is dismissed: the form does not say what.")
	}
	if err := v.api.DismissAll(v.ctx, v.r.PathValue("id"), v1.DismissRequest{Code: code, Until: &until}); err != nil {
		return done{}, err
	}
	return done{v.under("/dead-letters"), "They are dismissed. A record is tried again when it changes in Autotask."}, nil
}
