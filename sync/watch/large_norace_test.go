//go:build !race

package watch

const largeShare = 1
