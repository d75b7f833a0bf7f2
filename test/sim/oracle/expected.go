package oracle

import (
	"fmt"
	"strconv"
	"time"

	autotask "channelsync/test/sim/autotask/sim"
	channelprogram "channelsync/test/sim/channelprogram/sim"
)

// customer is the company type that syncs.
const customer = 1

// Options are those of an installation that vendor and cost go by; the zero value has the defaults.
type Options struct {
	OverallCost string // auto, monthly, annual or price
	Currency    string // used when the tenant's own cannot be read
	TimeZone    string // IANA name: whose today it is
}

// Expected is what Channel Program must hold of an installation with default options and the given syncs
// ("active_customers", "active_customer_contracts"), from the rows as they stand; now says which day is today. Entities
// are read one after the other: a State taken while rows change may mix two moments, so compare again (see Agree). It
// panics on a sync that does not exist.
func Expected(at *autotask.Sim, syncs []string, now time.Time) State {
	return ExpectedBy(at, syncs, now, Options{})
}

// ExpectedBy is Expected of an installation with other options.
func ExpectedBy(at *autotask.Sim, syncs []string, now time.Time, o Options) State {
	var customers, contracts bool
	for _, s := range syncs {
		switch s {
		case channelprogram.SyncActiveCustomers:
			customers = true
		case channelprogram.SyncActiveCustomerContracts:
			contracts = true
		default:
			panic(fmt.Sprintf("oracle: no sync %q", s))
		}
	}
	t := read(at)
	today := dateIn(now, o.TimeZone)
	state := State{Clients: map[string]Client{}, Contracts: map[string]Contract{}}
	for _, company := range t.companies {
		if !inScope(company) {
			continue
		}
		clientID := decimalText(company)
		// active_customers pushes: "client: name; street address, e-mail addresses, phone numbers, websites where the
		// record has them".
		if customers {
			state.Clients[clientID] = t.client(company)
		}
		if !contracts {
			continue
		}
		// active_customer_contracts: "the contract's company is type Customer and active, and has at least one
		// contract"; by default contracts of any status and type.
		for _, contract := range where(t.contracts, "companyID", mustID(company)) {
			state.Contracts[decimalText(contract)] = t.contract(contract, company, today, o)
			// It pushes "client: name only (creates it, never overwrites a richer one)".
			if !customers {
				state.Clients[clientID] = Client{Name: text(company, "companyName")}
			}
		}
	}
	return state
}

// inScope: "company companyType == 1 (Customer) and isActive". "Company id 0 (the MSP itself) never syncs." A client
// needs a name.
func inScope(company row) bool {
	kind, _ := number(company, "companyType")
	return kind == customer && isTrue(company, "isActive") && mustID(company) != 0 && text(company, "companyName") != ""
}

// contract is: "vendor name, else MSP Managed Services; contract name if there is one; overall cost".
func (t tenant) contract(contract, company row, today string, o Options) Contract {
	held := Contract{
		ClientID:    decimalText(company),
		ClientName:  text(company, "companyName"),
		OverallCost: t.overallCost(contract, company, today, o),
	}
	held.VendorName, held.VendorNameDefaulted = t.vendorName(contract, today)
	if name := text(contract, "contractName"); name != "" {
		held.Name = &name
	}
	return held
}

// dateIn: "today in option timeZone", by default UTC.
func dateIn(now time.Time, zone string) string {
	in, err := time.LoadLocation(zone)
	if err != nil {
		panic("oracle: " + err.Error())
	}
	return now.In(in).Format(time.DateOnly)
}

func mustID(r row) int64 { return value(r, "id").(int64) }

func decimalText(r row) string { return strconv.FormatInt(mustID(r), 10) }
