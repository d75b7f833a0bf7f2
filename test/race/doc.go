// Package race makes tests of volume smaller under the race detector, which takes ten
// times as long for them and finds nothing that a tenth does not show. `make volume` runs
// them whole, without it; CI runs both.
package race
