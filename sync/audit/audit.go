package audit

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"sync"
	"time"

	"github.com/oklog/ulid/v2"
	"go.uber.org/zap"

	v1 "channelsync/api/v1"
	"channelsync/events/kv"
	"channelsync/internal/clip"
	"channelsync/internal/gate"
	"channelsync/sync/installation"
)

const (
	// keepFor is how long entries are kept. They go by their age alone: no caller's noise takes another's place.
	keepFor   = 180 * 24 * time.Hour
	dropEvery = time.Hour
	maxDetail = 1000 // bytes
	// signAtOnce is how many entries get their codes in one write.
	signAtOnce = 250
)

// Table is where the audit lies.
type Table interface {
	Get(ctx context.Context, key string) (kv.Entry, error)
	GetOrCreate(ctx context.Context, key string, value func() []byte) (kv.Entry, error)
	Each(ctx context.Context, prefix string, fn func(kv.Entry) error) error
	Create(ctx context.Context, key string, value []byte) (uint64, error)
	Update(ctx context.Context, key string, value []byte, revision uint64) (uint64, error)
	// UpdateMany writes all of them or, with kv.ErrConflict, none.
	UpdateMany(ctx context.Context, entries []kv.Entry) error
	Delete(ctx context.Context, key string) error
}

// Sealer keeps the key of the chain.
type Sealer interface {
	Seal(purpose string, plain []byte) []byte
	Open(purpose string, sealed []byte) ([]byte, error)
	SealedLast(sealed []byte) bool
}

// Config is what a Log works with.
type Config struct {
	Table  Table
	Sealer Sealer
	Now    func() time.Time
	Log    *zap.Logger // has every entry as well, to be shipped
}

// Log keeps who did what, and when, as a chain in which a gap shows. It holds no secrets and no client data.
type Log struct {
	Config
	chain   chain
	writing gate.Gate // within a process one entry is chained at a time

	mu      sync.Mutex
	entries []kept    // oldest first
	dropped time.Time // when old ones were dropped last
}

type kept struct {
	key   string
	entry link
}

// Open loads the audit, and makes the key of its chain when there is none.
func Open(ctx context.Context, cfg Config) (*Log, error) {
	a := &Log{Config: cfg}
	var err error
	if a.chain, err = openChain(ctx, cfg); err != nil {
		return nil, err
	}
	if err = a.load(ctx); err != nil {
		return nil, err
	}
	if !a.chain.vouched {
		if err = a.vouch(ctx); err != nil {
			return nil, err
		}
	}
	return a, nil
}

// load reads the entries.
func (a *Log) load(ctx context.Context) error {
	a.entries = nil
	err := a.Table.Each(ctx, "", func(e kv.Entry) error {
		if !isEntry(e.Key) {
			return nil
		}
		var l link
		if err := json.Unmarshal(e.Value, &l); err != nil { // by somebody else: Verify shows it, and nothing stops for it
			a.Config.Log.Error("an audit entry cannot be read", zap.String(v1.LogKey, e.Key), zap.Error(err))
			return nil
		}
		a.entries = append(a.entries, kept{e.Key, l})
		return nil
	})
	if err != nil {
		return fmt.Errorf("load audit: %w", err)
	}
	slices.SortFunc(a.entries, func(x, y kept) int { return x.entry.At.Compare(y.entry.At) })
	return nil
}

// vouch gives what a version before the chain wrote a code, once, when the chain begins: whatever comes without a number
// later, and however old it says that it is, is somebody else's.
func (a *Log) vouch(ctx context.Context) error {
	err := kv.RetryConflict(ctx, func() error {
		row, err := a.Table.Get(ctx, chainKey)
		if err != nil {
			return err
		}
		if err := a.sign(ctx); err != nil {
			return err
		}
		done := chain{key: a.chain.key, vouched: true}
		_, err = a.Table.Update(ctx, chainKey, a.Sealer.Seal(chainPurpose, done.row()), row.Revision)
		return err
	})
	if err != nil {
		return fmt.Errorf("give the entries of before their codes: %w", err)
	}
	a.chain.vouched = true
	return a.load(ctx)
}

// sign gives entries without a number their codes, as far as they are of before the chain. Of an audit that somebody has
// changed none is.
func (a *Log) sign(ctx context.Context) error {
	h, revision, err := a.chain.head(ctx, a.Table)
	if errors.Is(err, errForgedHead) || err == nil && revision == 0 && a.known().N > 0 {
		return nil
	}
	if err != nil {
		return err
	}
	var signed []kv.Entry
	err = a.Table.Each(ctx, "", func(e kv.Entry) error {
		var l link
		if !isEntry(e.Key) || json.Unmarshal(e.Value, &l) != nil || l.N != 0 || a.chain.authentic(e.Key, l) || !l.At.Before(h.Since) {
			return nil
		}
		l.Prev, l.MAC = nil, nil
		l.MAC = a.chain.code(e.Key, l)
		value, err := json.Marshal(l)
		signed = append(signed, kv.Entry{Key: e.Key, Value: value, Revision: e.Revision})
		return err
	})
	if err != nil {
		return err
	}
	for batch := range slices.Chunk(signed, signAtOnce) {
		if err := a.Table.UpdateMany(ctx, batch); err != nil {
			return err
		}
	}
	return nil
}

// isEntry says whether a row may be an entry: its key is what pages go by.
func isEntry(key string) bool { _, err := ulid.ParseStrict(key); return err == nil }

// Follow takes over what other processes add, until ctx ends.
func (a *Log) Follow(ctx context.Context, table installation.Watched, log *zap.Logger) {
	_ = table.Watch(ctx, "", func(e kv.Event) { // it ends with ctx, and goes on after every failure
		if !isEntry(e.Key) {
			return
		}
		a.mu.Lock()
		defer a.mu.Unlock()
		i := slices.IndexFunc(a.entries, func(x kept) bool { return x.key == e.Key })
		if i >= 0 {
			if e.Deleted && a.Now().Sub(a.entries[i].entry.At) > keepFor-dropEvery { // else it was somebody else, and is still known here
				a.entries = slices.Delete(a.entries, i, i+1)
			}
			return
		}
		if e.Deleted {
			return
		}
		var l link
		if err := json.Unmarshal(e.Value, &l); err != nil {
			log.Warn("an audit entry cannot be read", zap.Error(err))
			return
		}
		a.insert(kept{e.Key, l})
	})
}

// insert keeps the entries in the order of their times; a.mu is held.
func (a *Log) insert(e kept) {
	at := len(a.entries)
	for at > 0 && a.entries[at-1].entry.At.After(e.entry.At) {
		at--
	}
	a.entries = slices.Insert(a.entries, at, e)
}

// Add stores an entry at the end of the chain, and logs it.
func (a *Log) Add(ctx context.Context, entry v1.AuditEntry) error {
	entry.Detail, entry.Unverified = clip.Text(entry.Detail, maxDetail), false
	entry, err := asStored(entry)
	if err != nil {
		return err
	}
	added := kept{key: ulid.Make().String(), entry: link{AuditEntry: entry}}
	defer func() { a.log(added.entry) }() // also when the store does not take it
	leave, err := a.writing.Enter(ctx)
	if err != nil {
		return fmt.Errorf("store audit entry: %w", err)
	}
	defer leave()
	err = kv.RetryConflict(ctx, func() error {
		head, revision, err := a.chain.head(ctx, a.Table)
		if err == nil && revision == 0 && a.known().N > 0 {
			err = errForgedHead // somebody removed it
		}
		if errors.Is(err, errForgedHead) {
			a.Log.Error("the audit continues after the last entry known here", zap.Error(err))
			head, err = a.known(), nil
		}
		if err != nil {
			return err
		}
		head = a.chain.append(added.key, &added.entry, head)
		return a.write(ctx, head, revision, added)
	})
	if err != nil {
		return fmt.Errorf("store audit entry: %w", err)
	}
	a.mu.Lock()
	if !slices.ContainsFunc(a.entries, func(x kept) bool { return x.key == added.key }) { // Follow may have been faster
		a.insert(added)
	}
	a.mu.Unlock()
	return a.dropOld(ctx)
}

// known is a head of what is known here, for when the stored one is not ours. What follows it has no code of the entry
// before: the break shows.
func (a *Log) known() head {
	a.mu.Lock()
	defer a.mu.Unlock()
	h := head{First: 1, Since: a.Now().UTC()}
	for _, authentic := range []bool{true, false} { // with another key none is: then the numbers are believed as they stand
		for _, e := range a.entries {
			if e.entry.N == 0 || e.entry.N > numberMax || authentic && !a.chain.authentic(e.key, e.entry) {
				continue
			}
			if h.N == 0 {
				h.First, h.Since = e.entry.N, e.entry.At
			}
			h.N = max(h.N, e.entry.N)
		}
		if h.N > 0 {
			break
		}
	}
	return h
}

// numberMax is more entries than there will ever be.
const numberMax = 1 << 53

// asStored is an entry as it will be read again, so that its code fits then too.
func asStored(entry v1.AuditEntry) (out v1.AuditEntry, err error) {
	entry.At = entry.At.UTC()
	b, err := json.Marshal(entry)
	if err == nil {
		err = json.Unmarshal(b, &out)
	}
	if err != nil {
		return out, fmt.Errorf("encode audit entry: %w", err)
	}
	return out, nil
}

func (a *Log) write(ctx context.Context, h head, revision uint64, added kept) error {
	entry, err := json.Marshal(added.entry)
	if err != nil {
		return fmt.Errorf("encode audit entry: %w", err)
	}
	value, err := json.Marshal(h)
	if err != nil {
		return fmt.Errorf("encode the head of the audit: %w", err)
	}
	return a.Table.UpdateMany(ctx, []kv.Entry{{Key: added.key, Value: entry}, {Key: chainHead, Value: value, Revision: revision}})
}

func (a *Log) log(e link) {
	a.Log.Info("audit", zap.String("who", e.Who), zap.String("actor", e.Actor), zap.String(v1.LogRemote, e.Address),
		zap.String(v1.LogAction, e.Action), zap.String(v1.LogInstallation, e.Installation), zap.String("detail", e.Detail),
		zap.Bool("ok", e.OK), zap.String("request", e.Request), zap.Int(v1.LogCount, e.Count), zap.Uint64("number", e.N))
}

// dropOld drops what is too old, now and then. The head says first from where on the chain is kept, so that what is
// dropped is no gap.
func (a *Log) dropOld(ctx context.Context) error {
	now := a.Now()
	a.mu.Lock()
	if now.Sub(a.dropped) < dropEvery {
		a.mu.Unlock()
		return nil
	}
	a.dropped = now
	n := 0
	for n < len(a.entries) && now.Sub(a.entries[n].entry.At) > keepFor {
		n++
	}
	old := slices.Clone(a.entries[:n])
	a.mu.Unlock()
	if len(old) == 0 {
		return nil
	}
	err := kv.RetryConflict(ctx, func() error {
		h, revision, err := a.chain.head(ctx, a.Table)
		if err != nil {
			return err
		}
		for _, o := range old {
			if a.chain.authentic(o.key, o.entry) { // what somebody else put in moves no beginning
				h.First = max(h.First, o.entry.N+1)
			}
		}
		h.MAC = a.chain.sign(h)
		value, err := json.Marshal(h)
		if err != nil {
			return fmt.Errorf("encode the head of the audit: %w", err)
		}
		_, err = a.Table.Update(ctx, chainHead, value, revision)
		return err
	})
	if err != nil {
		return fmt.Errorf("drop audit entries: %w", err)
	}
	for _, o := range old {
		if !a.chain.authentic(o.key, o.entry) {
			a.Log.Error("dropping an audit entry that the chain does not confirm, because of the age that it claims", zap.String(v1.LogKey, o.key))
		}
		if err := a.Table.Delete(ctx, o.key); err != nil {
			return fmt.Errorf("drop audit entry: %w", err)
		}
	}
	a.mu.Lock()
	defer a.mu.Unlock()
	a.entries = slices.DeleteFunc(a.entries, func(x kept) bool {
		return slices.ContainsFunc(old, func(o kept) bool { return o.key == x.key })
	})
	return nil
}

// List pages through the entries, newest first. Those of an erased installation
// stay. A cursor that is not of our making is an error, as the end of the audit
// it would look like; one whose entry was dropped since is the end.
func (a *Log) List(q v1.AuditQuery) (v1.Page[v1.AuditEntry], error) {
	page := v1.Page[v1.AuditEntry]{Items: []v1.AuditEntry{}}
	if _, err := ulid.ParseStrict(q.Cursor); err != nil && q.Cursor != "" {
		return page, v1.InvalidCursor()
	}
	a.mu.Lock()
	defer a.mu.Unlock()
	skipping := q.Cursor != ""
	for _, e := range slices.Backward(a.entries) {
		if skipping {
			skipping = e.key != q.Cursor
			continue
		}
		if q.Installation != "" && e.entry.Installation != q.Installation ||
			len(q.Only) > 0 && !slices.Contains(q.Only, e.entry.Installation) {
			continue
		}
		if len(page.Items) == q.Limit {
			return page, nil
		}
		item := e.entry.AuditEntry
		item.Unverified = !a.chain.authentic(e.key, e.entry)
		page.Items = append(page.Items, item)
		page.NextCursor = &e.key
	}
	page.NextCursor = nil
	return page, nil
}

// Verify reads the whole audit and says whether anything of it was removed, changed or put in.
func (a *Log) Verify(ctx context.Context) (v1.AuditVerification, error) {
	h, revision, err := a.chain.head(ctx, a.Table)
	if err != nil && !errors.Is(err, errForgedHead) {
		return v1.AuditVerification{}, err
	}
	forged := err != nil
	links := map[string]link{}
	var unreadable []string
	err = a.Table.Each(ctx, "", func(e kv.Entry) error {
		var l link
		switch {
		case e.Key == chainHead || e.Key == chainKey:
			return nil
		case !isEntry(e.Key) || json.Unmarshal(e.Value, &l) != nil:
			if len(unreadable) < maxFindings {
				unreadable = append(unreadable, e.Key)
			}
			return nil
		}
		links[e.Key] = l
		return nil
	})
	if err != nil {
		return v1.AuditVerification{}, fmt.Errorf("read audit: %w", err)
	}
	out := a.chain.verify(h, links)
	if revision == 0 {
		if known := a.known(); known.N > 0 {
			out.Findings = append(out.Findings, fmt.Sprintf("The head of the chain is missing, which went on to entry %d.", known.N))
		}
	}
	for _, key := range unreadable {
		out.Findings = append(out.Findings, "Entry "+key+" cannot be read.")
	}
	if forged {
		out.Findings = append(out.Findings, "The head of the chain was changed by somebody without the key.")
	}
	out.OK = len(out.Findings) == 0
	return out, nil
}
