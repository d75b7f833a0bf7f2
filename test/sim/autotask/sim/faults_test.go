package sim_test

import (
	"context"
	"errors"
	"io"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"channelsync/test/sim/autotask/fault"
	"channelsync/test/sim/autotask/sim"
)

func TestStatusFaults(t *testing.T) {
	for name, c := range map[string]struct {
		fault  string
		status int
		text   string
	}{
		"status with a text":    {`{"kind":"status","status":500,"text":"Something broke","next":1}`, 500, "Something broke"},
		"status without a text": {`{"kind":"status","status":502,"next":1}`, 502, ""},
		"throttled":             {`{"kind":"throttle","next":1,"retryAfter":7}`, 429, "API thread threshold of 3 threads"},
		"away":                  {`{"kind":"away","next":1}`, 503, ""},
	} {
		t.Run(name, func(t *testing.T) {
			tn := start(t, nil)
			numbered(tn, 1)
			tn.must("POST", "/sim/faults", c.fault)
			if r := tn.do("GET", "Companies/0", ""); r.status != c.status || !strings.Contains(r.text(), c.text) {
				t.Errorf("%d %s", r.status, r.raw)
			}
			tn.must("GET", "Companies/0", "")
		})
	}
}

func TestConnectionFaults(t *testing.T) {
	for name, f := range map[string]sim.Fault{
		"reset":         {Kind: fault.Reset, Next: 1},
		"away by reset": {Kind: fault.Away, Status: -1, Next: 1},
		"truncated":     {Kind: fault.Truncate, Next: 1, Entity: "companies"},
	} {
		t.Run(name, func(t *testing.T) {
			tn := start(t, nil)
			numbered(tn, 1)
			tn.SetFault(f)
			// POST, because Go's client repeats a GET whose connection was reset.
			if r, err := tn.send("POST", "Companies/query", "{"+every+"}"); err == nil {
				t.Errorf("answered %d %s", r.status, r.raw)
			} else if name == "truncated" && !errors.Is(err, io.ErrUnexpectedEOF) {
				t.Errorf("truncated: %v", err)
			}
			tn.must("POST", "Companies/query", "{"+every+"}")
		})
	}
}

func TestAwayHitsZoneDiscovery(t *testing.T) {
	tn := start(t, nil)
	tn.SetFault(sim.Fault{Kind: fault.Away})
	if r := tn.do("GET", "zoneInformation?user="+user, ""); r.status != 503 {
		t.Errorf("discovery: %d", r.status)
	}
	tn.must("GET", "/sim/stats", "")
	tn.must("DELETE", "/sim/faults", "")
	tn.must("GET", "zoneInformation?user="+user, "")
}

func TestHangEndsWithTheClient(t *testing.T) {
	tn := start(t, nil)
	tn.SetFault(sim.Fault{Kind: fault.Hang, Entity: "Contracts"})
	ctx, cancel := context.WithTimeout(t.Context(), 30*time.Millisecond)
	defer cancel()
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, tn.server.URL+"/atservicesrest/v1.0/Contracts/1", nil)
	if err != nil {
		t.Fatal(err)
	}
	req.Header = tn.header.Clone()
	if resp, err := tn.client.Do(req); err == nil {
		resp.Body.Close()
		t.Errorf("answered %d", resp.StatusCode)
	}
}

func TestSlow(t *testing.T) {
	tn := start(t, func(c *sim.Config) { c.Scale = 0.1 })
	numbered(tn, 1)
	tn.must("POST", "/sim/faults", `{"kind":"slow","delay":"1s","next":1}`)
	from := time.Now()
	tn.must("GET", "Companies/0", "")
	if took := time.Since(from); took < 100*time.Millisecond {
		t.Errorf("took %s, want 1 s scaled by 0.1", took)
	}
}

func TestOddRows(t *testing.T) {
	tn := start(t, nil)
	numbered(tn, 4)
	tn.SetFault(sim.Fault{Kind: fault.BadValue, Entity: "Companies", Record: 2, Field: "isActive", Value: []byte(`"maybe"`)})
	tn.SetFault(sim.Fault{Kind: fault.BadValue, Entity: "Companies", Record: 3, Field: "companyName"})
	tn.SetFault(sim.Fault{Kind: fault.DropFields, Entity: "Companies", Fields: []string{"phone", "webaddress"}})
	tn.SetFault(sim.Fault{Kind: fault.DropIDs, Entity: "Companies", Records: []int64{1}})

	r := tn.must("POST", "Companies/query", `{"MaxRecords":3,`+every+`}`)
	rows := r.items()
	if ids(rows) != "0 2 3" {
		t.Fatalf("rows %s", ids(rows))
	}
	if _, has := rows[0]["phone"]; has || rows[1]["isActive"] != "maybe" || rows[0]["isActive"] != true {
		t.Errorf("rows %v", rows)
	}
	if _, isObject := rows[2]["companyName"].(map[string]any); !isObject {
		t.Errorf("companyName %v", rows[2]["companyName"])
	}
	byID := tn.must("GET", "Companies/1", "").item()
	if _, has := byID["phone"]; !has || byID["id"] != 1.0 {
		t.Errorf("a GET by id lacks something: %v", byID)
	}
	if row := tn.must("GET", "Companies/2", "").item(); row["isActive"] != "maybe" {
		t.Errorf("the undecodable row by id: %v", row["isActive"])
	}
	tn.ClearFaults(0)
	tn.SetFault(sim.Fault{Kind: fault.DropIDs, Entity: "Companies", Probability: 1})
	if r := tn.must("POST", "Companies/query", "{"+every+"}"); len(r.items()) != 0 {
		t.Errorf("every row should be missing: %s", r.raw)
	}
}

func TestFaultControl(t *testing.T) {
	tn := start(t, nil)
	if r := tn.do("POST", "/sim/faults", `{"kind":"nonsense"}`); r.status != 400 || !strings.Contains(r.raw, "unknown kind") {
		t.Errorf("nonsense: %d %s", r.status, r.raw)
	}
	if r := tn.do("POST", "/sim/faults", `{"kind":"slow","dealy":"1s"}`); r.status != 400 {
		t.Errorf("misspelt: %d %s", r.status, r.raw)
	}
	tn.must("POST", "/sim/faults", `{"kind":"slow","entity":"Contacts"}`)
	tn.must("POST", "/sim/faults", `{"kind":"reset","verb":"get"}`)
	tn.must("DELETE", "/sim/faults/1", "")
	kinds := []fault.Kind{}
	for _, f := range tn.Faults() {
		kinds = append(kinds, f.Kind)
	}
	if !slices.Equal(kinds, []fault.Kind{fault.Reset}) {
		t.Errorf("left %v", kinds)
	}
}

// Poison spoils an answer, of a query or a GET by id, that has its record; poison of a field only
// where the answer has that field.
func TestPoisonSpoilsAnswersWithItsRecord(t *testing.T) {
	const (
		with    = `{"filter":[{"op":"in","field":"id","value":[1,2]}]}`
		without = `{"filter":[{"op":"in","field":"id","value":[1,3]}]}`
		idsOnly = `{"IncludeFields":["id"],"filter":[{"op":"in","field":"id","value":[1,2]}]}`
	)
	for name, f := range map[string]sim.Fault{
		"status":       {Kind: fault.Poison, Record: 2, Status: 413, Text: "Too large"},
		"page":         {Kind: fault.Poison, Record: 2, Status: 200, Page: "<html>blocked</html>"},
		"truncated":    {Kind: fault.Poison, Record: 2, As: fault.Truncate},
		"reset":        {Kind: fault.Poison, Record: 2, As: fault.Reset},
		"by its field": {Kind: fault.Poison, Record: 2, Field: "companyName", Status: 502},
	} {
		t.Run(name, func(t *testing.T) {
			tn := start(t, nil)
			numbered(tn, 4)
			tn.SetFault(f)
			spoilt := func(body string) bool {
				r, err := tn.send("POST", "Companies/query", body)
				return err != nil || r.status != 200 || strings.Contains(r.raw, "html")
			}
			if !spoilt(with) || spoilt(without) || spoilt(idsOnly) != (f.Field == "") {
				t.Errorf("with it %v, without it %v, ids only %v", spoilt(with), spoilt(without), spoilt(idsOnly))
			}
			if r, err := tn.send("GET", "Companies/2", ""); err == nil && (r.status != f.Status || strings.Contains(r.raw, `"item"`)) {
				t.Errorf("by id: %d %s", r.status, r.raw)
			}
			tn.must("GET", "Companies/3", "")
			tn.ClearFaults(0)
			if spoilt(with) {
				t.Error("spoilt after it was cleared")
			}
		})
	}
	tn := start(t, nil)
	for _, bad := range []string{`{"kind":"poison"}`, `{"kind":"poison","record":2,"as":"throttle"}`} {
		if r := tn.do("POST", "/sim/faults", bad); r.status != 400 {
			t.Errorf("%s: %d", bad, r.status)
		}
	}
}
