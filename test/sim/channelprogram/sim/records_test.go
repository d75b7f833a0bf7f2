package sim

import (
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

func TestClientUpserts(t *testing.T) {
	cleared := client("Acme", 2)
	cleared.Address, cleared.Emails = nil, []Labelled{}
	archived := client("Acme", 3)
	archived.Lifecycle, archived.ArchivedReason = LifecycleArchived, "status_inactive"
	otherSource := client("Acme", 5)
	otherSource.Source.Trigger = "replay"

	tr := start(t, Config{})
	for _, c := range []struct {
		name     string
		in       ClientInput
		status   int
		outcome  string
		revision int
		changed  []string
	}{
		{"unknown", client("Acme", 1), 201, OutcomeCreated, 1, nil},
		{"the same again", client("Acme", 1), 200, OutcomeUnchanged, 1, nil},
		{"fields cleared", cleared, 200, OutcomeUpdated, 2, []string{"address", "emails"}},
		{"an older version", client("Old name", 1), 200, OutcomeStale, 2, nil},
		{
			"archived", archived, 200, OutcomeArchived, 3,
			[]string{"address", "emails", "lifecycle", "archivedReason"},
		},
		{"archived again", archived, 200, OutcomeUnchanged, 3, nil},
		{"restored", client("Acme", 4), 200, OutcomeUpdated, 4, []string{"lifecycle", "archivedReason"}},
		{"only looked at again", otherSource, 200, OutcomeUnchanged, 4, nil},
		{"older than the look", client("Late", 4), 200, OutcomeStale, 4, nil},
		{"renamed", client("Acme & Söhne", 6), 200, OutcomeUpdated, 5, []string{"name"}},
	} {
		g := tr.put(t, "/clients/174", c.in)
		r := g.item(t)
		if g.status != c.status || r.Outcome != c.outcome || *r.Revision != c.revision {
			t.Fatalf("%s: %d %s, want %d %s at revision %d", c.name, g.status, g.body, c.status, c.outcome, c.revision)
		}
		if diff := cmp.Diff(c.changed, r.ChangedFields); diff != "" {
			t.Errorf("%s: changed fields: %s", c.name, diff)
		}
		if r.ExternalID != "174" || r.Index != nil || *r.TargetID == "" || *r.TargetURL == "" {
			t.Errorf("%s: %s", c.name, g.body)
		}
	}
}

func TestReadBack(t *testing.T) {
	tr := start(t, Config{})
	in := client("Acme", 1)
	tr.put(t, "/clients/174", in)
	tr.put(t, "/contracts/9", agreement(ClientRef{"174", "Acme"}, 1))

	var c struct {
		ExternalID string
		Data       ClientInput
		Revision   int
		UpdatedAt  time.Time
	}
	tr.get(t, "/clients/174").into(t, &c)
	in.Lifecycle = LifecycleActive
	if diff := cmp.Diff(in, c.Data); diff != "" || c.ExternalID != "174" || c.Revision != 1 || !c.UpdatedAt.Equal(t0) {
		t.Errorf("client: %+v %s", c, diff)
	}
	var k struct{ Data ContractInput }
	tr.get(t, "/contracts/9").into(t, &k)
	want := agreement(ClientRef{"174", "Acme"}, 1)
	want.Lifecycle = LifecycleActive
	if diff := cmp.Diff(want, k.Data); diff != "" {
		t.Errorf("contract: %s", diff)
	}
}

func TestArchivingWhatIsNotThere(t *testing.T) {
	tr := start(t, Config{})
	gone := client("Acme", 5)
	gone.Lifecycle, gone.ArchivedReason = LifecycleArchived, "deleted_at_source"
	if g := tr.put(t, "/clients/1", gone); g.status != 200 || g.item(t).Outcome != OutcomeArchived {
		t.Fatalf("archive: %d %s", g.status, g.body)
	}
	if g := tr.put(t, "/clients/1", client("Acme", 4)); g.item(t).Outcome != OutcomeStale {
		t.Errorf("an older active version afterwards: %s", g.body)
	}
	k := agreement(ClientRef{"1", "Acme"}, 5)
	k.Lifecycle, k.ArchivedReason = LifecycleArchived, "client_out_of_scope"
	if g := tr.put(t, "/contracts/1", k); g.status != 200 || g.item(t).Outcome != OutcomeArchived {
		t.Errorf("archive contract: %d %s", g.status, g.body)
	}
}

func TestLinking(t *testing.T) {
	tr := start(t, Config{})
	id, err := tr.AddUnlinkedClient(testConnection, "  ACME,  Inc. ")
	if err != nil {
		t.Fatal(err)
	}
	g := tr.put(t, "/clients/1", client("Acme Inc", 1))
	r := g.item(t)
	if g.status != 200 || r.Outcome != OutcomeLinked || *r.TargetID != id {
		t.Fatalf("link: %d %s", g.status, g.body)
	}
	if r := tr.put(t, "/clients/1", client("Acme Inc", 2)).item(t); r.Outcome != OutcomeUnchanged {
		t.Errorf("the same again: %s", r.Outcome)
	}
	if r := tr.put(t, "/clients/2", client("Acme Inc", 1)).item(t); r.Outcome != OutcomeCreated {
		t.Errorf("a second source record of that name: %s", r.Outcome)
	}
	for range 2 {
		if _, err := tr.AddUnlinkedClient(testConnection, "Twin"); err != nil {
			t.Fatal(err)
		}
	}
	g = tr.put(t, "/clients/3", client("twin", 1))
	p := g.problem(t)
	if g.status != 422 || p.Code != CodeAmbiguousMatch || len(p.Errors) != 1 || p.Errors[0].Pointer != "#/name" {
		t.Errorf("ambiguous client: %d %s", g.status, g.body)
	}
	g = tr.put(t, "/contracts/3", agreement(ClientRef{"3", "Twin"}, 1))
	p = g.problem(t)
	if g.status != 422 || p.Code != CodeAmbiguousMatch || p.Errors[0].Pointer != "#/client/name" {
		t.Errorf("ambiguous client of a contract: %d %s", g.status, g.body)
	}
	if _, there := tr.Contract(testConnection, "3"); there {
		t.Error("a rejected contract was stored")
	}
}

func TestContractLinksItsClient(t *testing.T) {
	tr := start(t, Config{})
	id, err := tr.AddUnlinkedClient(testConnection, "acme")
	if err != nil {
		t.Fatal(err)
	}
	tr.put(t, "/contracts/9", agreement(ClientRef{"1", "Acme"}, 1))
	c, ok := tr.Client(testConnection, "1")
	if !ok || c.TargetID != id || c.Data.Name != "Acme" || c.Full {
		t.Errorf("client %+v", c)
	}
	if g := tr.get(t, "/clients/1"); g.status != 200 {
		t.Errorf("read back: %d", g.status)
	}
}

func TestNormalisedNames(t *testing.T) {
	for name, want := range map[string]string{
		"Smith & Co.": "smith co", "  SMITH   co": "smith co", "Müller-Bäcker": "müller bäcker", "!!!": "!!!", "3M": "3m",
	} {
		if have := normalised(name); have != want {
			t.Errorf("%q: %q, want %q", name, have, want)
		}
	}
}

func TestContractUpserts(t *testing.T) {
	base := func(observed int, change func(*ContractInput)) ContractInput {
		in := agreement(ClientRef{"174", "Acme"}, observed)
		change(&in)
		return in
	}
	same := func(*ContractInput) {}
	tr := start(t, Config{Connections: []Connection{{
		ID: testConnection, Token: testToken, Currencies: []string{"USD", "CAD"},
	}}})
	for _, c := range []struct {
		name    string
		in      ContractInput
		status  int
		outcome string
		changed []string
	}{
		{"unknown", base(1, same), 201, OutcomeCreated, nil},
		{"the same again", base(1, same), 200, OutcomeUnchanged, nil},
		{
			"the cost in other digits", base(2, func(in *ContractInput) { in.OverallCost.Amount = "1200" }), 200,
			OutcomeUnchanged, nil,
		},
		{
			"another cost", base(3, func(in *ContractInput) { in.OverallCost.Amount = "0.0001" }), 200, OutcomeUpdated,
			[]string{"overallCost"},
		},
		{
			"cost and name unknown", base(4, func(in *ContractInput) { in.OverallCost, in.Name = nil, nil }), 200,
			OutcomeUpdated,
			[]string{"name", "overallCost"},
		},
		{"older", base(3, same), 200, OutcomeStale, nil},
		{
			"vendor", base(5, func(in *ContractInput) { in.VendorName, in.VendorNameDefaulted = "Cisco", false }), 200,
			OutcomeUpdated,
			[]string{"vendorName", "vendorNameDefaulted", "name", "overallCost"},
		},
		{
			"another currency", base(6, func(in *ContractInput) { in.OverallCost.Currency = "CAD" }), 200, OutcomeUpdated,
			[]string{"vendorName", "vendorNameDefaulted", "overallCost"},
		},
		{"its client renamed", base(7, func(in *ContractInput) {
			in.OverallCost.Currency, in.Client.Name = "CAD", "Acme 2"
		}), 200, OutcomeUpdated, []string{"client"}},
		{"moved to another client", base(8, func(in *ContractInput) {
			in.OverallCost.Currency, in.Client = "CAD", ClientRef{"175", "Beta"}
		}), 200, OutcomeUpdated, []string{"client"}},
	} {
		g := tr.put(t, "/contracts/9", c.in)
		r := g.item(t)
		if g.status != c.status || r.Outcome != c.outcome {
			t.Fatalf("%s: %d %s, want %d %s", c.name, g.status, g.body, c.status, c.outcome)
		}
		if diff := cmp.Diff(c.changed, r.ChangedFields); diff != "" {
			t.Errorf("%s: changed fields: %s", c.name, diff)
		}
	}
	euro := base(9, func(in *ContractInput) { in.OverallCost.Currency = "EUR" })
	g := tr.put(t, "/contracts/9", euro)
	p := g.problem(t)
	if g.status != 422 || p.Code != CodeCurrencyUnsupported || p.Errors[0].Pointer != "#/overallCost/currency" {
		t.Errorf("a currency that is not taken: %d %s", g.status, g.body)
	}
	names := map[string]string{}
	for _, c := range tr.Clients(testConnection) {
		names[c.ExternalID] = c.Data.Name
	}
	if diff := cmp.Diff(map[string]string{"174": "Acme 2", "175": "Beta"}, names); diff != "" {
		t.Errorf("clients: %s", diff)
	}
	held, _ := tr.Contract(testConnection, "9")
	beta, _ := tr.Client(testConnection, "175")
	if held.ClientID != beta.TargetID {
		t.Errorf("the contract belongs to %s, want %s", held.ClientID, beta.TargetID)
	}
}

func TestContractNeverTouchesAFullClient(t *testing.T) {
	tr := start(t, Config{})
	tr.put(t, "/contracts/9", agreement(ClientRef{"1", "Acme"}, 50))
	full := client("Acme Ltd", 1) // observed before the contract: a full upsert wins all the same
	if r := tr.put(t, "/clients/1", full).item(t); r.Outcome != OutcomeUpdated {
		t.Fatalf("the first full upsert: %s", r.Outcome)
	}
	if r := tr.put(t, "/contracts/9", agreement(ClientRef{"1", "Acme Renamed"}, 60)).item(t); r.Outcome != OutcomeUpdated {
		t.Fatalf("contract: %s", r.Outcome)
	}
	c, _ := tr.Client(testConnection, "1")
	full.Lifecycle = LifecycleActive
	if diff := cmp.Diff(full, c.Data); diff != "" {
		t.Errorf("the contract touched the client: %s", diff)
	}
}
