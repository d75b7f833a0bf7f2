// Package projection turns Autotask rows into what Channel Program should hold.
//
// It is pure: the same rows give the same projection and the same fingerprint, in whatever
// order they came, today and on a replay next month (the day is an argument). It has no clock,
// no logger and no context, fetches nothing and pushes nothing. It does not decide whether a
// record syncs: sync/condition does.
//
// Beside the payload, a projection says where each value came from, so that "why does it say
// that?" has an answer. It never invents a value: absent text stays absent, and an unknown
// cost is null, never 0. The rules are the user's own (interfaces, §5). sync/reconcile calls
// it.
package projection
