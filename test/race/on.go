//go:build race

package race

// Share is what a test of volume divides its numbers by.
const Share = 10
