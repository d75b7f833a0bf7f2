package fault_test

import (
	"encoding/json"
	"testing"
	"time"

	"channelsync/test/sim/autotask/fault"
)

func add(t *testing.T, s *fault.Set, f fault.Fault) int64 {
	t.Helper()
	id, err := s.Add(f)
	if err != nil {
		t.Fatal(err)
	}
	return id
}

func TestTakeMatches(t *testing.T) {
	for name, c := range map[string]struct {
		fault        fault.Fault
		entity, verb string
		want         bool
	}{
		"every entity":  {fault.Fault{Kind: fault.Status}, "Companies", "get", true},
		"entity":        {fault.Fault{Kind: fault.Status, Entity: "companies"}, "Companies", "get", true},
		"other entity":  {fault.Fault{Kind: fault.Status, Entity: "Contacts"}, "Companies", "get", false},
		"verb":          {fault.Fault{Kind: fault.Status, Verb: "GET"}, "Companies", "get", true},
		"other verb":    {fault.Fault{Kind: fault.Status, Verb: "query"}, "Companies", "get", false},
		"other action":  {fault.Fault{Kind: fault.Status, Action: "Create"}, "Companies", "Update", false},
		"other kind":    {fault.Fault{Kind: fault.Slow}, "Companies", "get", false},
		"never by dice": {fault.Fault{Kind: fault.Status, Probability: 1e-12}, "Companies", "get", false},
		"surely":        {fault.Fault{Kind: fault.Status, Probability: 1}, "Companies", "get", true},
	} {
		s := fault.NewSet(1)
		add(t, s, c.fault)
		if _, got := s.Take(fault.Status, c.entity, c.verb); got != c.want {
			t.Errorf("%s: %v", name, got)
		}
	}
}

func TestNextIsUsedUp(t *testing.T) {
	s := fault.NewSet(1)
	add(t, s, fault.Fault{Kind: fault.Reset, Next: 2})
	keep := add(t, s, fault.Fault{Kind: fault.Slow})
	hits := 0
	for range 5 {
		if _, hit := s.Take(fault.Reset, "Companies", "get"); hit {
			hits++
		}
	}
	if list := s.List(); hits != 2 || len(list) != 1 || list[0].ID != keep {
		t.Errorf("%d hits, left %+v", hits, list)
	}
	s.Remove(keep)
	if len(s.List()) != 0 {
		t.Error("removing by id left it there")
	}
}

func TestTakeAllAndRemoveAll(t *testing.T) {
	s := fault.NewSet(1)
	add(t, s, fault.Fault{Kind: fault.BadValue, Record: 1, Next: 1})
	add(t, s, fault.Fault{Kind: fault.BadValue, Record: 2})
	if got := s.TakeAll(fault.BadValue, "Companies", "query"); len(got) != 2 {
		t.Errorf("first: %+v", got)
	}
	if got := s.TakeAll(fault.BadValue, "Companies", "query"); len(got) != 1 || got[0].Record != 2 {
		t.Errorf("second: %+v", got)
	}
	s.Remove(0)
	if got := s.TakeAll(fault.BadValue, "Companies", "query"); got != nil {
		t.Errorf("third: %+v", got)
	}
}

func TestProbability(t *testing.T) {
	s := fault.NewSet(7)
	add(t, s, fault.Fault{Kind: fault.Status, Probability: 0.3})
	hits := 0
	for range 1000 {
		if _, hit := s.Take(fault.Status, "", ""); hit {
			hits++
		}
	}
	if hits < 230 || hits > 370 {
		t.Errorf("%d hits of 1000 at 0.3", hits)
	}
}

func TestAddRefuses(t *testing.T) {
	s := fault.NewSet(1)
	for _, f := range []fault.Fault{{Kind: "nonsense"}, {Kind: fault.Slow, Probability: 2}, {Kind: fault.Slow, Next: -1}} {
		if _, err := s.Add(f); err == nil {
			t.Errorf("%+v was accepted", f)
		}
	}
}

func TestJSON(t *testing.T) {
	var f fault.Fault
	if err := json.Unmarshal([]byte(`{"kind":"slow","delay":"1.5s","value":7}`), &f); err != nil {
		t.Fatal(err)
	}
	if f.Delay != fault.Duration(1500*time.Millisecond) || f.AnyValue() != int64(7) {
		t.Errorf("%+v", f)
	}
	if raw, err := json.Marshal(f.Delay); err != nil || string(raw) != `"1.5s"` {
		t.Errorf("%s, %v", raw, err)
	}
	if json.Unmarshal([]byte(`{"delay":"soon"}`), &f) == nil || json.Unmarshal([]byte(`{"delay":{}}`), &f) == nil {
		t.Error("nonsense durations were accepted")
	}
}

func TestAnyValue(t *testing.T) {
	for raw, want := range map[string]any{`null`: nil, ``: nil, `true`: true, `"x"`: "x", `5`: int64(5), `1.5`: "1.5", `[1]`: "[1]"} {
		if got := (fault.Fault{Value: json.RawMessage(raw)}).AnyValue(); got != want {
			t.Errorf("%s: %v (%T), want %v", raw, got, got, want)
		}
	}
}
