// Package projection turns Autotask rows into what Channel Program should hold.
//
// It is pure: the same rows give the same projection and the same fingerprint,
// in whatever order they came, today and on a replay next month (the day is an
// argument). It has no clock, no logger and no context, fetches nothing, pushes
// nothing, and does not decide whether a record syncs: that is sync/condition's.
//
// A projection carries, beside the payload, where each value came from, so that
// "why does it say that?" has an answer, and it never invents: absent text is
// absent, and a cost that is not known is null and never 0. The rules are the
// user's own (interfaces, §5). It is called by sync/reconcile.
package projection
