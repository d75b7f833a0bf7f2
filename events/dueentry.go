package events

import (
	"cmp"
	"encoding/json"
	"fmt"
	"slices"
	"time"

	"github.com/nats-io/nats.go"

	v1 "channelsync/api/v1"
)

// Lane is one of the queues of the worklist; live is read before bulk.
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

// DueEntry says that a record is due. There is at most one for each record and lane;
// a later entry replaces an earlier one.
type DueEntry struct {
	// Installation, Kind, Lane and ID travel in the subject alone. An empty
	// lane means the one that trigger and job ask for.
	Installation string  `json:"-"`
	Kind         v1.Kind `json:"-"`
	ID           int64   `json:"-"`
	Lane         Lane    `json:"-"`
	// Sequence is the entry's place in the worklist, filled by Peek; AckThrough takes it.
	Sequence uint64 `json:"-"`
	// EnqueuedAt is when the worklist stored it, filled by Peek.
	EnqueuedAt time.Time `json:"-"`

	// JournalSequence and JournalPlace are where the journal holds the last change that the entry stands for.
	JournalSequence uint64     `json:"journalSequence,omitempty"`
	JournalPlace    int        `json:"journalPlace,omitempty"`
	Trigger         v1.Trigger `json:"trigger,omitempty"`
	EventTime       time.Time  `json:"eventTime,omitzero"`
	StoredAt        time.Time  `json:"storedAt,omitzero"` // when the journal stored that change
	Fields          []string   `json:"fields,omitempty"`
	Job             string     `json:"job,omitempty"`
	Force           bool       `json:"force,omitempty"`
	By              string     `json:"by,omitempty"`
	GUID            string     `json:"guid,omitempty"`
	SequenceNumber  *int64     `json:"sequenceNumber,omitempty"`
	Traceparent     string     `json:"traceparent,omitempty"`
	// Links are the trace contexts of other changes that the entry stands for, linksMost at most.
	Links []string `json:"links,omitempty"`
	// Attempt is of a scheduled retry: how many attempts of the record had failed
	// when it was scheduled. 0: not a retry.
	Attempt int `json:"attempt,omitempty"`
}

// DueEntry is what the worklist holds for the change.
func (c StoredChange) DueEntry() DueEntry {
	return DueEntry{
		Installation: c.Installation, Kind: c.Kind, ID: c.ID, Lane: c.Lane(),
		JournalSequence: c.Sequence, JournalPlace: c.Place, Trigger: c.Trigger, EventTime: c.EventTime, StoredAt: c.StoredAt,
		Fields: c.Fields, Job: c.Job, Force: c.Force, By: c.By, GUID: c.WebhookGUID, SequenceNumber: c.SequenceNumber,
		Traceparent: c.Traceparent,
	}
}

func (e DueEntry) lane() Lane {
	return cmp.Or(e.Lane, Change{Trigger: e.Trigger, Job: e.Job}.Lane())
}

// message is the entry as it is stored under its due subject.
func (e DueEntry) message() (*nats.Msg, error) {
	subject, err := dueSubject(e.Installation, e.Kind, e.lane(), e.ID)
	if err != nil {
		return nil, err
	}
	return e.messageTo(subject)
}

func (e DueEntry) messageTo(subject string) (*nats.Msg, error) {
	body, err := e.body()
	if err != nil {
		return nil, err
	}
	msg := nats.NewMsg(subject)
	msg.Data = body
	return msg, nil
}

// The changed fields of an entry are for people to read, so the list may be cut.
const (
	entryFields    = 50
	entryFieldName = 100 // bytes
)

// body is an entry's JSON without what the subject names; it always fits into a message.
func (e DueEntry) body() ([]byte, error) {
	e.Fields = slices.DeleteFunc(slices.Clone(e.Fields), func(name string) bool { return len(name) > entryFieldName })
	e.Fields = e.Fields[:min(len(e.Fields), entryFields)]
	body, err := json.Marshal(e)
	if err != nil {
		return nil, fmt.Errorf("encode due entry: %w", err)
	}
	return body, nil
}

// readDueEntry is the inverse of message. An entry whose body cannot be read still
// names its record, and that is all a reconcile needs; so the body is a bonus.
func readDueEntry(subject string, body []byte) (DueEntry, error) {
	named, err := parseDueSubject(subject)
	if err != nil {
		return DueEntry{}, err
	}
	var e DueEntry
	if json.Unmarshal(body, &e) != nil {
		e = DueEntry{}
	}
	e.Installation, e.Kind, e.ID, e.Lane = named.Installation, named.Kind, named.ID, named.Lane
	return e, nil
}
