package oracle

import (
	"testing"
	"time"

	autotask "channelsync/test/sim/autotask/sim"
)

// unit is a unit row of today of the contract; fields replace its own.
func unit(vendor any, cost any, fields autotask.Row) put {
	row := autotask.Row{
		"contractID": agreement, "vendorCompanyID": vendor, "cost": cost, "units": 1,
		"startDate": "2026-11-01T00:00:00Z", "endDate": "2026-11-30T00:00:00Z",
	}
	for name, v := range fields {
		row[name] = v
	}
	return in("ContractServiceUnits", row)
}

// service is a service of the catalogue, line the contract's use of one.
func service(id int64, vendor, unitCost any) put {
	return in("Services", autotask.Row{"id": id, "name": "Service", "vendorCompanyID": vendor, "unitCost": unitCost})
}

func line(service, unitCost any) put {
	return in("ContractServices", autotask.Row{"contractID": agreement, "serviceID": service, "unitCost": unitCost})
}

// bundle is a bundle of services on the contract.
func bundle(id int64, services ...int64) []put {
	rows := []put{
		in("ServiceBundles", autotask.Row{"id": id, "name": "Bundle", "unitCost": 100, "periodType": 2}),
		in("ContractServiceBundles", autotask.Row{"contractID": agreement, "serviceBundleID": id}),
	}
	for _, s := range services {
		rows = append(rows, in("ServiceBundleServices", autotask.Row{"serviceBundleID": id, "serviceID": s}))
	}
	return rows
}

func product(id int64, vendor any) put {
	return in("Products", autotask.Row{"id": id, "name": "Product", "defaultVendorID": vendor})
}

func supplier(product, vendor int64, isDefault bool) put {
	return in("ProductVendors", autotask.Row{"productID": product, "vendorID": vendor, "isDefault": isDefault})
}

func charge(product, cost any) put {
	return in("ContractCharges", autotask.Row{
		"contractID": agreement, "name": "Hardware", "productID": product, "extendedCost": cost, "unitCost": 1,
	})
}

func TestVendor(t *testing.T) {
	const none = "" // the default
	for _, c := range []struct {
		why  string
		rows []put
		want string
	}{
		{"no parts, no vendor", nil, none},

		// Lines in force.
		{"the vendor of a unit row of today", with(unit(alpha, 10, nil)), "Alpha"},
		{"an inactive vendor's name counts", with(unit(gamma, 10, nil)), "Gamma"},
		{"a vendor need not be of type vendor", with(unit(acme, 10, nil)), "Acme"},
		{"the MSP itself may be one", with(unit(0, 10, nil)), "The MSP"},
		{
			"a vendor's name is trimmed",
			with(in("Companies", autotask.Row{"id": alpha, "companyName": " Alpha Ltd "}), unit(alpha, 1, nil)), "Alpha Ltd",
		},
		{"the highest cost wins", with(unit(alpha, 10, nil), unit(beta, "10.01", nil)), "Beta"},
		{"sums count, not rows", with(unit(alpha, 6, nil), unit(beta, 10, nil), unit(alpha, 6, nil)), "Alpha"},
		{"a tie goes to the lowest id", with(unit(beta, 10, nil), unit(alpha, "10.000", nil)), "Alpha"},
		{
			"a tie of sums goes to the lowest id",
			with(unit(beta, 10, nil), unit(alpha, 4, nil), unit(alpha, 6, nil)), "Alpha",
		},
		{"rows that cost nothing have a vendor too", with(unit(beta, 0, nil), unit(gamma, nil, nil)), "Beta"},
		{"a negative sum loses against nothing", with(unit(alpha, -5, nil), unit(beta, nil, nil)), "Beta"},
		{"a negative sum alone wins", with(unit(beta, -5, nil)), "Beta"},
		{"rows without a vendor do not count", with(unit(nil, 100, nil), unit(beta, 1, nil)), "Beta"},
		{
			"rows of other contracts do not count",
			with(unit(alpha, 100, autotask.Row{"contractID": 51}), unit(beta, 1, nil)), "Beta",
		},
		{
			"rows of other days do not count",
			with(
				unit(alpha, 100, autotask.Row{"startDate": "2026-10-01", "endDate": "2026-11-22"}),
				unit(gamma, 100, autotask.Row{"startDate": "2026-11-24", "endDate": "2026-12-31"}),
				unit(beta, 1, nil),
			), "Beta",
		},
		{"the first day counts", with(unit(alpha, 1, autotask.Row{"startDate": "2026-11-23"})), "Alpha"},
		{"the last day counts", with(unit(alpha, 1, autotask.Row{"endDate": "2026-11-23"})), "Alpha"},
		{
			"a row that starts later today is of today",
			with(unit(alpha, 1, autotask.Row{"startDate": "2026-11-23T23:59:00Z"})), "Alpha",
		},
		{
			"a row without days is open",
			with(unit(alpha, 1, autotask.Row{"startDate": nil}), unit(beta, 2, autotask.Row{"endDate": nil})), "Beta",
		},
		{
			"an adjustment begins on the day on which the earlier row ends",
			with(
				unit(alpha, 5, autotask.Row{"contractServiceID": 7, "endDate": "2026-11-23"}),
				unit(gamma, 1, autotask.Row{"contractServiceID": 7, "startDate": "2026-11-23"}), unit(beta, 4, nil),
			), "Beta",
		},
		{
			"of rows that start on one day the higher id counts",
			with(unit(alpha, 5, autotask.Row{"contractServiceID": 7}), unit(gamma, 6, autotask.Row{"contractServiceID": 7})), "Gamma",
		},
		{
			"rows without a line are one by their service",
			with(
				unit(alpha, 9, autotask.Row{"contractServiceID": nil, "serviceID": 1}),
				unit(gamma, 1, autotask.Row{"contractServiceID": nil, "serviceID": 1}),
				unit(beta, 5, autotask.Row{"contractServiceID": nil, "serviceID": 2}),
			), "Beta",
		},
		{"a row of no units has no vendor", with(unit(alpha, 100, autotask.Row{"units": 0}), unit(beta, 1, nil)), "Beta"},
		{"nor has one that does not tell them", with(unit(alpha, 100, autotask.Row{"units": nil}), unit(beta, 1, nil)), "Beta"},
		{
			"when no row covers today the last day that one did stands for it",
			with(
				unit(alpha, 100, autotask.Row{"endDate": "2026-11-21"}), unit(beta, 1, autotask.Row{"endDate": "2026-11-22"}),
				unit(gamma, 100, autotask.Row{"startDate": "2026-11-24", "endDate": "2026-12-31"}),
			), "Beta",
		},
		{
			"else the first that one will",
			with(
				unit(alpha, 100, autotask.Row{"startDate": "2026-11-25", "endDate": "2026-12-31"}),
				unit(beta, 1, autotask.Row{"startDate": "2026-11-24", "endDate": "2026-12-31"}),
			), "Beta",
		},
		{
			"a row that ends before it starts stands for no day",
			with(
				unit(alpha, 100, autotask.Row{"endDate": "2026-11-20"}), unit(beta, 1, autotask.Row{"startDate": "2026-11-23", "endDate": "2026-11-22"}),
				unit(gamma, 100, autotask.Row{"startDate": "2026-11-25", "endDate": "2026-11-24"}),
			), "Alpha",
		},
		{
			"nor for one to come",
			with(
				unit(alpha, 100, autotask.Row{"startDate": "2026-11-26", "endDate": "2026-12-31"}),
				unit(gamma, 100, autotask.Row{"startDate": "2026-11-25", "endDate": "2026-11-24"}),
			), "Alpha",
		},
		{
			"a row of no units keeps another day from standing for today",
			with(unit(alpha, 100, autotask.Row{"endDate": "2026-11-22"}), unit(beta, 1, autotask.Row{"units": 0})), none,
		},
		{
			"a row without a vendor has its service's",
			with(service(1, beta, 1), unit(nil, 5, autotask.Row{"serviceID": 1}), unit(alpha, 4, nil)), "Beta",
		},
		{
			"a row that does not tell its service is of its line's",
			with(
				service(1, beta, 1), in("ContractServices", autotask.Row{"id": 3, "contractID": agreement, "serviceID": 1}),
				unit(nil, 5, autotask.Row{"contractServiceID": 3}), unit(alpha, 4, nil),
			), "Beta",
		},
		{
			"a bundle's row is shared out by unit costs, with what its services have of their own",
			append(bundle(9, 1, 2), service(1, alpha, 1), service(2, beta, 3), in("ContractServiceBundleUnits", autotask.Row{
				"contractID": agreement, "serviceBundleID": 9, "units": 1, "cost": 8, "startDate": "2026-11-01",
			}), unit(alpha, 3, nil)), "Beta",
		},
		{
			"evenly when none is above 0",
			append(bundle(9, 1, 2), service(1, beta, 0), service(2, gamma, nil), in("ContractServiceBundleUnits", autotask.Row{
				"contractID": agreement, "serviceBundleID": 9, "units": 1, "cost": 8, "startDate": "2026-11-01",
			}), unit(alpha, 3, nil)), "Beta",
		},
		{
			"rows of no units leave nothing to the services",
			with(unit(alpha, 100, autotask.Row{"units": 0}), service(1, beta, 1), line(1, 1)), none,
		},
		{"a vendor that is gone is passed over", with(unit(999, 100, nil), unit(beta, 1, nil)), "Beta"},
		{
			"a vendor without a name is passed over",
			with(in("Companies", autotask.Row{"id": alpha, "companyName": " "}), unit(alpha, 100, nil), unit(beta, 1, nil)),
			"Beta",
		},
		{
			"a vendor that is gone leaves it to the charges",
			with(unit(999, 100, nil), service(1, gamma, 1), line(1, 1), product(3, beta), charge(3, 100)), "Beta",
		},

		// Services.
		{"units come before services", with(unit(alpha, 1, nil), service(1, beta, 100), line(1, 100)), "Alpha"},
		{
			"the unit cost on the contract decides, not the catalogue's",
			with(service(1, alpha, 100), service(2, beta, 1), line(1, 5), line(2, 6)), "Beta",
		},
		{
			"services add up by vendor",
			with(service(1, alpha, 0), service(2, beta, 0), service(3, alpha, 0), line(1, 5), line(2, 9), line(3, 5)), "Alpha",
		},
		{
			"services tie to the lowest id",
			with(service(1, gamma, 0), service(2, beta, 0), line(1, nil), line(2, 0)), "Beta",
		},
		{"a service without a vendor has none", with(service(1, nil, 5), line(1, 5)), none},
		{"a service that is gone has none", with(line(1, 5)), none},
		{
			"a manufacturer's text is no vendor",
			with(in("Services", autotask.Row{"id": 1, "name": "Mail", "manufacturerServiceProvider": "Mailers"}), line(1, 5)),
			none,
		},

		// Bundles.
		{
			"services and bundles compete",
			append(bundle(9, 1), service(1, alpha, 100), service(2, beta, 1), line(2, 1)), "Alpha",
		},
		{
			"a service without a cost on the contract has its catalogue's",
			with(service(1, alpha, 5), service(2, beta, 6), line(1, nil), line(2, nil)), "Beta",
		},
		{
			"in bundles the service's unit cost decides",
			append(bundle(9, 1, 2), service(1, alpha, 5), service(2, beta, 6)), "Beta",
		},
		{
			"bundles add up by vendor",
			append(append(bundle(9, 1, 2), bundle(8, 3)...), service(1, alpha, 5), service(2, beta, 9), service(3, alpha, 5)),
			"Alpha",
		},
		{"bundles tie to the lowest id", append(bundle(9, 1, 2), service(1, beta, 5), service(2, alpha, 5)), "Alpha"},
		{"a bundle of services without a vendor", append(bundle(9, 1), service(1, nil, 5)), none},
		{
			"a bundle of no contract of ours", with(
				service(1, alpha, 5), in("ServiceBundleServices", autotask.Row{"serviceBundleID": 9, "serviceID": 1}),
				in("ContractServiceBundles", autotask.Row{"contractID": 51, "serviceBundleID": 9}),
			), none,
		},

		// Charges.
		{
			"bundles come before charges",
			append(bundle(9, 1), service(1, alpha, 1), product(3, beta), charge(3, 100)), "Alpha",
		},
		{"a charge's product has a vendor", with(product(3, beta), charge(3, 100)), "Beta"},
		{
			"else the product's default vendor row",
			with(product(3, nil), supplier(3, alpha, false), supplier(3, beta, true), charge(3, 1)), "Beta",
		},
		{
			"a vendor row that is not the default says nothing",
			with(product(3, nil), supplier(3, alpha, false), charge(3, 1)), none,
		},
		{"the product's own vendor goes first", with(product(3, alpha), supplier(3, beta, true), charge(3, 1)), "Alpha"},
		{
			"extended costs add up by vendor",
			with(product(3, alpha), product(4, beta), charge(3, 6), charge(4, 10), charge(3, 6)), "Alpha",
		},
		{"charges tie to the lowest id", with(product(3, beta), product(4, alpha), charge(3, 6), charge(4, 6)), "Alpha"},
		{"a charge without a product has none", with(charge(nil, 100)), none},
		{"a charge whose product is gone has none", with(charge(3, 100)), none},
	} {
		t.Run(c.why, func(t *testing.T) {
			got := Expected(tenantOf(t, c.rows...), both, today).Contracts["50"]
			name, defaulted := c.want, c.want == none
			if defaulted {
				name = "MSP Managed Services"
			}
			if got.VendorName != name || got.VendorNameDefaulted != defaulted {
				t.Errorf("got %q defaulted %v, want %q %v", got.VendorName, got.VendorNameDefaulted, name, defaulted)
			}
		})
	}
}

func TestTodayIsTheUTCDate(t *testing.T) {
	at := tenantOf(
		t,
		unit(alpha, 1, autotask.Row{"startDate": "2026-11-01", "endDate": "2026-11-23"}),
		unit(beta, 1, autotask.Row{"startDate": "2026-11-24", "endDate": "2026-12-31"}),
	)
	for _, c := range []struct {
		at   time.Time
		want string
	}{
		{time.Date(2026, 11, 23, 23, 30, 0, 0, time.UTC), "Alpha"},
		{time.Date(2026, 11, 24, 0, 0, 0, 0, time.UTC), "Beta"},
		{time.Date(2026, 11, 24, 5, 0, 0, 0, time.FixedZone("east", 6*3600)), "Alpha"},
		{time.Date(2026, 11, 23, 20, 0, 0, 0, time.FixedZone("west", -6*3600)), "Beta"},
	} {
		if got := Expected(at, both, c.at).Contracts["50"].VendorName; got != c.want {
			t.Errorf("at %v: %q, want %q", c.at, got, c.want)
		}
	}
}

func TestAVendorCalledLikeTheDefaultIsNoDefault(t *testing.T) {
	at := tenantOf(t, in("Companies", autotask.Row{"id": alpha, "companyName": defaultVendor}), unit(alpha, 1, nil))
	if got := Expected(at, both, today).Contracts["50"]; got.VendorName != defaultVendor || got.VendorNameDefaulted {
		t.Errorf("got %+v", got)
	}
}
