// Package archive reads and writes the file of a backup: a plain tar with the pieces of
// each part in order, and at its end the manifest of what must be there. The file is
// written in one pass without a temporary file, and read twice: once to check all of it,
// and once to use it.
//
// It knows neither streams nor keys: a part is a name with bytes. Package events/backup
// writes an archive, cmd reads one. It never opens a file by itself.
package archive
