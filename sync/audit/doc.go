// Package audit records who did what, and when, for 180 days. All instances share it, in a
// table and in memory (Follow). Its entries form a chain that reveals gaps (Verify), and the
// list marks foreign entries (List). Repeated refusals are counted per caller (Noise), so no
// caller can flood it. It holds no secrets and no client data, and decides nothing.
// sync/control writes and shows it.
package audit
