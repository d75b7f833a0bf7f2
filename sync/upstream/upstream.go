// Package upstream says which system is to blame for an error, Autotask, Channel Program or
// the own store, and when to call it again: the class of a failure, a circuit breaker per
// installation, and how long an answer is waited for.
//
// It makes no call itself. sync/reconcile and sync/control go by it; a failure of a record
// itself never comes here.
package upstream

import (
	"errors"
	"time"

	"channelsync/api/autotask"
	"channelsync/api/channelprogram"
	"channelsync/internal/panics"
)

// CodeInternal is the cause of what failed for a fault of channelsync's own.
const CodeInternal = "internal"

// Name names an upstream: a system that an installation depends on.
type Name string

// The upstreams.
const (
	Autotask Name = "autotask"
	Target   Name = "channel_program"
	Own      Name = "own"  // the own event store
	Bulk     Name = "bulk" // the share of Autotask's hourly limit that bulk work may use
)

// Failure is a failure of an upstream, made from any error of a batch.
type Failure struct {
	Upstream    Name
	Code        string    // bounded; an issue's code
	At          time.Time // when to try again; zero = back off
	NeedsPerson bool      // a person must act: the credentials, a right or the subscription
	Err         error
}

// FailureOf says whose failure an error of Batch is and what to do about it.
func FailureOf(err error, now time.Time) Failure {
	if panics.Of(err) != nil {
		return Failure{Upstream: Own, Code: CodeInternal, Err: err}
	}
	if e, ok := errors.AsType[*autotask.Error](err); ok {
		failure := Failure{Upstream: Autotask, Code: "autotask_unavailable", Err: err}
		switch e.Kind {
		case autotask.KindRefused:
			failure.Code, failure.NeedsPerson = "credentials_refused", true
		case autotask.KindPermission:
			failure.Code, failure.NeedsPerson, failure.At = "permission_missing", true, now.Add(5*time.Minute)
		case autotask.KindThrottled, autotask.KindBudget:
			failure.Code = "throttled"
			if e.RetryAfter > 0 {
				failure.At = now.Add(e.RetryAfter)
			}
		case autotask.KindInvalid:
			failure.Code, failure.At = "autotask_query_refused", now.Add(time.Minute)
		default:
		}
		return failure
	}
	if e, ok := errors.AsType[*channelprogram.Error](err); ok {
		failure := Failure{Upstream: Target, Code: "channel_program_unavailable", Err: err}
		switch {
		case e.Kind == channelprogram.KindPause:
			failure.Code, failure.NeedsPerson = pauseCode(e), true
		case e.Kind == channelprogram.KindThrottled:
			failure.Code = "channel_program_throttled"
			if e.RetryAfter > 0 {
				failure.At = now.Add(e.RetryAfter)
			}
		case e.RetryAfter > 0:
			failure.At = now.Add(e.RetryAfter)
		}
		return failure
	}
	return Failure{Upstream: Own, Code: "store_unavailable", Err: err}
}

func pauseCode(e *channelprogram.Error) string {
	if e.Status == 402 {
		return "channel_program_subscription"
	}
	return "channel_program_refused"
}
