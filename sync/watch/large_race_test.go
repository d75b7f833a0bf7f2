//go:build race

package watch

// largeShare makes the tenant a tenth: the race detector takes minutes for the whole one,
// which .ci/run therefore compares without it.
const largeShare = 10
