package choice

import (
	"context"
	"errors"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"
	"time"

	"channelsync/api/autotask"
	v1 "channelsync/api/v1"
	"channelsync/test/harness"
	atsim "channelsync/test/sim/autotask/sim"
)

func TestMain(m *testing.M) { harness.Main(m) }

// tenant is a simulated Autotask with some records, and a client of it.
func tenant(t *testing.T) (*atsim.Sim, *autotask.Client) {
	t.Helper()
	sim := atsim.New(atsim.Config{Username: "api@msp.example", Secret: "secret-0123456789", TrackingIdentifier: "TRACK"})
	server := httptest.NewServer(sim.Handler())
	client := autotask.New(autotask.Config{
		Credentials: autotask.Credentials{Username: "api@msp.example", Secret: "secret-0123456789", TrackingIdentifier: "TRACK"},
		Zone:        v1.Zone{Name: "test", URL: server.URL + "/atservicesrest"}, Hosts: autotask.NewHosts([]string{strings.TrimPrefix(server.URL, "http://")}),
		Transport: server.Client().Transport, Wait: func(context.Context, time.Duration) error { return nil },
	})
	t.Cleanup(func() { client.Close(); sim.Close(); server.Close() })
	put := func(name string, class int) int64 {
		return sim.Put("Companies", atsim.Row{"companyName": name, "companyType": 1, "isActive": true, "phone": "518-555-0100", "classification": class})
	}
	acme := put("Acme, Inc.", 1)
	put("Acme West", 1)
	put("Northwind", 2)
	put("NORTHWIND ", 2)
	for _, of := range []int{7, 7, 3} {
		sim.Put("Contracts", atsim.Row{"companyID": acme, "contractName": "Care", "contractType": of, "contractCategory": 12, "status": 1, "startDate": "2026-01-01", "endDate": "2030-01-01"})
	}
	return sim, client
}

func TestChoicesAreThoseOfTheTenantWithCounts(t *testing.T) {
	_, client := tenant(t)
	got, err := Lists(t.Context(), client)
	if err == nil {
		err = Count(t.Context(), client, &got)
	}
	harness.OK(t, err)
	records := func(list []v1.Choice, name string) int {
		i := slices.IndexFunc(list, func(c v1.Choice) bool { return c.Name == name })
		if i < 0 || list[i].Records == nil {
			t.Fatalf("no %q, or not counted, in %+v", name, list)
		}
		return *list[i].Records
	}
	if n := records(got.ContractTypes, "Recurring Service"); n != 2 {
		t.Errorf("%d recurring ones", n)
	}
	if n := records(got.ContractCategories, "Managed Services"); n != 3 {
		t.Errorf("%d of the category", n)
	}
	if gold, bronze := records(got.CompanyClassifications, "Gold"), records(got.CompanyClassifications, "Bronze"); gold != 2 || bronze != 0 {
		t.Errorf("%d and %d of the classifications", gold, bronze)
	}
}

func TestNamesBecomeIDs(t *testing.T) {
	sim, client := tenant(t)
	var into v1.Options
	into.ContractTypes = []int64{3}
	err := Resolve(t.Context(), client, &v1.OptionNames{
		ContractTypes: []string{"recurring-service", "time & materials"}, ContractCategories: []string{"Managed Services"},
		CompanyClassifications: []string{"gold"}, Exclude: []string{"acme, inc."},
	}, &into)
	harness.OK(t, err)
	if !slices.Equal(into.ContractTypes, []int64{3, 7, 1}) || !slices.Equal(into.ContractCategories, []int64{12}) || !slices.Equal(into.CompanyClassifications, []int64{1}) || len(into.Exclude) != 1 {
		t.Errorf("got %+v", into)
	}
	sim.ResetStats()
	if err := Resolve(t.Context(), client, nil, &into); err != nil || len(sim.Stats().Requests) != 0 {
		t.Errorf("no names: %v, asked %v", err, sim.Stats().Requests)
	}
}

func TestNamesThatAreNotKnownSayWhatIsNear(t *testing.T) {
	_, client := tenant(t)
	for name, one := range map[string]struct {
		names         v1.OptionNames
		pointer, code string
		says          []string
	}{
		"a misspelt type":       {v1.OptionNames{ContractTypes: []string{"Recuring Servise"}}, "#/options/contractTypes", "unknown_name", []string{"no contract type is called", "near: Recurring Service (7)"}},
		"nothing like any":      {v1.OptionNames{CompanyClassifications: []string{"Xylophone"}}, "#/options/companyClassifications", "unknown_name", []string{"Gold (1)", "Delinquent (4)"}},
		"a part of a name":      {v1.OptionNames{Exclude: []string{"Acme"}}, "#/options/exclude", "unknown_name", []string{"no company is called \"Acme\"", "Acme, Inc. (", "Acme West ("}},
		"a misspelt company":    {v1.OptionNames{Include: []string{"Northwnd"}}, "#/options/include", "unknown_name", []string{"Northwind ("}},
		"two of the same name":  {v1.OptionNames{Include: []string{"northwind"}}, "#/options/include", "ambiguous_name", []string{"is the name of several: Northwind (", "NORTHWIND (", "give the id"}},
		"nobody of such a name": {v1.OptionNames{Include: []string{"Zzyzx"}}, "#/options/include", "unknown_name", []string{"no company is called \"Zzyzx\""}},
	} {
		t.Run(name, func(t *testing.T) {
			p, ok := errors.AsType[*v1.Problem](Resolve(t.Context(), client, &one.names, &v1.Options{}))
			if !ok || p.Code != v1.CodeInvalid || len(p.Errors) != 1 || p.Errors[0].Pointer != one.pointer || p.Errors[0].Code != one.code {
				t.Fatalf("got %+v", p)
			}
			for _, want := range one.says {
				if !strings.Contains(p.Errors[0].Detail, want) {
					t.Errorf("%q does not say %q", p.Errors[0].Detail, want)
				}
			}
		})
	}
}

func TestNamesOfATenant(t *testing.T) {
	_, client := tenant(t)
	names, err := Names(t.Context(), client)
	harness.OK(t, err)
	for field, want := range map[string]string{"companyType": "Customer", "classification": "Gold", "contractType": "Time & Materials", "status": "In Effect"} {
		if got := names[field][1]; got != want {
			t.Errorf("%s 1 is called %q, want %q", field, got, want)
		}
	}
}
