package reconcile

import (
	"sync"
	"time"

	"channelsync/api/autotask"
)

const (
	// listedFor is how long a row that was listed is as good as one read again.
	listedFor = time.Minute
	// listedMax is how many rows wait at a time, of all installations; about 1 KB each.
	listedMax = 25_000
)

// Listed holds the rows of companies that a pass over all of them has just listed, so
// that its batches need not read each of them a second time. A row is used once, by the
// pass that listed it, within a minute, and only if nothing was done about the record
// since it was read: whatever came meanwhile is read anew. What does not fit is not kept.
// One is shared by all installations. A nil one keeps nothing.
type Listed struct {
	mu   sync.Mutex
	rows map[listedKey]listedRow
	fifo []listedKey // oldest first; keys of rows that were used are in it too
}

type listedKey struct {
	job string // unique over all installations
	id  int64
}

type listedRow struct {
	company autotask.Company
	at      time.Time // when the request that read it began
}

// NewListed returns an empty one.
func NewListed() *Listed { return &Listed{rows: map[listedKey]listedRow{}} }

// Put keeps rows that a job's request, begun at a time, has listed.
func (l *Listed) Put(job string, at time.Time, companies []autotask.Company) {
	if l == nil {
		return
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	l.expire(at)
	for _, c := range companies {
		if len(l.fifo) >= listedMax {
			return
		}
		key := listedKey{job, c.ID}
		if _, ok := l.rows[key]; !ok {
			l.fifo = append(l.fifo, key)
		}
		l.rows[key] = listedRow{c, at}
	}
}

// take returns and forgets the row that a job listed, if it is recent.
func (l *Listed) take(job string, id int64, now time.Time) (listedRow, bool) {
	if l == nil || job == "" {
		return listedRow{}, false
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	key := listedKey{job, id}
	row, ok := l.rows[key]
	delete(l.rows, key)
	l.expire(now)
	return row, ok && !row.at.After(now) && now.Sub(row.at) < listedFor
}

// expire forgets from the oldest on what is used, or too old to be.
func (l *Listed) expire(now time.Time) {
	n := 0
	for ; n < len(l.fifo); n++ {
		row, waits := l.rows[l.fifo[n]]
		if waits && now.Sub(row.at) < listedFor {
			break
		}
		delete(l.rows, l.fifo[n])
	}
	l.fifo = l.fifo[n:]
	if len(l.fifo) == 0 {
		l.fifo = nil // lets go of what is before it
	}
}

// listed takes from the rows of the pass what may stand for a fetch, and returns the
// ids that are to be fetched.
func (b *batch) listed(known map[int64]autotask.Company) (rest []int64) {
	for _, it := range b.items {
		row, ok := b.Listed.take(it.mark.Job, it.mark.ID, b.began)
		if ok && it.entry.ReconciledAt.Before(row.at) && len(row.company.Lacks) == 0 {
			known[it.mark.ID], it.readAt = row.company, row.at
			continue
		}
		rest = append(rest, it.mark.ID)
	}
	return rest
}
