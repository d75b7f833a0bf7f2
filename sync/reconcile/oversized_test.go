package reconcile

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	v1 "channelsync/api/v1"
	atsim "channelsync/test/sim/autotask/sim"
)

// rows are many of a child entity, put at once.
func (b *bench) rows(entity string, n int, row func(i int) atsim.Row) {
	b.t.Helper()
	for i := range n {
		b.at.Put(entity, row(i))
	}
}

// No size of one record keeps the others from arriving, nor the record itself where the
// target would take it.
func TestAnOversizedRecordHarmsNobody(t *testing.T) {
	today := time.Now().UTC().Format(time.DateOnly)
	for name, one := range map[string]struct {
		kind    v1.Kind
		put     func(b *bench) int64
		outcome v1.Outcome
		reasons []string
	}{
		"a contract with 20,000 unit rows": {v1.KindContract, func(b *bench) int64 {
			id := b.contract(b.customer("Units Ltd"), "Units")
			service := b.at.Put("Services", atsim.Row{"name": "Backup", "unitCost": 1, "unitPrice": 2, "periodType": 2, "isActive": true})
			line := b.at.Put("ContractServices", atsim.Row{"contractID": id, "serviceID": service, "unitCost": 1, "unitPrice": 2})
			b.rows("ContractServiceUnits", 20_000, func(int) atsim.Row {
				return atsim.Row{
					"contractID": id, "contractServiceID": line, "serviceID": service, "units": 1, "cost": 2, "price": 3,
					"startDate": today, "endDate": today,
				}
			})
			return id
		}, v1.OutcomePushed, nil},
		"a company with 25,000 contacts": {v1.KindCompany, func(b *bench) int64 {
			id := b.customer("Contacts Ltd")
			b.rows("Contacts", 25_000, func(i int) atsim.Row {
				return atsim.Row{"companyID": id, "firstName": "Ann", "lastName": "Lee", "emailAddress": fmt.Sprintf("c%d@client.example", i), "isActive": 1}
			})
			return id
		}, v1.OutcomePushed, nil},
		"a name of 1.2 MB": {v1.KindCompany, func(b *bench) int64 {
			return b.customer(strings.Repeat("Northwind ", 120_000))
		}, v1.OutcomeDead, []string{"not_pushable"}},
		"an address of 1.2 MB": {v1.KindCompany, func(b *bench) int64 {
			return b.customer("Address Ltd", atsim.Row{"address1": strings.Repeat("Main Street ", 100_000)})
		}, v1.OutcomeRetrying, []string{"target_failed"}},
		"an address that the target just takes": {v1.KindCompany, func(b *bench) int64 {
			return b.customer("Address Ltd", atsim.Row{"address1": strings.Repeat("Main Street ", 85_000)})
		}, v1.OutcomePushed, nil},
	} {
		t.Run(name, func(t *testing.T) {
			b := newBench(t, setup{})
			var others []int64
			for i := range 10 {
				id := b.customer(fmt.Sprintf("Bystander %d", i))
				if one.kind == v1.KindContract {
					id = b.contract(id, "Bystander")
				}
				others = append(others, id)
			}
			id := one.put(b)
			began := time.Now()
			b.batch(one.kind, append([]int64{id}, others...)...)
			t.Logf("it took %s", time.Since(began))
			for _, other := range others {
				b.outcome(one.kind, other, v1.OutcomePushed)
			}
			if len(b.apart(one.kind)) > 0 {
				b.alone(one.kind) // the target does not take it, and takes the others
			}
			e := b.outcome(one.kind, id, one.outcome, one.reasons...)
			t.Logf("detail %q", e.Detail)
			before := b.pushes(id)
			b.batch(one.kind, id)
			if n := b.pushes(id); n != before {
				t.Errorf("it was pushed again, %d times", n-before)
			}
		})
	}
}

// Of very many contacts not all are remembered, but those whose address is used are: when
// one of them moves, the company that it left is found.
func TestAContactThatLeftALargeCompanyIsFound(t *testing.T) {
	b := newBench(t, setup{syncs: []v1.Sync{v1.SyncActiveCustomers}})
	from, to := b.customer("From"), b.customer("To")
	b.rows("Contacts", maxContacts+100, func(int) atsim.Row {
		return atsim.Row{"companyID": from, "firstName": "Bob", "lastName": "Lee", "isActive": 1}
	})
	ann := b.contact(from, "ann@from.example")
	b.batch(v1.KindCompany, from, to)
	if got := b.client(from).Data.Emails; len(got) != 1 {
		t.Fatalf("e-mails %v", got)
	}
	if e := b.entry(v1.KindCompany, from); len(e.Contacts) != maxContacts || e.Contacts[0].ID != ann {
		t.Errorf("%d contacts are remembered, the first is %v", len(e.Contacts), e.Contacts[0])
	}
	b.edit("Contacts", ann, atsim.Row{"companyID": to})
	b.batch(v1.KindContact, ann)
	due := b.dueIDs(v1.KindCompany)
	slices.Sort(due)
	if want := []int64{from, to}; !slices.Equal(due, want) {
		t.Fatalf("due are %v, want %v", due, want)
	}
	b.batch(v1.KindCompany, due...)
	if got := b.client(from).Data.Emails; len(got) != 0 {
		t.Errorf("the company that it left has %v", got)
	}
}
