//go:build linux

package fault

import (
	"flag"
	"os"
	"testing"
	"time"

	"channelsync/test/harness"
)

// soon is how long anything may take that is not measured; generous, since faults share their machine.
const soon = 60 * time.Second

func TestMain(m *testing.M) {
	if dir := os.Getenv(brokerEnv); dir != "" {
		runBroker(dir) // the process that the broker's faults stop and kill
		return
	}
	flag.String("report", "", "also write the table of the faults to this `file`")
	harness.Parallel(form(10, 5)) // most of what a fault does is waiting
	harness.Main(m)
}

// full says whether the long form was asked for.
func full() bool { return os.Getenv("CHANNELSYNC_FAULT") == "full" }

// form picks a value by the form that runs.
func form[T any](short, long T) T {
	if full() {
		return long
	}
	return short
}
