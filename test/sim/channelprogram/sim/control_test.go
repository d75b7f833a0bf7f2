package sim

import (
	"encoding/json"
	"io"
	"net/http"
	"strings"
	"testing"

	"github.com/PuerkitoBio/goquery"
	"github.com/google/go-cmp/cmp"
)

// control asks the control API and decodes what it answers, if into is not nil.
func (tr *target) control(t *testing.T, method, path, body string, into any) int {
	t.Helper()
	r, err := http.NewRequestWithContext(t.Context(), method, tr.server.URL+path, strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	resp, err := tr.server.Client().Do(r)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	text, err := io.ReadAll(resp.Body)
	if err != nil {
		t.Fatal(err)
	}
	if into != nil {
		if err := json.Unmarshal(text, into); err != nil {
			t.Fatalf("%s %s: decode %s: %v", method, path, text, err)
		}
	}
	return resp.StatusCode
}

func TestControlOfFaults(t *testing.T) {
	tr := start(t, Config{})
	var set Fault
	status := tr.control(t, "POST", "/sim/faults", `{"kind":"unavailable","next":5,"retryAfter":2}`, &set)
	if status != 201 || set.ID == "" || set.Kind != FaultUnavailable || set.Next != 5 {
		t.Fatalf("%d %+v", status, set)
	}
	if g := tr.get(t, ""); g.status != 503 || g.header.Get("Retry-After") != "2" {
		t.Errorf("the handshake: %d", g.status)
	}
	var list []Fault
	if tr.control(t, "GET", "/sim/faults", "", &list); len(list) != 1 || list[0].Next != 4 {
		t.Errorf("faults: %+v", list)
	}
	if status := tr.control(t, "DELETE", "/sim/faults?id="+set.ID, "", nil); status != 204 {
		t.Errorf("clear one: %d", status)
	}
	if status := tr.control(t, "DELETE", "/sim/faults?id="+set.ID, "", nil); status != 400 {
		t.Errorf("clear it again: %d", status)
	}
	tr.control(t, "POST", "/sim/faults", `{"kind":"subscription"}`, nil)
	if status := tr.control(t, "DELETE", "/sim/faults", "", nil); status != 204 || len(tr.Faults()) != 0 {
		t.Errorf("clear all: %d, left %v", status, tr.Faults())
	}
}

func TestControlRefusesNonsense(t *testing.T) {
	tr := start(t, Config{})
	for path, body := range map[string]string{
		"/sim/faults":             `{"kind":"fire"}`,
		"/sim/edit":               `{"connection":"con-1","externalId":"none","fields":{}}`,
		"/sim/empty":              `{"connection":"none"}`,
		"/sim/unlinked":           `{"connection":"none","name":"X"}`,
		"/sim/connections":        `{"id":"con-1","token":"t"}`,
		"/sim/connections/state":  `{"connection":"con-1","state":"asleep"}`,
		"/sim/connections/tokens": `{"connection":"con-1","surplus":1}`,
	} {
		var p Problem
		if status := tr.control(t, "POST", path, body, &p); status != 400 || p.Detail == "" {
			t.Errorf("%s: %d %+v", path, status, p)
		}
	}
	if status := tr.control(t, "GET", "/sim/history?limit=many", "", nil); status != 400 {
		t.Errorf("history: %d", status)
	}
}

func TestControlOfData(t *testing.T) {
	tr := start(t, Config{})
	tr.put(t, "/clients/1", client("One", 1))
	tr.put(t, "/contracts/9", agreement(ClientRef{"1", "One"}, 1))
	for path, body := range map[string]string{
		"/sim/edit":               `{"connection":"con-1","externalId":"1","fields":{"name":"Uno","industry":"Bakery"}}`,
		"/sim/unlinked":           `{"connection":"con-1","name":"Loner"}`,
		"/sim/connections":        `{"id":"con-2","token":"t2"}`,
		"/sim/connections/state":  `{"connection":"con-1","state":"paused"}`,
		"/sim/connections/tokens": `{"connection":"con-1","token":"new","oldToken":"token-1"}`,
	} {
		if status := tr.control(t, "POST", path, body, nil); status != 204 {
			t.Errorf("%s: %d", path, status)
		}
	}
	var state struct{ Connections []connectionView }
	tr.control(t, "GET", "/sim/state", "", &state)
	if len(state.Connections) != 2 {
		t.Fatalf("state: %+v", state)
	}
	one := state.Connections[0]
	var names []string
	for _, c := range one.Clients {
		names = append(names, c.Data.Name)
	}
	if diff := cmp.Diff([]string{"Uno", "Loner"}, names); diff != "" || one.State != StatePaused ||
		len(one.Contracts) != 1 || one.Clients[0].Industry != "Bakery" {
		t.Errorf("state: %+v %s", one, diff)
	}
	tr.control(t, "GET", "/sim/state?connection=con-2", "", &state)
	if len(state.Connections) != 1 || state.Connections[0].ID != "con-2" {
		t.Errorf("state of one: %+v", state)
	}
	if status := tr.control(t, "POST", "/sim/empty", "", nil); status != 204 || len(tr.Clients(testConnection)) != 0 {
		t.Errorf("empty all: %d", status)
	}
}

func TestControlOfHistory(t *testing.T) {
	tr := start(t, Config{})
	for i := range 3 {
		tr.put(t, "/clients/1", client("One", i))
	}
	tr.put(t, "/contracts/1", agreement(ClientRef{"1", "One"}, 1))
	tr.put(t, "/clients/2", client("Two", 1))
	for query, want := range map[string]int{
		"": 5, "?externalId=1": 4, "?externalId=1&entity=client": 3, "?limit=2": 2,
		"?connection=con-1": 5, "?connection=x": 0,
	} {
		var h struct{ Pushes []Push }
		if tr.control(t, "GET", "/sim/history"+query, "", &h); len(h.Pushes) != want {
			t.Errorf("%s: %d pushes, want %d", query, len(h.Pushes), want)
		}
	}
	var writes map[string]map[string]map[string]int
	tr.control(t, "GET", "/sim/writes", "", &writes)
	if n := writes[testConnection]["client/1"]["upsertClient"]; n != 3 {
		t.Errorf("writes: %v", writes)
	}
	var overlaps []Overlap
	if tr.control(t, "GET", "/sim/overlaps", "", &overlaps); len(overlaps) != 0 {
		t.Errorf("overlaps: %v", overlaps)
	}
	var stats Stats
	if tr.control(t, "GET", "/sim/stats", "", &stats); stats.Total != 5 || stats.Requests["upsertClient"][201] != 2 {
		t.Errorf("stats: %+v", stats)
	}
	if status := tr.control(t, "POST", "/sim/stats/reset", "", nil); status != 204 || tr.Stats().Total != 0 {
		t.Errorf("reset: %d", status)
	}
}

func TestPage(t *testing.T) {
	tr := start(t, Config{Connections: []Connection{
		{ID: testConnection, Token: testToken, AccountName: "Acme MSP"}, {ID: "con-2", Token: "t"},
	}})
	first := tr.put(t, "/clients/1", client(`<b>Bold & Co</b>`, 1)).item(t)
	unnamed := agreement(ClientRef{"1", "Bold"}, 1)
	unnamed.Name, unnamed.OverallCost = nil, nil
	tr.put(t, "/contracts/9", unnamed)
	tr.put(t, "/contracts/10", agreement(ClientRef{"2", "Name only"}, 1))
	tr.fault(t, Fault{Kind: FaultSubscription, Operation: "writes"})
	tr.put(t, "/clients/3", client("Three", 1))

	page, anchor, _ := strings.Cut(*first.TargetURL, "#")
	resp, err := tr.server.Client().Get(page)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	doc, err := goquery.NewDocumentFromReader(resp.Body)
	if err != nil {
		t.Fatal(err)
	}
	if resp.StatusCode != 200 || resp.Header.Get("Content-Security-Policy") == "" {
		t.Errorf("status %d, headers %v", resp.StatusCode, resp.Header)
	}
	row := doc.Find("#" + anchor)
	if row.Find("b").First().Text() != "<b>Bold & Co</b>" || !strings.Contains(row.Text(), "555-0100") {
		t.Errorf("the row of the client: %s", row.Text())
	}
	text := doc.Text()
	for _, want := range []string{
		"Acme MSP", "MSP Managed Services", "by default", "not known", "1200.00 USD", "name only",
		"subscription on writes", "upsertClient → 402", "refused", "As of 12:00:00.000",
	} {
		if !strings.Contains(text, want) {
			t.Errorf("the page does not say %q", want)
		}
	}
	if doc.Find("script, link, img").Length() != 0 {
		t.Error("the page loads something")
	}
	if href, _ := doc.Find("a").First().Attr("href"); href != "/?connection=con-2" {
		t.Errorf("the link to the other connection: %q", href)
	}
	if refresh, _ := doc.Find("meta[http-equiv=refresh]").Attr("content"); refresh == "" {
		t.Error("the page does not refresh")
	}
	if status := tr.control(t, "GET", "/?connection=none", "", nil); status != 404 {
		t.Errorf("the page of no connection: %d", status)
	}
	if status := tr.control(t, "GET", "/nothing", "", nil); status != 404 {
		t.Errorf("no page: %d", status)
	}
}

func TestPageWithoutConnections(t *testing.T) {
	tr := start(t, Config{Connections: []Connection{}})
	if status := tr.control(t, "GET", "/", "", nil); status != 200 {
		t.Errorf("status %d", status)
	}
}
