package sim

import (
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestEditAtTheTargetIsUndoneByTheNextPush(t *testing.T) {
	tr := start(t, Config{})
	tr.put(t, "/clients/1", client("One", 1))
	tr.put(t, "/contracts/9", agreement(ClientRef{"1", "One"}, 1))
	edit := func(e Edit) {
		t.Helper()
		e.Connection = testConnection
		if err := tr.Edit(e); err != nil {
			t.Fatal(err)
		}
	}
	edit(Edit{ExternalID: "1", Fields: map[string]any{
		"name": "Uno", "emails": []any{map[string]any{"value": "new@example.test"}}, "industry": "Bakery", "endpoints": 12,
		"address": map[string]any{"city": "Troy"},
	}})
	edit(Edit{Entity: EntityContract, ExternalID: "9", Fields: map[string]any{"vendorName": "Else"}})
	c, _ := tr.Client(testConnection, "1")
	if diff := cmp.Diff([]Labelled{{Value: "new@example.test"}}, c.Data.Emails); diff != "" || c.Data.Name != "Uno" ||
		c.Industry != "Bakery" || c.Endpoints != 12 || c.Revision != 2 || c.Data.Address.City != "Troy" ||
		c.Data.Address.Line1 != "1 Main St" {
		t.Fatalf("edited: %+v", c)
	}
	r := tr.put(t, "/clients/1", client("One", 2)).item(t)
	diff := cmp.Diff([]string{"name", "address", "emails"}, r.ChangedFields)
	if diff != "" || r.Outcome != OutcomeUpdated {
		t.Errorf("push after the edit: %s %s", r.Outcome, diff)
	}
	r = tr.put(t, "/contracts/9", agreement(ClientRef{"1", "One"}, 2)).item(t)
	if diff := cmp.Diff([]string{"vendorName"}, r.ChangedFields); diff != "" {
		t.Errorf("push after the edit of the contract: %s", diff)
	}
	if c, _ := tr.Client(testConnection, "1"); c.Industry != "Bakery" || c.Endpoints != 12 {
		t.Errorf("a push touched what the target owns: %+v", c)
	}
}

func TestEditOfANameOnlyClientIsUndoneByItsContract(t *testing.T) {
	tr := start(t, Config{})
	tr.put(t, "/contracts/9", agreement(ClientRef{"1", "One"}, 1))
	edit := Edit{Connection: testConnection, ExternalID: "1", Fields: map[string]any{"name": "Uno"}}
	if err := tr.Edit(edit); err != nil {
		t.Fatal(err)
	}
	r := tr.put(t, "/contracts/9", agreement(ClientRef{"1", "One"}, 1)).item(t)
	if diff := cmp.Diff([]string{"client"}, r.ChangedFields); diff != "" || r.Outcome != OutcomeUpdated {
		t.Errorf("%s %s", r.Outcome, diff)
	}
	if c, _ := tr.Client(testConnection, "1"); c.Data.Name != "One" {
		t.Errorf("name %q", c.Data.Name)
	}
}

func TestEditsThatMakeNoSense(t *testing.T) {
	tr := start(t, Config{})
	tr.put(t, "/clients/1", client("One", 1))
	for name, e := range map[string]Edit{
		"no such client":     {Connection: testConnection, ExternalID: "2"},
		"no such contract":   {Connection: testConnection, ExternalID: "1", Entity: EntityContract},
		"no such connection": {Connection: "none", ExternalID: "1"},
		"no such entity":     {Connection: testConnection, ExternalID: "1", Entity: "user"},
		"no such field":      {Connection: testConnection, ExternalID: "1", Fields: map[string]any{"colour": "red"}},
		"an empty name":      {Connection: testConnection, ExternalID: "1", Fields: map[string]any{"name": ""}},
		"the source":         {Connection: testConnection, ExternalID: "1", Fields: map[string]any{"source": nil}},
		"the wrong type":     {Connection: testConnection, ExternalID: "1", Fields: map[string]any{"endpoints": "many"}},
	} {
		if err := tr.Edit(e); err == nil {
			t.Errorf("%s: taken", name)
		}
	}
	if c, _ := tr.Client(testConnection, "1"); c.Revision != 1 {
		t.Errorf("something was edited: %+v", c)
	}
}

func TestEmpty(t *testing.T) {
	tr := start(t, Config{})
	body := batchOf(batchInput{"1", client("One", 1)})
	tr.post(t, clientBatch, keyOf(1), body)
	tr.put(t, "/contracts/9", agreement(ClientRef{"1", "One"}, 1))
	if err := tr.Empty(testConnection); err != nil {
		t.Fatal(err)
	}
	if len(tr.Clients(testConnection))+len(tr.Contracts(testConnection)) != 0 {
		t.Error("data is left")
	}
	if g := tr.post(t, clientBatch, keyOf(1), body); g.outcomes(t)[0] != OutcomeCreated {
		t.Errorf("the same batch on the empty target: %s", g.body)
	}
	if n := len(tr.Pushes(testConnection)); n != 3 {
		t.Errorf("%d pushes in the history, want 3", n)
	}
}

func TestWhatIsHandedOutIsNotShared(t *testing.T) {
	tr := start(t, Config{})
	tr.put(t, "/clients/1", client("One", 1))
	c, _ := tr.Client(testConnection, "1")
	c.Data.Emails[0].Value, c.Data.Address.City = "changed", "changed"
	if r := tr.put(t, "/clients/1", client("One", 1)).item(t); r.Outcome != OutcomeUnchanged {
		t.Errorf("a caller changed the store: %s", r.Outcome)
	}
}

func TestConnectionsAreApart(t *testing.T) {
	config := Config{}
	for _, id := range []string{testConnection, "b", "a"} {
		config.Connections = append(config.Connections, Connection{ID: id, Token: testToken})
	}
	tr := start(t, config)
	tr.put(t, "/clients/1", client("One", 1))
	if len(tr.Clients("a")) != 0 || len(tr.Clients(testConnection)) != 1 {
		t.Error("a push reached another connection")
	}
	var ids []string
	for _, c := range tr.Connections() {
		ids = append(ids, c.ID)
	}
	if diff := cmp.Diff([]string{"a", "b", testConnection}, ids); diff != "" {
		t.Errorf("connections: %s", diff)
	}
}
