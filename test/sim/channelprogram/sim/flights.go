package sim

import (
	"slices"
	"time"
)

// Overlap is a breach of the caller's: two requests that write the same record
// were at work at once. A request counts from when its records are known until
// just before its answer leaves; one that its caller gave up on, until the
// server hears of that.
type Overlap struct {
	At         time.Time `json:"at"`
	Connection string    `json:"connection"`
	Entity     string    `json:"entity"`
	ExternalID string    `json:"externalId"`
	Requests   [2]string `json:"requests"` // the request ids, the earlier first
}

// flights knows which request is writing which record right now.
type flights struct {
	writing  map[recordKey][]string // request ids
	overlaps []Overlap
}

type recordKey struct{ entity, externalID string }

// String is how a record is named in JSON: client/174.
func (k recordKey) String() string { return k.entity + "/" + k.externalID }

func newFlights() *flights { return &flights{writing: make(map[recordKey][]string)} }

func (f *flights) take(keys []recordKey, with Overlap) {
	request := with.Requests[1]
	for _, k := range keys {
		if before := f.writing[k]; len(before) > 0 {
			with.Entity, with.ExternalID, with.Requests[0] = k.entity, k.externalID, before[len(before)-1]
			f.overlaps = append(f.overlaps, with)
		}
		f.writing[k] = append(f.writing[k], request)
	}
}

func (f *flights) release(keys []recordKey, request string) {
	for _, k := range keys {
		rest := slices.DeleteFunc(f.writing[k], func(id string) bool { return id == request })
		if len(rest) == 0 {
			delete(f.writing, k)
		} else {
			f.writing[k] = rest
		}
	}
}
