// Package race makes a test of much data smaller under the race detector, which takes ten
// times as long for it and finds nothing that a tenth does not show.
package race
