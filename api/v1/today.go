package v1

import (
	"time"
	_ "time/tzdata" // images and Windows have no time zones of their own
)

// Today is the calendar day at an instant where the tenant is (option timeZone, else
// UTC), as midnight UTC of that day: the form in which Autotask tells its days. A zone
// that is not known any more counts as UTC.
func (o Options) Today(now time.Time) time.Time {
	y, m, d := now.In(o.Zone()).Date()
	return time.Date(y, m, d, 0, 0, 0, 0, time.UTC)
}

// Zone is the time zone of the tenant. One that is not known any more counts as UTC.
func (o Options) Zone() *time.Location {
	zone, err := time.LoadLocation(o.TimeZone)
	if err != nil {
		return time.UTC
	}
	return zone
}
