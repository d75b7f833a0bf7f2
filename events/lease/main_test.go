package lease

import (
	"testing"

	"channelsync/test/harness"
)

func TestMain(m *testing.M) {
	harness.Parallel(8) // most of what a test does is waiting
	harness.Main(m)
}
