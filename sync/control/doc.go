// Package control manages installations: it creates them, runs the reconcile worker and
// the watchers of each, and answers the admin API and the callback handler. It decides
// no sync rule and pushes nothing; the packages below it do. Each of several instances
// on one NATS runs the installations of its leases (cluster.go). cmd/channelsync/app
// creates the one Manager of a process.
package control
