// Package jetstream wraps JetStream for channelsync. A connection (Link) gives each call a
// deadline, a name and a measured duration. Its streams are configured, written in atomic
// batches, read directly in pages, and purged up to a sequence. It classifies errors (full,
// in conflict, refused, not available yet) and refuses servers that are too old.
//
// It knows none of channelsync's streams, and not the contents of messages. Only the packages
// below events use it.
//
// Sources: nats-server ADR-31 (direct get), ADR-50 (atomic batches), server/errors.json.
package jetstream
