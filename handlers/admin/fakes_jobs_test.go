package admin

import (
	"context"
	"fmt"
	"strings"
	"time"

	v1 "channelsync/api/v1"
)

func (f records) Explain(_ context.Context, id string, kind v1.Kind, rec int64) (v1.Explanation, error) {
	_ = f.note("explain %s %d", kind, rec)
	r := v1.Record{Kind: kind, ID: fmt.Sprint(rec), Outcome: v1.OutcomeUnchanged}
	return v1.Explanation{Kind: kind, ID: r.ID, Met: true, Record: &r}, f.known(id)
}

func (f jobs) Resync(_ context.Context, id string, req v1.ResyncRequest) (v1.JobRef, error) {
	_ = f.note("resync %+v", req)
	return v1.JobRef{Job: "j-1"}, f.known(id)
}

func (f jobs) Replay(_ context.Context, id string, req v1.ReplayRequest) (v1.JobRef, error) {
	_ = f.note("replay %s", describeReplay(req))
	return v1.JobRef{Job: "j-2"}, f.known(id)
}

type deadLetters struct{ *fake }

func (f deadLetters) DeadLetterList(_ context.Context, id, cursor string, limit int) (v1.Page[v1.DeadLetter], error) {
	_ = f.note("dead letters %q %d", cursor, limit)
	return v1.Page[v1.DeadLetter]{Items: []v1.DeadLetter{{ID: "company-7", Kind: "company", RecordID: "7"}}}, f.known(id)
}

func (f deadLetters) Requeue(_ context.Context, id string, req v1.RequeueRequest) error {
	_ = f.note("requeue %+v", req)
	return f.known(id)
}

func (f deadLetters) Dismiss(_ context.Context, id string, req v1.DismissRequest) error {
	if req.Code != "" {
		_ = f.note("dismiss code %s until %s", req.Code, req.Until.Format(time.TimeOnly))
	} else {
		_ = f.note("dismiss %s", strings.Join(req.IDs, " "))
	}
	return f.known(id)
}

type bridges struct{ *fake }

func (f bridges) Bridges(_ context.Context, id string) ([]v1.BridgeStatus, error) {
	_ = f.note("bridges")
	return []v1.BridgeStatus{{GUID: "g", Name: "rule"}}, f.known(id)
}

func (f bridges) RotateBridge(_ context.Context, id, guid string, now bool) (v1.Bridge, error) {
	_ = f.note("rotate bridge %s %v", guid, now)
	return v1.Bridge{GUID: guid, Secret: "shown once", URL: "https://cs.example/callbacks"}, f.known(id)
}

func (f bridges) EndBridge(_ context.Context, id, guid string) error {
	_ = f.note("end bridge %s", guid)
	return f.known(id)
}

func (f bridges) CreateBridge(_ context.Context, id, name string) (v1.Bridge, error) {
	_ = f.note("%s", strings.TrimSpace("bridge "+name))
	return v1.Bridge{GUID: "g", Secret: "shown once", URL: "https://cs.example/callbacks"}, f.known(id)
}

type held struct{ *fake }

func (f held) Held(_ context.Context, id string, approve bool) error {
	_ = f.note("held %v", approve)
	return f.known(id)
}

type feed struct{ *fake }

// Feed tells of one outcome and ends.
func (f feed) Feed(_ context.Context, id string) (<-chan v1.FeedEvent, error) {
	_ = f.note("feed")
	events := make(chan v1.FeedEvent, 1)
	events <- v1.FeedEvent{
		At: time.Date(2026, 11, 23, 12, 0, 0, 0, time.UTC), Kind: v1.KindCompany, ID: "7", Name: "A\nB",
		Outcome: v1.OutcomePushed, Trigger: v1.TriggerCallback, Pushed: true,
	}
	close(events)
	return events, f.known(id)
}

func (f feed) Recent(_ context.Context, id string, limit int) ([]v1.FeedEvent, error) {
	_ = f.note("activity %d", limit)
	at := time.Date(2026, 11, 23, 12, 0, 0, 0, time.UTC)
	return []v1.FeedEvent{{At: at, Kind: v1.KindContract, ID: "8", Outcome: v1.OutcomeNotMet, Trigger: v1.TriggerPoll}}, f.known(id)
}

type historyFake struct{ *fake }

func (f historyFake) Hours(_ context.Context, id string) ([]v1.HistoryHour, error) {
	_ = f.note("history")
	from := time.Date(2026, 11, 23, 12, 0, 0, 0, time.UTC)
	return []v1.HistoryHour{{From: from, Changes: 4, Pushed: 2, Unchanged: 1, Failed: 3}}, f.known(id)
}
