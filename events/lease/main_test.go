package lease

import (
	"testing"

	"channelsync/test/harness"
)

func TestMain(m *testing.M) { harness.Main(m) }
