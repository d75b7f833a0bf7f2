// Package property holds the whole product against the rules worked out a second
// time: whatever happens at Autotask, in whatever order, however its callbacks
// are lost, doubled and mixed up, and however often the service is restarted,
// Channel Program ends up holding exactly what the rules say.
//
// More of it: make properties, or -rapid.checks=200. A failure prints its seed, with
// which -rapid.shrinktime=10m looks for a shorter history that fails as well.
package property

import (
	"flag"
	"strconv"
	"testing"

	"channelsync/test/harness"
)

// checksOfALane is how many histories each lane plays unless a flag says otherwise.
const checksOfALane = "2"

// TestMain makes the default a number that continuous integration has time for.
func TestMain(m *testing.M) {
	set := map[string]string{"rapid.checks": checksOfALane, "rapid.shrinktime": "1s", "rapid.nofailfile": "true"}
	flag.Parse()
	flag.Visit(func(f *flag.Flag) { delete(set, f.Name) })
	for name, value := range set {
		if err := flag.Set(name, value); err != nil {
			panic(err)
		}
	}
	if err := flag.Set("test.parallel", strconv.Itoa(lanes)); err != nil {
		panic(err)
	}
	harness.Main(m)
}
