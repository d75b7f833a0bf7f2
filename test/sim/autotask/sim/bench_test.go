package sim_test

import (
	"testing"

	"channelsync/test/sim/autotask/sim"
)

func BenchmarkSeed(b *testing.B) {
	for b.Loop() {
		s := sim.New(sim.Config{Seed: 1})
		s.Seed(sim.SeedSpec{Companies: 5000})
		s.Close()
	}
}
