// Package container runs channelsync against a NATS server in a container: the
// server that users run in production, with the configuration file that we ship.
// Every other test uses the server inside the process.
//
// It needs a Docker engine and no image registry. Without an engine the tests
// are skipped; with CI=true that is a failure.
package container
