// Package container runs channelsync against a NATS server in a container: the
// one that users run in production, with the configuration file we ship,
// instead of the one in the process that every other test uses.
//
// It needs a Docker engine and no image registry. Without an engine the tests
// are skipped; with CI=true that is a failure.
package container
