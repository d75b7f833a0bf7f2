// Package control owns the life of installations: it sets them up, runs a
// reconcile worker and the watchers of each, and answers what the admin API and
// the callback handler ask. It decides no sync rule and pushes nothing; the
// packages below it do. Of several instances on one NATS each runs what its leases
// give it (cluster.go). cmd/channelsync/app makes the one Manager of a process.
package control
