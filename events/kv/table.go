package kv

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"

	js "channelsync/events/internal/jetstream"
)

// Config describes a table. The first to open it creates it so; later ones
// bring it in line.
type Config struct {
	Name    string        // letters, digits, "-" and "_"
	History int           // revisions kept of each key, 1 to 64; 0 means 1
	TTL     time.Duration // age at which an entry goes; 0 keeps it
	Memory  bool          // not on disk: gone with a restart of the server, for leases
	// Secure overwrites on disk what a Put replaces, so that an erased key leaves
	// nothing behind. It costs a rewrite for each replacement; History does not apply.
	// A server that encrypts its store (an external one may) erases logically only.
	Secure bool
	// Authenticator, when set, has every write authenticated, and what it does not verify
	// passed over. The table's stream takes no roll-ups then: what is there can be replaced,
	// and not be taken away by a message.
	Authenticator *Authenticator
}

// Table is a key-value bucket: what the nats tools call a KV bucket of that name.
// Keys are dotted names of letters, digits and "-/_=". With more than one replica
// a Get may be some milliseconds stale; whoever must not build on stale state
// writes with Create or Update.
type Table struct {
	*js.Stream
	cfg    Config
	Prefix string // of subjects that are read
	put    string // of subjects that are written; another one in a JetStream domain
}

// Entry is one revision of a key.
type Entry struct {
	Key      string
	Value    []byte
	Revision uint64 // grows with every write to the table
	At       time.Time
}

const (
	secureHistory = 64 // more than ever stand between a write and the overwriting of what it replaced
	// markerTTL is how long a delete marker stays for watchers to see.
	markerTTL  = 24 * time.Hour
	kvHeader   = "KV-Operation"
	kvPurge    = "PURGE"
	kvDelete   = "DEL"
	rollupSubj = "sub"
	// probeKey is never written, only deleted, to find out whether a table takes writes. Most tables
	// are written so seldom that readiness would otherwise learn of a failure minutes late.
	probeKey = "probe"
)

// Open opens a table, creating it when it does not exist.
func Open(ctx context.Context, l *js.Link, cfg Config) (*Table, error) {
	cfg, want, err := cfg.stream()
	if err != nil {
		return nil, err
	}
	want.Replicas = l.Replicas
	handle, err := l.EnsureStream(ctx, want)
	if err != nil {
		return nil, err
	}
	t := &Table{cfg: cfg, Prefix: prefixOf(cfg.Name), put: putPrefix(l, cfg.Name)}
	t.Stream = l.Use(handle, func() *nats.Msg { return t.deletion(probeKey) })
	if !l.Inside {
		if err := l.WaitReady(ctx, "open "+cfg.Name, t.answers); err != nil {
			return nil, err
		}
	}
	if err := t.renew(ctx); err != nil {
		return nil, fmt.Errorf("authenticate what is in %s: %w", cfg.Name, err)
	}
	return t, nil
}

// StreamConfig is the stream that a table is, but for its replicas.
func StreamConfig(cfg Config) (jetstream.StreamConfig, error) {
	_, want, err := cfg.stream()
	return want, err
}

// stream is the config with its defaults, and the stream that it stands for.
func (cfg Config) stream() (Config, jetstream.StreamConfig, error) {
	if cfg.History == 0 {
		cfg.History = 1
	}
	if err := checkTableName(cfg.Name); err != nil {
		return cfg, jetstream.StreamConfig{}, err
	}
	if cfg.History < 1 || cfg.History > 64 {
		return cfg, jetstream.StreamConfig{}, fmt.Errorf("open table %s: history %d; want 1 to 64", cfg.Name, cfg.History)
	}
	if cfg.Secure {
		cfg.History = secureHistory
	}
	want := jetstream.StreamConfig{
		Name: "KV_" + cfg.Name, Subjects: []string{"$KV." + cfg.Name + ".>"}, Description: "channelsync: " + cfg.Name,
		Retention: jetstream.LimitsPolicy, Discard: jetstream.DiscardNew, MaxBytes: -1,
		MaxMsgsPerSubject: int64(cfg.History), MaxAge: cfg.TTL,
		AllowRollup: cfg.rollsUp(), AllowDirect: true, AllowAtomicPublish: true, AllowMsgTTL: true,
	}
	if cfg.Memory {
		want.Storage = jetstream.MemoryStorage
	}
	if cfg.TTL > 0 {
		want.Duplicates = min(cfg.TTL, 2*time.Minute) // the server refuses more than the age
	}
	return cfg, want, nil
}

// answers says whether the table can be read and written. One that another instance has made this moment, or whose
// servers are electing, exists before it can.
func (t *Table) answers(ctx context.Context) error {
	info, err := t.Handle.Info(ctx)
	if errors.Is(err, jetstream.ErrStreamNotFound) { // it was there: the server that answered does not know it yet
		return fmt.Errorf("%w: %w", err, js.ErrNoAnswer)
	}
	if err != nil {
		return err
	}
	if info.Cluster != nil && info.Cluster.Leader == "" {
		return fmt.Errorf("stream %s has no leader: %w", t.Name, js.ErrNoAnswer)
	}
	if _, err := t.LastMsg(ctx, t.Prefix+probeKey); !errors.Is(err, js.ErrNotFound) {
		return err
	}
	return nil
}

// Get returns the present revision of a key, or ErrNotFound.
func (t *Table) Get(ctx context.Context, key string) (Entry, error) {
	return t.get(ctx, "get "+t.cfg.Name, key, t.LastMsg)
}

// GetFromLeader is Get past the replicas, which may lag behind.
func (t *Table) GetFromLeader(ctx context.Context, key string) (Entry, error) {
	return t.get(ctx, "get "+t.cfg.Name+" from the leader", key, t.LeaderMsg)
}

func (t *Table) get(ctx context.Context, operation, key string, last func(ctx context.Context, subject string) (*jetstream.RawStreamMsg, error)) (e Entry, err error) {
	if err := checkKey(key); err != nil {
		return Entry{}, err
	}
	err = t.Call(ctx, operation, func(ctx context.Context) error {
		msg, err := last(ctx, t.Prefix+key)
		if err == nil {
			msg, err = t.standing(ctx, msg)
		}
		if err != nil {
			return err
		}
		e = t.entry(msg)
		return nil
	})
	return e, err
}

// Put writes a key, whatever it holds, and returns the new revision.
func (t *Table) Put(ctx context.Context, key string, value []byte) (uint64, error) {
	return t.write(ctx, "put ", key, value)
}

// Create writes a key that holds nothing, or returns ErrConflict.
func (t *Table) Create(ctx context.Context, key string, value []byte) (uint64, error) {
	rev, err := t.write(ctx, "create ", key, value, jetstream.WithExpectLastSequencePerSubject(0))
	if !errors.Is(err, js.ErrConflict) {
		return rev, err
	}
	last, failed := t.LeaderMsg(ctx, t.Prefix+key)
	if failed != nil {
		return 0, err
	}
	if _, failed := t.standing(ctx, last); !errors.Is(failed, js.ErrNotFound) {
		return 0, err
	}
	return t.Update(ctx, key, value, last.Sequence) // only a delete marker is there, or a message that is not authentic
}

// GetOrCreate is Get of a key that gets a value if it has none. Of several instances that come at once one writes it, and all
// get what it wrote: whoever was not first asks the leader, since a replica may not have it yet.
func (t *Table) GetOrCreate(ctx context.Context, key string, value func() []byte) (Entry, error) {
	e, err := t.Get(ctx, key)
	if !errors.Is(err, js.ErrNotFound) {
		return e, err
	}
	made := Entry{Key: key, Value: value(), At: time.Now()}
	made.Revision, err = t.Create(ctx, key, made.Value)
	if errors.Is(err, js.ErrConflict) {
		return t.GetFromLeader(ctx, key)
	}
	return made, err
}

// Update writes a key that is at the given revision, or returns ErrConflict.
func (t *Table) Update(ctx context.Context, key string, value []byte, revision uint64) (uint64, error) {
	return t.write(ctx, "update ", key, value, jetstream.WithExpectLastSequencePerSubject(revision))
}

// message is what writes a value, whatever is there.
func (t *Table) message(key string, value []byte) (*nats.Msg, error) {
	if err := checkKey(key); err != nil {
		return nil, err
	}
	msg := nats.NewMsg(t.put + key)
	msg.Data = value
	return t.sign(msg, key), nil
}

func (t *Table) write(
	ctx context.Context, operation, key string, value []byte, opts ...jetstream.PublishOpt,
) (revision uint64, err error) {
	msg, err := t.message(key, value)
	if err != nil {
		return 0, err
	}
	err = t.Call(ctx, operation+t.cfg.Name, func(ctx context.Context) error {
		ack, err := t.PublishMsg(ctx, msg, opts...)
		if js.IsConflict(err) {
			return js.ErrConflict
		}
		if large, ok := errors.AsType[*js.TooLargeError](err); ok {
			return &js.TooLargeError{Key: key, Size: large.Size, Max: large.Max}
		}
		if err != nil {
			return err
		}
		revision = ack.Sequence
		return t.wipeReplaced(ctx, key, revision)
	})
	return revision, err
}

// Delete removes a key. Watchers see it; a key that is not there is fine. What
// must be unreadable on disk afterwards is a matter for Erase, or a Secure table.
func (t *Table) Delete(ctx context.Context, key string) error {
	if err := checkKey(key); err != nil {
		return err
	}
	return t.Call(ctx, "delete "+t.cfg.Name, func(ctx context.Context) error {
		if t.cfg.Secure {
			if err := t.overwrite(ctx, t.Prefix+key, 0); err != nil {
				return err
			}
		}
		_, err := t.PublishMsg(ctx, t.deletion(key))
		return err
	})
}

// rollsUp says whether deletions need roll-ups: of a table that keeps more than the last of a key. A stream that takes
// them can be emptied by one message, so that no other takes them, and none that is authenticated.
func (cfg Config) rollsUp() bool { return cfg.Authenticator == nil && cfg.History > 1 }

// deletion takes the place of what the key held and goes by itself after markerTTL. A roll-up
// also takes what a table keeps of it from before; of a secure one that is overwritten first.
func (t *Table) deletion(key string) *nats.Msg {
	msg := nats.NewMsg(t.put + key)
	msg.Header.Set(kvHeader, kvPurge)
	if t.cfg.rollsUp() {
		msg.Header.Set(jetstream.MsgRollup, rollupSubj)
	}
	if t.cfg.TTL == 0 {
		msg.Header.Set(jetstream.MsgTTLHeader, markerTTL.String())
	}
	return t.sign(msg, key)
}

func (t *Table) entry(msg *jetstream.RawStreamMsg) Entry {
	return Entry{Key: msg.Subject[len(t.Prefix):], Value: msg.Data, Revision: msg.Sequence, At: msg.Time}
}

// IsDeletion also recognises the marker that the server leaves when an entry's age ends.
func IsDeletion(h nats.Header) bool {
	op := h.Get(kvHeader)
	return op == kvPurge || op == kvDelete || h.Get(jetstream.MarkerReasonHeader) != ""
}

func checkTableName(name string) error {
	for i := range len(name) {
		if c := name[i]; !js.IsAlphanumeric(c) && c != '-' && c != '_' {
			return fmt.Errorf("table %q: %w", name, js.ErrBadName)
		}
	}
	if name == "" {
		return fmt.Errorf("table %q: %w", name, js.ErrBadName)
	}
	return nil
}

// keyMax is the longest key, in bytes.
const keyMax = 200

func checkKey(key string) error {
	if key == "" || len(key) > keyMax || key[0] == '.' || key[len(key)-1] == '.' || strings.Contains(key, "..") {
		return fmt.Errorf("key %q: %w", key, js.ErrBadName)
	}
	for i := range len(key) {
		if c := key[i]; !js.IsAlphanumeric(c) && !strings.ContainsRune("-/_=.", rune(c)) {
			return fmt.Errorf("key %q: %w", key, js.ErrBadName)
		}
	}
	return nil
}

// New says, by the server's clock alone, that the table has not existed for longer than a start takes.
func (t *Table) New() bool {
	info := t.Handle.CachedInfo()
	return info.State.LastSeq == 0 && !info.TimeStamp.IsZero() && info.TimeStamp.Sub(info.Created) < js.OpTimeout
}
