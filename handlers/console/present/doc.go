// Package present puts the answers of the admin API into words, figures and bars: the state of
// an installation, why a record is or is not synced, what was sent, who did what. It is pure:
// it requests nothing, keeps nothing and takes the time as an argument. It returns text, never
// markup, except from TimeTag. Package handlers/console and the packages below it use it.
package present
