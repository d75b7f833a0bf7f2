// Package audit keeps who did what, and when: for 180 days, in a table and in memory,
// shared by all instances (Follow), as a chain in which a gap shows (Verify), and in
// which what somebody else wrote is marked (List). Refusals that repeat are counted, each
// caller's for himself (Noise), so that nobody's noise fills it. It holds no secrets and no
// client data, and decides nothing. sync/control writes it and shows it.
package audit
