// Package jetstream is how channelsync speaks JetStream: one connection (Link) with a
// deadline, a name and a time for each call, and streams on it that are brought in line,
// written in atomic batches, read directly in pages and purged up to a sequence. It tells
// errors apart (full, in conflict, refused, not available yet) and refuses servers that
// are too old.
//
// It knows no stream of ours and nothing of what messages hold. The packages below events
// use it, and nobody else.
//
// Sources: nats-server ADR-31 (direct get), ADR-50 (atomic batches), server/errors.json.
package jetstream
