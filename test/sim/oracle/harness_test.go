package oracle

import (
	"testing"
	"time"

	"go.uber.org/goleak"

	autotask "channelsync/test/sim/autotask/sim"
	channelprogram "channelsync/test/sim/channelprogram/sim"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// today is the day of every test: its last hour in UTC, when it is tomorrow already further east.
var today = time.Date(2026, 11, 23, 23, 30, 0, 0, time.UTC)

var (
	both          = []string{channelprogram.SyncActiveCustomers, channelprogram.SyncActiveCustomerContracts}
	customersOnly = []string{channelprogram.SyncActiveCustomers}
	contractsOnly = []string{channelprogram.SyncActiveCustomerContracts}
)

// put is one row to store; with the id of a row that is there it edits the given fields.
type put struct {
	entity string
	row    autotask.Row
}

func in(entity string, fields autotask.Row) put { return put{entity, fields} }

// with is the rows to come after one another.
func with(rows ...put) []put { return rows }

// Ids of the base tenant.
const (
	acme      = 5  // an active customer without any detail
	agreement = 50 // its contract, recurring services without any part
	alpha     = 71 // vendors
	beta      = 72
	gamma     = 73
)

// base is a tenant with one customer, its contract, and three vendors, one of them inactive.
func base() []put {
	return []put{
		in("Countries", autotask.Row{"id": 237, "name": "United States", "countryCode": "US"}),
		in("Currencies", autotask.Row{"id": 1, "name": "USD", "isInternalCurrency": true}),
		in("Companies", autotask.Row{"id": 0, "companyName": "The MSP", "companyType": 1, "isActive": true}),
		in("Companies", autotask.Row{"id": acme, "companyName": "Acme", "companyType": 1, "isActive": true}),
		in("Companies", autotask.Row{"id": alpha, "companyName": "Alpha", "companyType": 7, "isActive": true}),
		in("Companies", autotask.Row{"id": beta, "companyName": "Beta", "companyType": 7, "isActive": true}),
		in("Companies", autotask.Row{"id": gamma, "companyName": "Gamma", "companyType": 7, "isActive": false}),
		in("Contracts", autotask.Row{
			"id": agreement, "companyID": acme, "contractName": "Care", "contractType": 7, "status": 1,
		}),
	}
}

// tenantOf is a tenant with the base rows and then the given ones.
func tenantOf(t testing.TB, rows ...put) *autotask.Sim {
	t.Helper()
	at := autotask.New(autotask.Config{Now: func() time.Time { return today }})
	t.Cleanup(at.Close)
	fill(at, append(base(), rows...))
	return at
}

// fill stores rows. A unit row that says nothing of its line is of one of its own.
func fill(at *autotask.Sim, rows []put) {
	for i, p := range rows {
		for entity, line := range map[string]string{
			"ContractServiceUnits": "contractServiceID", "ContractServiceBundleUnits": "contractServiceBundleID",
		} {
			if _, said := p.row[line]; p.entity == entity && !said {
				p.row[line] = 9000 + i
			}
		}
		at.Put(p.entity, p.row)
	}
}
