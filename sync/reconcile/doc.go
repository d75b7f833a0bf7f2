// Package reconcile brings the records of one installation in line: it fetches
// them fresh from Autotask in bulk, decides by the conditions, projects, compares
// with what the target holds, pushes the difference and records what was sent. It is
// the only package that pushes, whatever found the change: callback, poll, backfill, sweep,
// replay or an operator.
//
// Work on a record has one of three results: done, retry (when), never. Failures of an upstream
// (network, throttling, refused credentials) belong to the installation: they open a
// breaker, cost no record an attempt and leave its entry due. Only failures of the
// record itself are counted. sync/control owns one Worker per installation.
package reconcile
