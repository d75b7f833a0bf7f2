// Package audit keeps who did what, and when: the newest 5,000 entries, in a table and in
// memory, shared by all instances (Follow). It holds no secrets and no client data, and
// decides nothing. sync/control writes it and shows it.
package audit
