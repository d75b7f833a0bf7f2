package reconcile

import (
	"context"
	"io"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"pgregory.net/rapid"

	v1 "channelsync/api/v1"
	"channelsync/events"
	"channelsync/events/kv"
	"channelsync/sync/deadletter"
)

// handlerTransport answers requests in process: a bubble of synctest has no sockets.
type handlerTransport struct {
	http.Handler
	seen func(*http.Request)
}

func (h handlerTransport) RoundTrip(r *http.Request) (*http.Response, error) {
	if h.seen != nil {
		h.seen(r)
	}
	in := r.Clone(r.Context())
	in.Header = http.Header{}
	for name, values := range r.Header { // as a server reads them
		for _, v := range values {
			in.Header.Add(name, v)
		}
	}
	in.RequestURI, in.RemoteAddr = r.URL.RequestURI(), "192.0.2.1:1234"
	in.Host = r.URL.Host
	if in.Body == nil {
		in.Body = http.NoBody
	}
	w := httptest.NewRecorder()
	if cut := h.serve(w, in); cut != nil {
		return nil, cut
	}
	if r.Context().Err() != nil { // an answer that comes too late
		return nil, context.Cause(r.Context()) // as net/http does
	}
	return w.Result(), nil
}

// serve says how the connection was cut, if it was.
func (h handlerTransport) serve(w http.ResponseWriter, r *http.Request) (cut error) {
	defer func() {
		switch p := recover(); {
		case p == nil:
		case p != http.ErrAbortHandler:
			panic(p)
		case r.Context().Err() != nil:
			cut = context.Cause(r.Context())
		default:
			cut = io.ErrUnexpectedEOF
		}
	}()
	h.ServeHTTP(w, r)
	return nil
}

// memory is a table in memory: the worker's tests run on the clock of a bubble,
// which the real store would not share.
type memory struct {
	mu       sync.Mutex
	values   map[string]kv.Entry
	revision uint64
}

func (m *memory) put(key string, value []byte) uint64 {
	if m.values == nil {
		m.values = map[string]kv.Entry{}
	}
	m.revision++
	m.values[key] = kv.Entry{Key: key, Value: value, Revision: m.revision}
	return m.revision
}

func (m *memory) GetFromLeader(ctx context.Context, key string) (kv.Entry, error) {
	return m.Get(ctx, key)
}

func (m *memory) Get(_ context.Context, key string) (kv.Entry, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	e, ok := m.values[key]
	if !ok {
		return e, kv.ErrNotFound
	}
	return e, nil
}

func (m *memory) Create(_ context.Context, key string, value []byte) (uint64, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if _, ok := m.values[key]; ok {
		return 0, kv.ErrConflict
	}
	return m.put(key, value), nil
}

func (m *memory) Update(_ context.Context, key string, value []byte, revision uint64) (uint64, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.values[key].Revision != revision {
		return 0, kv.ErrConflict
	}
	return m.put(key, value), nil
}

func (m *memory) Erase(_ context.Context, key string) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	delete(m.values, key)
	return nil
}

func (m *memory) GetMany(_ context.Context, keys []string) (map[string]kv.Entry, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	out := map[string]kv.Entry{}
	for _, k := range keys {
		if e, ok := m.values[k]; ok {
			out[k] = e
		}
	}
	return out, nil
}

func (m *memory) PutMany(_ context.Context, puts []kv.KeyValue) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	for _, p := range puts {
		m.put(p.Key, p.Value)
	}
	return nil
}

func (m *memory) Each(_ context.Context, prefix string, fn func(kv.Entry) error) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	for k, e := range m.values {
		if strings.HasPrefix(k, prefix+".") {
			if err := fn(e); err != nil {
				return err
			}
		}
	}
	return nil
}

func (m *memory) PurgePrefix(_ context.Context, prefix string) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	for k := range m.values {
		if strings.HasPrefix(k, prefix+".") {
			delete(m.values, k)
		}
	}
	return nil
}

// deadLetters are kept in memory, as far as a reconcile needs them.
type deadLetters struct {
	deadletter.Stream
	mu sync.Mutex
	in map[string]events.DeadLetter
}

func (d *deadLetters) Put(_ context.Context, l events.DeadLetter) (events.DeadLetter, error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.in == nil {
		d.in = map[string]events.DeadLetter{}
	}
	d.in[l.ID] = l
	return l, nil
}

func (d *deadLetters) Delete(_ context.Context, _, id string) error {
	d.mu.Lock()
	defer d.mu.Unlock()
	delete(d.in, id)
	return nil
}

func (d *deadLetters) count() int {
	d.mu.Lock()
	defer d.mu.Unlock()
	return len(d.in)
}

// list is a worklist and a journal in memory, of one installation.
type list struct {
	mu            sync.Mutex
	entries       []events.DueEntry
	sequence      uint64
	taken         func(kind v1.Kind, lane events.Lane, n int)
	silent        bool // wakes are lost
	notifications chan struct{}
	scheduled     map[recordKey]*time.Timer
}

func newList() *list {
	return &list{notifications: make(chan struct{}, 1), scheduled: map[recordKey]*time.Timer{}}
}

func (l *list) Peek(_ context.Context, _ string, kind v1.Kind, lane events.Lane, most int) ([]events.DueEntry, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	var out []events.DueEntry
	for _, d := range l.entries {
		if d.Kind == kind && d.Lane == lane && len(out) < most {
			out = append(out, d)
		}
	}
	if l.taken != nil {
		l.taken(kind, lane, len(out))
	}
	return out, nil
}

func (l *list) AckThrough(_ context.Context, _ string, kind v1.Kind, lane events.Lane, upTo uint64) error {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.entries = slices.DeleteFunc(l.entries, func(d events.DueEntry) bool { return d.Kind == kind && d.Lane == lane && d.Sequence <= upTo })
	return nil
}

func (l *list) Enqueue(_ context.Context, due []events.DueEntry) error {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.put(due)
	return nil
}

// put is Mark for whoever holds the lock.
func (l *list) put(due []events.DueEntry) {
	for _, d := range due {
		l.entries = slices.DeleteFunc(l.entries, func(old events.DueEntry) bool { return old.Kind == d.Kind && old.Lane == d.Lane && old.ID == d.ID })
		l.sequence++
		d.Sequence = l.sequence
		l.entries = append(l.entries, d)
	}
	if l.silent {
		return
	}
	select {
	case l.notifications <- struct{}{}:
	default:
	}
}

func (l *list) PublishAll(context.Context, []events.Change) error { return nil }

func (l *list) Schedule(_ context.Context, due []events.DueEntry, wait func(events.DueEntry) time.Duration) error {
	l.mu.Lock()
	defer l.mu.Unlock()
	for _, d := range due {
		key := recordKey{d.Kind, d.ID}
		if old := l.scheduled[key]; old != nil {
			old.Stop()
		}
		l.scheduled[key] = time.AfterFunc(wait(d), func() {
			l.mu.Lock()
			defer l.mu.Unlock()
			delete(l.scheduled, key)
			d.Lane = events.LaneLive
			l.put([]events.DueEntry{d})
		})
	}
	return nil
}

func (l *list) Unschedule(_ context.Context, _ string, kind v1.Kind, ids []int64) error {
	l.mu.Lock()
	defer l.mu.Unlock()
	for _, id := range ids {
		if t := l.scheduled[recordKey{kind, id}]; t != nil {
			t.Stop()
			delete(l.scheduled, recordKey{kind, id})
		}
	}
	return nil
}

func (l *list) left() int {
	l.mu.Lock()
	defer l.mu.Unlock()
	return len(l.entries)
}

// TestFakeWorklistIsLikeTheRealOne runs the same steps on both.
func TestFakeWorklistIsLikeTheRealOne(t *testing.T) {
	b := newBench(t, setup{})
	rapid.Check(t, func(rt *rapid.T) {
		ctx := context.Background()
		if err := b.bus.Worklist().PurgeInstallation(ctx, inst); err != nil {
			rt.Fatal(err)
		}
		fake, lists := newList(), []Worklist(nil)
		lists = append(lists, fake, b.bus.Worklist())
		for range rapid.IntRange(1, 8).Draw(rt, "steps") {
			kind := rapid.SampledFrom([]v1.Kind{v1.KindCompany, v1.KindContract}).Draw(rt, "kind")
			lane := rapid.SampledFrom([]events.Lane{events.LaneLive, events.LaneBulk}).Draw(rt, "lane")
			if rapid.Bool().Draw(rt, "mark") {
				ids := rapid.SliceOfN(rapid.Int64Range(1, 4), 1, 4).Draw(rt, "ids")
				for _, l := range lists {
					for _, id := range ids {
						d := events.DueEntry{Installation: inst, Kind: kind, Lane: lane, ID: id, Trigger: v1.TriggerCallback}
						if err := l.Enqueue(ctx, []events.DueEntry{d}); err != nil {
							rt.Fatal(err)
						}
					}
				}
				continue
			}
			most, drop := rapid.IntRange(1, 5).Draw(rt, "most"), rapid.Bool().Draw(rt, "clear")
			var got [][]int64
			for _, l := range lists {
				due, err := l.Peek(ctx, inst, kind, lane, most)
				if err != nil {
					rt.Fatal(err)
				}
				var ids []int64
				for _, d := range due {
					ids = append(ids, d.ID)
				}
				got = append(got, ids)
				if drop && len(due) > 0 {
					if err := l.AckThrough(ctx, inst, kind, lane, due[len(due)-1].Sequence); err != nil {
						rt.Fatal(err)
					}
				}
			}
			if !slices.Equal(got[0], got[1]) {
				rt.Fatalf("the fake gives %v, the real one %v", got[0], got[1])
			}
		}
	})
}
