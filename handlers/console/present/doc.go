// Package present says in words, figures and bars what the admin API answers: how an
// installation is, why a record is or is not synced, what was sent, what somebody did.
// Everything in it is pure: it asks nothing, keeps nothing and takes the time as an
// argument. What it returns is text, never markup, but for TimeTag. Used by
// handlers/console and the packages below it.
package present
