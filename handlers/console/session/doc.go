// Package session stores who is logged in to the console, in a table that all instances share,
// so that every instance can list and end a session. The table has hashes of what the cookies
// contain, in sealed rows: whoever reads it gets no cookie, and whoever writes to it creates
// no session. It knows neither routes nor roles, and serves no request. Packages handlers and
// handlers/console use it.
package session
