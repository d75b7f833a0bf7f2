package events

import (
	"encoding/json"
	"fmt"
	"slices"
	"time"

	"github.com/nats-io/nats.go"

	v1 "channelsync/api/v1"
)

// Lane is one of the rows in which marks wait; live is taken before bulk.
type Lane string

// The lanes.
const (
	LaneLive Lane = "live" // callbacks, polls, dependents, sync now, retries
	LaneBulk Lane = "bulk" // backfill, sweep, replay, resync
	// LaneApart is for records that are suspected of failing by themselves: they are
	// sent alone, beside all others, and keep none of them waiting.
	LaneApart Lane = "apart"
)

// laneOf is the lane of a change that belongs to no job.
func laneOf(t v1.Trigger) Lane {
	switch t {
	case v1.TriggerBackfill, v1.TriggerSweep, v1.TriggerReplay:
		return LaneBulk
	}
	return LaneLive
}

// Mark says that a record is due. There is at most one for each record and lane;
// a later mark replaces an earlier one.
type Mark struct {
	// Installation, Kind, Lane and ID travel in the subject alone. An empty
	// lane means the one that trigger and job ask for.
	Installation string  `json:"-"`
	Kind         v1.Kind `json:"-"`
	ID           int64   `json:"-"`
	Lane         Lane    `json:"-"`
	// Sequence is the mark's place in the worklist, filled by Take; Clear takes it.
	Sequence uint64 `json:"-"`
	// MarkedAt is when the worklist stored it, filled by Take.
	MarkedAt time.Time `json:"-"`

	// JournalSequence and JournalPlace are where the journal holds the last change it stands for.
	JournalSequence uint64     `json:"journalSequence,omitempty"`
	JournalPlace    int        `json:"journalPlace,omitempty"`
	Trigger         v1.Trigger `json:"trigger,omitempty"`
	EventTime       time.Time  `json:"eventTime,omitzero"`
	StoredAt        time.Time  `json:"storedAt,omitzero"` // when the journal stored that change
	Fields          []string   `json:"fields,omitempty"`
	Job             string     `json:"job,omitempty"`
	Force           bool       `json:"force,omitempty"`
	GUID            string     `json:"guid,omitempty"`
	SequenceNumber  *int64     `json:"sequenceNumber,omitempty"`
	Traceparent     string     `json:"traceparent,omitempty"`
	// Attempt is of a scheduled retry: how many attempts of the record had failed
	// when it was scheduled. 0: not a retry.
	Attempt int `json:"attempt,omitempty"`
}

// Mark is what the worklist holds for the change.
func (c StoredChange) Mark() Mark {
	return Mark{
		Installation: c.Installation, Kind: c.Kind, ID: c.ID, Lane: c.Lane(),
		JournalSequence: c.Sequence, JournalPlace: c.Place, Trigger: c.Trigger, EventTime: c.EventTime, StoredAt: c.StoredAt,
		Fields: c.Fields, Job: c.Job, Force: c.Force, GUID: c.WebhookGUID, SequenceNumber: c.SequenceNumber,
		Traceparent: c.Traceparent,
	}
}

func (m Mark) lane() Lane {
	if m.Lane != "" {
		return m.Lane
	}
	return Change{Trigger: m.Trigger, Job: m.Job}.Lane()
}

// message is the mark as it is stored under its due subject.
func (m Mark) message() (*nats.Msg, error) {
	subject, err := dueSubject(m.Installation, m.Kind, m.lane(), m.ID)
	if err != nil {
		return nil, err
	}
	body, err := m.body()
	if err != nil {
		return nil, err
	}
	msg := nats.NewMsg(subject)
	msg.Data = body
	return msg, nil
}

// A mark tells which fields changed for people to read, so it need not tell all of many.
const (
	markFields    = 50
	markFieldName = 100 // bytes
)

// body is what a mark says of its record beside its name; it always fits into a message.
func (m Mark) body() ([]byte, error) {
	m.Fields = slices.DeleteFunc(slices.Clone(m.Fields), func(name string) bool { return len(name) > markFieldName })
	m.Fields = m.Fields[:min(len(m.Fields), markFields)]
	body, err := json.Marshal(m)
	if err != nil {
		return nil, fmt.Errorf("encode mark: %w", err)
	}
	return body, nil
}

// readMark is the inverse of message. A mark whose body cannot be read still
// names its record, and that is all a reconcile needs; so the body is a bonus.
func readMark(subject string, body []byte) (Mark, error) {
	named, err := parseDueSubject(subject)
	if err != nil {
		return Mark{}, err
	}
	var m Mark
	if json.Unmarshal(body, &m) != nil {
		m = Mark{}
	}
	m.Installation, m.Kind, m.ID, m.Lane = named.Installation, named.Kind, named.ID, named.Lane
	return m, nil
}
