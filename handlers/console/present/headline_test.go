package present

import (
	"testing"
	"time"

	v1 "channelsync/api/v1"
)

func TestHeadline(t *testing.T) {
	now := clockNow()
	soon := now.Add(5 * time.Minute)
	act := v1.Issue{Severity: v1.SeverityAct, Title: "Autotask refuses the credentials", Fix: "Enter new ones"}
	records := v1.Issue{Severity: v1.SeverityAct, Title: "The cost of contracts is unknown", Detail: "They are sent without one.", Records: 6}
	retrying := v1.Issue{Severity: v1.SeverityRetrying, Title: "Channel Program does not answer", NextAttemptAt: &soon}
	for name, tc := range map[string]struct {
		change func(*v1.Installation)
		want   Headline
	}{
		"calm": {func(*v1.Installation) {}, Headline{ToneGood, "In sync", "In sync. The last change took 1.2 s, 3 minutes ago."}},
		"nothing yet": {
			func(in *v1.Installation) { in.Freshness = v1.Freshness{} },
			Headline{ToneGood, "In sync", "In sync. Waiting for the first change: edit any customer in Autotask to see it here."},
		},
		"somebody must act": {
			func(in *v1.Installation) { in.Issues, in.State = []v1.Issue{retrying, act}, v1.StateNeedsCredentials },
			Headline{ToneBad, "Action required", "Autotask refuses the credentials. Enter new ones."},
		},
		"somebody must act, and for some records too": {
			func(in *v1.Installation) {
				in.Issues, in.State = []v1.Issue{records, act}, v1.StateNeedsCredentials
			},
			Headline{ToneBad, "Action required", "Autotask refuses the credentials. Enter new ones."},
		},
		"for some records": {
			func(in *v1.Installation) { in.Issues = []v1.Issue{records} },
			Headline{ToneWarn, "Needs attention", "In sync, but 6 records need you: the cost of contracts is unknown. They are sent without one."},
		},
		"for a record that a vendor does not take": {
			func(in *v1.Installation) {
				in.Issues = []v1.Issue{{Severity: v1.SeverityAct, Title: "Channel Program rejects records", Records: 1}}
			},
			Headline{ToneWarn, "Needs attention", "In sync, but 1 record needs you: Channel Program rejects records."},
		},
		"for records, for two reasons": {
			func(in *v1.Installation) { in.Issues = []v1.Issue{records, retrying, records} },
			Headline{ToneWarn, "Needs attention", "In sync, but 6 records need you: the cost of contracts is unknown. They are sent without one. 1 more issue needs you too."},
		},
		"retrying": {
			func(in *v1.Installation) { in.Issues, in.State, in.Backlog = []v1.Issue{retrying}, v1.StateDegraded, 9 },
			Headline{ToneWarn, "Retrying", "Channel Program does not answer. We are retrying, next try in 5 minutes. Nothing is lost."},
		},
		"catching up": {
			func(in *v1.Installation) { in.Backlog = 2000 },
			Headline{ToneBusy, "Catching up", "2,000 records on the way to Channel Program."},
		},
		"backfilling": {
			func(in *v1.Installation) {
				in.State, in.Backlog, in.Jobs = v1.StateBackfilling, 860, []v1.Job{{Type: "backfill", Done: 340, Total: 1200}}
			},
			Headline{ToneBusy, "First sync", "The first sync is under way: 340 of 1,200 records."},
		},
		"stopped": {
			func(in *v1.Installation) { in.State, in.Backlog = v1.StateStopped, 37 },
			Headline{ToneOff, "Stopped", "Nothing is pushed. Changes are kept, and Start delivers them; 37 wait."},
		},
		"stopped with one change": {
			func(in *v1.Installation) { in.State, in.Backlog = v1.StateStopped, 1 },
			Headline{ToneOff, "Stopped", "Nothing is pushed. Changes are kept, and Start delivers them; 1 waits."},
		},
		"uninstalled": {
			func(in *v1.Installation) { in.State, in.Issues = v1.StateUninstalled, []v1.Issue{act} },
			Headline{ToneOff, "Uninstalled", "Nothing syncs. The settings are kept for a reinstall, and the data in Channel Program stays."},
		},
	} {
		in := anInstallation()
		tc.change(&in)
		if got := HeadlineOf(&in, now); got != tc.want {
			t.Errorf("%s: got %+v\nwant %+v", name, got, tc.want)
		}
	}
}

func TestTimes(t *testing.T) {
	now := clockNow()
	for d, want := range map[time.Duration]string{
		0: "just now", 9 * time.Second: "just now", 30 * time.Second: "less than a minute ago", time.Minute: "1 minute ago",
		59*time.Minute + 59*time.Second: "59 minutes ago", time.Hour: "1 hour ago", 47 * time.Hour: "47 hours ago", 72 * time.Hour: "3 days ago",
		-time.Second: "in less than a minute", -90 * time.Second: "in 1 minute", -3 * time.Hour: "in 3 hours",
	} {
		if got := relative(now.Add(-d), now); got != want {
			t.Errorf("%s: got %q, want %q", d, got, want)
		}
	}
	for d, want := range map[time.Duration]string{
		0: "just now", 900 * time.Millisecond: "just now", time.Second: "1 s ago", 12 * time.Second: "12 s ago", 59*time.Second + 900*time.Millisecond: "59 s ago",
		time.Minute: "1 minute ago", 3 * time.Hour: "3 hours ago", -12 * time.Second: "in 12 s", -time.Minute: "in 1 minute",
	} {
		if got := elapsed(now.Add(-d), now); got != want {
			t.Errorf("%s counts on as %q, want %q", d, got, want)
		}
	}
	exact := `<time datetime="2026-11-23T15:04:05Z" data-exact>2026-11-23 15:04:05 UTC</time>`
	if got := ClockTag(now.In(time.FixedZone("X", 3600))); string(got) != exact {
		t.Errorf("got %s, want %s", got, exact)
	}
	if got := TimeTag((*time.Time)(nil), now); got != "never" {
		t.Errorf("nil: %q", got)
	}
	want := `<time datetime="2026-11-23T15:01:05Z" title="2026-11-23 15:01:05 UTC">3 minutes ago</time>`
	if got := TimeTag(now.Add(-3*time.Minute), now); string(got) != want {
		t.Errorf("got %s, want %s", got, want)
	}
}

func TestNumbers(t *testing.T) {
	for n, want := range map[any]string{0: "0", 7: "7", 999: "999", 1000: "1,000", 1234567: "1,234,567", -4321: "-4,321", "x": "x"} {
		if got := Num(n); got != want {
			t.Errorf("num(%v) = %q, want %q", n, got, want)
		}
	}
	for _, tc := range []struct {
		n          int
		noun, want string
	}{{1, "record", "1 record"}, {0, "record", "0 records"}, {2000, "company", "2,000 companies"}} {
		if got := Count(tc.n, tc.noun); got != tc.want {
			t.Errorf("count(%d, %s) = %q, want %q", tc.n, tc.noun, got, tc.want)
		}
	}
	half := 0.5
	for _, tc := range []struct {
		v    any
		want string
	}{{0.0, "0 ms"}, {0.0424, "42 ms"}, {&half, "500 ms"}, {0.9951, "1.0 s"}, {1.24, "1.2 s"}, {90.0, "2 min"}, {5400.0, "1.5 h"}, {(*float64)(nil), "–"}, {"x", "–"}} {
		if got := Secs(tc.v); got != tc.want {
			t.Errorf("secs(%v) = %q, want %q", tc.v, got, tc.want)
		}
	}
	for _, tc := range [][3]int{{0, 0, 0}, {1, 3, 33}, {5, 4, 100}} {
		if got := Percent(tc[0], tc[1]); got != tc[2] {
			t.Errorf("percent(%d, %d) = %d, want %d", tc[0], tc[1], got, tc[2])
		}
	}
}

func TestChart(t *testing.T) {
	if c := ChartOf(nil); len(c.Bars) != 0 {
		t.Errorf("nothing: %+v", c)
	}
	c := ChartOf([]v1.HistoryHour{{From: clockNow(), Changes: 800, Pushed: 400}, {From: clockNow()}, {From: clockNow(), Changes: 1, Failed: 2}})
	if c.Changes != 801 || c.Pushes != 400 || c.Failed != 2 || len(c.Bars) != 3 || c.Width != 3*barSlot {
		t.Fatalf("got %+v", c)
	}
	if b := c.Bars[0]; b.ChangesHeight != chartHeight || b.PushesHeight != chartHeight/2 || b.ChangesY != 0 {
		t.Errorf("the highest bar is %+v", b)
	}
	if b := c.Bars[1]; b.ChangesHeight != 0 {
		t.Errorf("an hour without anything is %+v", b)
	}
	if b := c.Bars[2]; b.ChangesHeight < 1 {
		t.Errorf("an hour with one change is not seen: %+v", b)
	}
}
