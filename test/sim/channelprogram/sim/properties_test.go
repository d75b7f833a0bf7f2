package sim

import (
	"fmt"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"
)

// startSampled is a target for thousands of requests: one answer in twenty is held against the document.
func startSampled(t *testing.T) *target {
	tr := start(t, Config{})
	tr.check.sample = 20
	return tr
}

// fresh empties the target, so that one server carries every run of a property.
func (tr *target) fresh(t *rapid.T) {
	if err := tr.Empty(testConnection); err != nil {
		t.Fatalf("empty: %v", err)
	}
}

// send pushes the client singly or as a batch of one, under a key that no other request has.
func (tr *target) send(t *rapid.T, id string, in ClientInput) string {
	if rapid.Bool().Draw(t, "single") {
		return tr.put(t, "/clients/"+id, in).item(t).Outcome
	}
	return tr.post(t, clientBatch, keyOf(int(tr.requests.Load())), batchOf(batchInput{id, in})).outcomes(t)[0]
}

func anyClient(t *rapid.T, observed int) ClientInput {
	in := client(rapid.SampledFrom([]string{"Acme", "Beta", "Gamma"}).Draw(t, "name"), observed)
	in.Phones[0].Value = rapid.StringN(1, 10, -1).Draw(t, "phone")
	if rapid.Bool().Draw(t, "archived") {
		in.Lifecycle, in.ArchivedReason = LifecycleArchived, "deleted_at_source"
	}
	return in
}

func stored(in ClientInput) ClientInput {
	in.Lifecycle, in.ArchivedReason = lifecycle(in.Lifecycle, in.ArchivedReason)
	return in
}

func TestSameMessageManyTimesIsOneRecord(t *testing.T) {
	tr := startSampled(t)
	rapid.Check(t, func(t *rapid.T) {
		tr.fresh(t)
		in := anyClient(t, 1)
		times := rapid.IntRange(2, 6).Draw(t, "times")
		first := tr.send(t, "1", in)
		for range times {
			if outcome := tr.send(t, "1", in); outcome != OutcomeUnchanged {
				t.Fatalf("first %s, then %s", first, outcome)
			}
		}
		if list := tr.Clients(testConnection); len(list) != 1 || list[0].Revision != 1 {
			t.Fatalf("clients: %+v", list)
		}
	})
}

func TestNewestObservationWinsInAnyOrder(t *testing.T) {
	tr := startSampled(t)
	rapid.Check(t, func(t *rapid.T) {
		tr.fresh(t)
		versions := make([]ClientInput, rapid.IntRange(2, 4).Draw(t, "versions"))
		for i := range versions {
			versions[i] = anyClient(t, i)
		}
		deliveries := rapid.SliceOfN(rapid.IntRange(0, len(versions)-1), 1, 10).Draw(t, "deliveries")
		newest := 0
		for _, v := range deliveries {
			newest = max(newest, v)
			tr.send(t, "1", versions[v])
		}
		held, _ := tr.Client(testConnection, "1")
		if diff := cmp.Diff(stored(versions[newest]), held.Data); diff != "" {
			t.Fatalf("deliveries %v: %s", deliveries, diff)
		}
	})
}

func TestContractsAndCustomersInAnyOrder(t *testing.T) {
	tr := startSampled(t)
	rapid.Check(t, func(t *rapid.T) {
		tr.fresh(t)
		full := client("Acme Ltd", rapid.IntRange(0, 9).Draw(t, "client observed"))
		steps := rapid.Permutation([]string{"client", "c1", "c2", "c3"}).Draw(t, "steps")
		for _, step := range steps {
			if step == "client" {
				tr.send(t, "1", full)
				continue
			}
			name := rapid.SampledFrom([]string{"Acme", "Acme Ltd", "Old name"}).Draw(t, "name")
			observed := rapid.IntRange(0, 9).Draw(t, "observed")
			if g := tr.put(t, "/contracts/"+step, agreement(ClientRef{"1", name}, observed)); g.status != 201 {
				t.Fatalf("contract: %d %s", g.status, g.body)
			}
		}
		clients := tr.Clients(testConnection)
		if len(clients) != 1 {
			t.Fatalf("steps %v: %d clients", steps, len(clients))
		}
		if diff := cmp.Diff(stored(full), clients[0].Data); diff != "" {
			t.Fatalf("steps %v: the profile is not whole: %s", steps, diff)
		}
	})
}

func TestArchivedThenActiveIsRestored(t *testing.T) {
	tr := startSampled(t)
	rapid.Check(t, func(t *rapid.T) {
		tr.fresh(t)
		last := ""
		for i := range rapid.IntRange(1, 6).Draw(t, "turns") {
			in := anyClient(t, i)
			tr.send(t, "1", in)
			last = stored(in).Lifecycle
			if held, _ := tr.Client(testConnection, "1"); held.Data.Lifecycle != last {
				t.Fatalf("turn %d: %s, want %s", i, held.Data.Lifecycle, last)
			}
		}
		outcome := tr.send(t, "1", client("Back", 100))
		held, _ := tr.Client(testConnection, "1")
		if diff := cmp.Diff(stored(client("Back", 100)), held.Data); diff != "" || outcome != OutcomeUpdated {
			t.Fatalf("%s after %s: %s", outcome, last, diff)
		}
	})
}

func TestOneBadInHundredCostsOne(t *testing.T) {
	tr := startSampled(t)
	tr.check.sample = 50 // its answers hold a hundred results each
	rapid.Check(t, func(t *rapid.T) {
		tr.fresh(t)
		bad := rapid.IntRange(0, 99).Draw(t, "bad")
		inputs := make([]batchInput, 100)
		for i := range inputs {
			in := client(fmt.Sprintf("Client %d", i), 1)
			if i == bad {
				in.Name = ""
			}
			inputs[i] = batchInput{fmt.Sprint(i), in}
		}
		g := tr.post(t, clientBatch, keyOf(1), batchOf(inputs...))
		want := Summary{Total: 100, Succeeded: 99, Rejected: 1}
		b := g.batch(t)
		if diff := cmp.Diff(want, b.Summary); diff != "" || g.status != 207 {
			t.Fatalf("%d %s", g.status, diff)
		}
		if n := len(tr.Clients(testConnection)); n != 99 || b.Results[bad].Outcome != OutcomeRejected {
			t.Fatalf("%d clients, input %d %s", n, bad, b.Results[bad].Outcome)
		}
	})
}

// Every input of any interleaving of requests that come at once is answered, and the newest wins.
func TestConcurrentVersionsConverge(t *testing.T) {
	tr := start(t, Config{})
	const versions = 40
	done := make(chan error, versions)
	for i := range versions {
		go func() {
			_, err := tr.try(tr.request("PUT", "/clients/1", client(fmt.Sprintf("Version %d", i), i)))
			done <- err
		}()
	}
	for range versions {
		if err := <-done; err != nil {
			t.Fatal(err)
		}
	}
	held, _ := tr.Client(testConnection, "1")
	if held.Data.Name != "Version 39" || !held.ObservedAt.Equal(t0.Add(39*time.Second)) {
		t.Errorf("held: %+v", held)
	}
}
