// Package alerts has Prometheus' own promtool check the alert rules that
// docs/operating gives to operators, and run their tests. That the metrics they
// ask for exist is checked in cmd/channelsync/app, which makes them. Nothing
// imports it.
package alerts
