package store

import (
	"strings"

	"github.com/nats-io/nats.go/jetstream"
)

// The streams of a store; beside them every table is one.
const (
	JournalStream     = "CHANGES"
	WorklistStream    = "WORKLIST"
	DeadLettersStream = "DEADLETTERS"
)

// IsOurs distinguishes our streams from others of the same account: each that we make says so.
func IsOurs(cfg jetstream.StreamConfig) bool {
	switch cfg.Name {
	case JournalStream, WorklistStream, DeadLettersStream:
		return true
	}
	return strings.HasPrefix(cfg.Name, "KV_") && strings.HasPrefix(cfg.Description, "channelsync: ")
}
