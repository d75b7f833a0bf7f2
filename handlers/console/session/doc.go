// Package session keeps who is logged in to the console: in a table that all instances
// share, so that a session can be listed, and ended on every one of them. The table holds
// hashes of what the cookies hold, in sealed rows: whoever reads it has no cookie, and
// whoever writes to it makes no session. It knows neither routes nor roles, and serves no
// request. Used by handlers and handlers/console.
package session
