package job

import (
	"context"
	"testing"
	"time"

	"channelsync/events/kv"
)

// oneRow is a table with one row that cannot be written.
type oneRow struct {
	Table
	value []byte
}

func (o oneRow) Each(_ context.Context, _ string, fn func(kv.Entry) error) error {
	return fn(kv.Entry{Key: "a.b", Value: o.value})
}

// FuzzStored: whatever lies under a job's key is a job or an error, and a job can be listed.
func FuzzStored(f *testing.F) {
	for _, row := range []string{
		`{"id":"j","installation":"i","type":"backfill","state":"running","kinds":["company"],"cursor":{"company":7}}`, `{"cursor":null}`, `null`, `[]`, `{"id":7}`,
	} {
		f.Add([]byte(row))
	}
	f.Fuzz(func(t *testing.T, row []byte) {
		s, err := Open(t.Context(), oneRow{value: row}, time.Now)
		if err != nil {
			return
		}
		for id, h := range s.jobs {
			if _, ok := s.Get(h.Installation, id); !ok {
				t.Errorf("job %q of %q is there and is not", id, h.Installation)
			}
			s.Running(h.Installation)
		}
	})
}
