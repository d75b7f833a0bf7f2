package oracle

import (
	"bytes"
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"testing"
	"time"

	autotask "channelsync/test/sim/autotask/sim"
	channelprogram "channelsync/test/sim/channelprogram/sim"
)

const connection, token = "con-1", "token-1"

// target is a Channel Program that is sent states as they should be held, over its ingest API.
type target struct {
	*channelprogram.Sim
	observed time.Time
}

func newTarget(t *testing.T) *target {
	t.Helper()
	cp, err := channelprogram.New(channelprogram.Config{
		Connections: []channelprogram.Connection{{ID: connection, Token: token}},
	})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(cp.Close)
	return &target{cp, today}
}

func (tr *target) push(t *testing.T, s State) {
	t.Helper()
	tr.observed = tr.observed.Add(time.Second)
	source := channelprogram.Source{System: "autotask", ObservedAt: tr.observed}
	for id, c := range s.Clients {
		if c.Full {
			tr.put(t, "clients/"+id, channelprogram.ClientInput{
				Name: c.Name, Address: c.Address, Source: source,
				Emails: labelled(c.Emails), Phones: labelled(c.Phones), Websites: labelled(c.Websites),
			})
		}
	}
	for id, c := range s.Contracts {
		tr.put(t, "contracts/"+id, channelprogram.ContractInput{
			Client:     channelprogram.ClientRef{ExternalID: c.ClientID, Name: c.ClientName},
			VendorName: c.VendorName, VendorNameDefaulted: c.VendorNameDefaulted, Name: c.Name, OverallCost: c.OverallCost,
			Source: source,
		})
	}
}

func (tr *target) put(t *testing.T, record string, input any) {
	t.Helper()
	body, err := json.Marshal(input)
	if err != nil {
		t.Fatal(err)
	}
	r := httptest.NewRequest(http.MethodPut, "/v1/connections/"+connection+"/"+record, bytes.NewReader(body))
	r.Header.Set("Authorization", "Bearer "+token)
	r.Header.Set("Content-Type", "application/json")
	w := httptest.NewRecorder()
	tr.Handler().ServeHTTP(w, r)
	if w.Code != http.StatusOK && w.Code != http.StatusCreated {
		t.Fatalf("%s was answered %d: %s", record, w.Code, w.Body)
	}
}

func labelled(values []string) []channelprogram.Labelled {
	list := []channelprogram.Labelled{}
	for _, v := range values {
		list = append(list, channelprogram.Labelled{Value: v, Label: "a label is free"})
	}
	return list
}

// seeded is a tenant as a service provider has it, the same one every time.
func seeded(t testing.TB, companies int) *autotask.Sim {
	t.Helper()
	at := autotask.New(autotask.Config{Seed: 7, Now: func() time.Time { return today }})
	t.Cleanup(at.Close)
	at.Seed(autotask.SeedSpec{Companies: companies})
	return at
}

func TestWhatIsExpectedCanBeHeld(t *testing.T) {
	for _, syncs := range [][]string{both, customersOnly, contractsOnly} {
		t.Run(fmt.Sprint(syncs), func(t *testing.T) {
			at, tr := seeded(t, 60), newTarget(t)
			expected := Expected(at, syncs, today)
			if len(expected.Clients) < 20 {
				t.Fatalf("only %d clients: the tenant shows nothing", len(expected.Clients))
			}
			if got := Compare(expected, Actual(tr.Sim, connection)); len(got) != len(expected.Clients)+len(expected.Contracts) {
				t.Errorf("%d differences with an empty target", len(got))
			}
			tr.push(t, expected)
			for _, d := range Compare(expected, Actual(tr.Sim, connection)) {
				t.Error(d)
			}
		})
	}
}

func TestASeededTenantShowsEveryRule(t *testing.T) {
	seen := map[string]int{}
	state := Expected(seeded(t, 200), both, today)
	for _, c := range state.Clients {
		seen["e-mail addresses"] += len(c.Emails)
		seen["phones"] += len(c.Phones)
		seen["websites"] += len(c.Websites)
		if c.Address != nil {
			seen["addresses"]++
		}
	}
	for _, c := range state.Contracts {
		seen["vendor "+fmt.Sprint(!c.VendorNameDefaulted)]++
		seen["cost "+fmt.Sprint(c.OverallCost != nil)]++
	}
	for _, what := range []string{
		"e-mail addresses", "phones", "websites", "addresses", "vendor true", "vendor false", "cost true", "cost false",
	} {
		if seen[what] == 0 {
			t.Errorf("no %s", what)
		}
	}
}

func TestWhatLeftTheScopeMayStay(t *testing.T) {
	at, tr := seeded(t, 20), newTarget(t)
	var past Past
	expected := past.Note(Expected(at, both, today))
	tr.push(t, expected)
	for range 60 {
		at.RandomEdit()
		expected = past.Note(Expected(at, both, today))
		tr.push(t, expected)
	}
	actual := Actual(tr.Sim, connection)
	for _, d := range Compare(expected, actual) {
		t.Error(d)
	}
	expected.Left = nil
	extra := Compare(expected, actual)
	if len(extra) == 0 {
		t.Error("nothing left the scope: the edits show nothing")
	}
	for _, d := range extra {
		if d.Kind != Extra {
			t.Errorf("%s is %s, not extra", d, d.Kind)
		}
	}
}

func TestActual(t *testing.T) {
	tr := newTarget(t)
	if _, err := tr.AddUnlinkedClient(connection, "By hand"); err != nil {
		t.Fatal(err)
	}
	tr.push(t, sample())
	if got := Compare(sample(), Actual(tr.Sim, connection)); len(got) != 0 {
		t.Errorf("differences: %v", got)
	}
	err := tr.Edit(channelprogram.Edit{
		Connection: connection, Entity: channelprogram.EntityContract, ExternalID: "90",
		Fields: map[string]any{"lifecycle": "archived"},
	})
	if err != nil {
		t.Fatal(err)
	}
	got := Compare(sample(), Actual(tr.Sim, connection))
	if len(got) != 1 || got[0].String() != "contract 90 lifecycle: expected active, got archived" {
		t.Errorf("differences: %v", got)
	}
}

func BenchmarkExpected(b *testing.B) {
	at := seeded(b, 500)
	for b.Loop() {
		Expected(at, both, today)
	}
}
