// Package alerts checks the alert rules of docs/operating with Prometheus' own promtool,
// and runs their tests. cmd/channelsync/app checks that their metrics exist. Nothing
// imports this package.
package alerts
