package events

import (
	"encoding/json"
	"fmt"
	"time"

	"github.com/nats-io/nats.go"

	v1 "channelsync/api/v1"
)

// Change says that a record of an installation may differ, why, and since when.
// It names fields but never carries their values.
type Change struct {
	// Installation, Kind and ID name the record.
	Installation string  `json:"-"`
	Kind         v1.Kind `json:"-"`
	ID           int64   `json:"-"`

	Trigger        v1.Trigger `json:"trigger"`
	EventTime      time.Time  `json:"eventTime,omitzero"` // when the source says it happened; zero = not known
	Fields         []string   `json:"fields,omitempty"`   // names of the changed fields, as the source spells them
	WebhookGUID    string     `json:"webhookGuid,omitempty"`
	SequenceNumber *int64     `json:"sequenceNumber,omitempty"`
	Job            string     `json:"job,omitempty"`   // the backfill, resync or replay it belongs to
	Force          bool       `json:"force,omitempty"` // push it whatever was pushed last
	By             string     `json:"by,omitempty"`    // who asked for it, as the audit names them; empty: nobody did
	Traceparent    string     `json:"-"`               // W3C trace context
}

// Lane is where the change waits: bulk for what belongs to a job or was found
// by going through everything, live for the rest.
func (c Change) Lane() Lane {
	if c.Job != "" {
		return LaneBulk
	}
	return laneOf(c.Trigger)
}

// Receipt is the journal's answer to a change that it has on disk. Sequence and place are
// the change's identity.
type Receipt struct {
	Sequence  uint64 // of the message that holds it
	Place     int    // in that message, from 0
	Duplicate bool   // this process stored it within the last 30 minutes already
}

// StoredChange is a change as the journal holds it.
type StoredChange struct {
	Change
	Sequence uint64 // of the message that holds it
	Place    int    // in that message, from 0
	StoredAt time.Time
}

const traceHeader = "traceparent"

// readChange reads a message of a store of format 1, which is one change. When only the
// body is unreadable the record is still named, beside the error.
func readChange(subject string, header nats.Header, body []byte) (Change, error) {
	installation, kind, id, err := parseChangeSubject(subject)
	if err != nil {
		return Change{}, err
	}
	var c Change
	if err = json.Unmarshal(body, &c); err != nil {
		c, err = Change{}, fmt.Errorf("decode change: %w", err)
	}
	c.Installation, c.Kind, c.ID, c.Traceparent = installation, kind, id, header.Get(traceHeader)
	return c, err
}
