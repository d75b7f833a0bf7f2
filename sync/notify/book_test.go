package notify

import (
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	v1 "channelsync/api/v1"
	"channelsync/test/harness"
)

var noon = time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)

func one(state v1.State, issues ...v1.Issue) []v1.InstallationStatus {
	return []v1.InstallationStatus{{ID: "in1", Name: "Example MSP", State: state, Issues: issues}}
}

func act(code string, first time.Time) v1.Issue {
	return v1.Issue{Code: code, Severity: v1.SeverityAct, Title: "T", Detail: "D", Fix: "F", Records: 2, FirstAt: first}
}

func retrying(code string) v1.Issue {
	i := act(code, noon)
	i.Severity = v1.SeverityRetrying
	return i
}

// step is a poll, seconds after noon, and what is notified at it.
type step struct {
	at   int
	see  []v1.InstallationStatus
	want []string
}

func TestWhatIsTold(t *testing.T) {
	const code = "credentials_refused"
	open, none := one(v1.StateNeedsCredentials, act(code, noon)), one(v1.StateLive)
	opened, recovered := []string{TypeOpened}, []string{TypeRecovered}
	again := func(sec int) []v1.InstallationStatus {
		return one(v1.StateLive, act(code, noon.Add(time.Duration(sec)*time.Second)))
	}
	for name, tc := range map[string]struct {
		known bool // notified before a restart
		steps []step
	}{
		"once while it lasts, and its recovery": {steps: []step{
			{0, open, nil},
			{10, open, nil},
			{20, open, nil},
			{30, open, opened},
			{40, open, nil},
			{4000, open, nil},
			{4010, none, nil},
			{4030, none, nil},
			{4040, none, recovered},
			{4050, none, nil},
		}},
		"again when it comes again": {steps: []step{
			{0, open, nil},
			{30, open, opened},
			{40, none, nil},
			{70, none, recovered},
			{80, again(80), nil},
			{110, again(80), opened},
		}},
		"not when it is retried by itself": {steps: []step{{0, one(v1.StateDegraded, retrying("throttled")), nil}, {40, one(v1.StateDegraded, retrying("throttled")), nil}}},
		"not when it flaps": {steps: []step{
			{0, open, nil},
			{10, none, nil},
			{20, open, nil},
			{30, none, nil},
			{40, open, nil},
			{60, open, nil},
			{70, none, nil},
		}},
		"not when it flaps between two looks": {steps: []step{
			{0, again(-1), nil},
			{10, again(9), nil},
			{20, again(19), nil},
			{30, again(29), nil},
			{40, again(39), nil},
			{68, again(39), nil},
			{69, again(39), opened},
		}},
		"a notified one may be away for a moment": {steps: []step{{0, open, nil}, {30, open, opened}, {40, none, nil}, {60, open, nil}, {80, none, nil}, {100, open, nil}}},
		"recovered when nobody has to act any more": {steps: []step{
			{0, open, nil},
			{30, open, opened},
			{40, one(v1.StateDegraded, retrying(code)), nil},
			{70, one(v1.StateDegraded, retrying(code)), recovered},
		}},
		"nothing of a stopped one": {steps: []step{
			{0, open, nil},
			{30, open, opened},
			{40, one(v1.StateStopped), nil},
			{4000, one(v1.StateStopped), nil},
			{4010, one(v1.StateInstalling), nil},
			{4020, none, nil},
			{4060, none, nil},
			{4610, none, nil},
			{4620, none, recovered},
		}},
		"nothing new of a stopped one": {steps: []step{{0, one(v1.StateStopped, act("rejected", noon)), nil}, {90, one(v1.StateStopped, act("rejected", noon)), nil}}},
		"uninstalled":                  {steps: []step{{0, open, nil}, {30, open, opened}, {40, one(v1.StateUninstalled, act(code, noon)), recovered}}},
		"erased":                       {steps: []step{{0, open, nil}, {30, open, opened}, {40, nil, recovered}, {50, nil, nil}}},
		"not twice after a restart":    {known: true, steps: []step{{0, one(v1.StateInstalling), nil}, {10, none, nil}, {60, open, nil}, {90, open, nil}, {100, none, nil}, {130, none, recovered}}},
		"recovered while it was down":  {known: true, steps: []step{{0, none, nil}, {590, none, nil}, {600, none, recovered}, {610, none, nil}}},
	} {
		t.Run(name, func(t *testing.T) {
			b := newBook(30*time.Second, 10*time.Minute)
			if tc.known {
				k := key{"in1", code}
				b.entries[k] = &entry{key: k, saved: true, note: note{Event: "e", Type: TypeOpened, Delivered: true, Issue: Issue{Code: code}}}
			}
			for _, s := range tc.steps {
				now := noon.Add(time.Duration(s.at) * time.Second)
				b.observe(now, s.see)
				for _, e := range b.entries {
					e.saved = true
				}
				var got []string
				for _, e := range b.due(now) {
					got = append(got, e.Type)
					e.Delivered = true
					if e.Type == TypeRecovered {
						delete(b.entries, e.key)
					}
				}
				if diff := cmp.Diff(s.want, got); diff != "" {
					t.Errorf("after %d s: %s", s.at, diff)
				}
			}
		})
	}
}

func TestRecoveryGoesBeforeTheNextOpening(t *testing.T) {
	b := newBook(30*time.Second, 0)
	at := func(sec int) time.Time { return noon.Add(time.Duration(sec) * time.Second) }
	open := one(v1.StateLive, act("rejected", noon))
	b.observe(at(0), open)
	b.observe(at(30), open)
	b.observe(at(40), one(v1.StateLive))
	b.observe(at(70), one(v1.StateLive))
	b.observe(at(80), open)
	b.observe(at(200), open)
	e := b.entries[key{"in1", "rejected"}]
	e.saved = true
	due := b.due(at(200))
	if len(due) != 1 || due[0].Type != TypeRecovered {
		t.Fatalf("due %+v, want the recovery of what was perhaps received, alone", due)
	}
	ev := due[0].event()
	want := Event{
		ID: ev.ID, Type: TypeRecovered, At: at(70), Installation: Installation{"in1", "Example MSP"},
		Issue: Issue{Code: "rejected", Severity: "act", Title: "T", Detail: recoveredDetail, Fix: "F", Records: 2, FirstAt: noon},
	}
	if diff := cmp.Diff(want, ev); diff != "" {
		t.Error(diff)
	}
}

func TestAnUnconfirmedOpeningWaitsUntilItIsSeenAgain(t *testing.T) {
	b := newBook(30*time.Second, time.Minute)
	k := key{"in1", "rejected"}
	b.entries[k] = &entry{key: k, saved: true, note: note{Event: "e", Type: TypeOpened, Issue: Issue{Code: "rejected"}}}
	b.observe(noon, one(v1.StateLive))
	if due := b.due(noon); len(due) != 0 {
		t.Errorf("due %+v before it was seen", due)
	}
	b.observe(noon, one(v1.StateLive, act("rejected", noon)))
	if due := b.due(noon); len(due) != 1 || due[0].event().ID != "e" || due[0].event().Issue.Detail != "D" {
		t.Errorf("due %+v, want the same event with its detail", due)
	}
}

func TestBackoff(t *testing.T) {
	harness.Table(t, backoff, map[int]time.Duration{
		0: 10 * time.Second, 1: 20 * time.Second, 8: 2560 * time.Second, 9: time.Hour, 1000: time.Hour,
	})
}

func FuzzParseKey(f *testing.F) {
	for _, s := range []string{"a.b", "", ".", "a.", ".b", "a.b.c"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		if k, ok := parseKey(s); ok && (k.String() != s || k.installation == "" || k.code == "") {
			t.Errorf("%q became %+v", s, k)
		}
	})
}
