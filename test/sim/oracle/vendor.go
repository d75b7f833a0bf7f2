package oracle

import "github.com/shopspring/decimal"

// defaultVendor is the vendor of a contract on which none can be found.
const defaultVendor = "MSP Managed Services"

// share is what one row spends on one vendor.
type share struct {
	vendor row // of Companies
	cost   decimal.Decimal
}

// vendorName: "Vendor, in this order: contract service units of today → contract services → bundles → charges'
// product vendor; several vendors on the first level that has any: the one with the highest sum, ties to the lowest
// id; vendorNameDefaulted says when it fell to the default." today is a UTC date.
func (t tenant) vendorName(contract row, today string) (name string, defaulted bool) {
	for _, level := range [][]share{
		t.sharesOfUnits(contract, today),
		t.sharesOfServices(contract),
		t.sharesOfBundles(contract),
		t.sharesOfCharges(contract),
	} {
		if len(level) > 0 {
			return text(dearest(level), "companyName"), false
		}
	}
	return defaultVendor, true
}

// dearest is the vendor with the highest sum, ties to the lowest id.
func dearest(shares []share) row {
	best, most := row(nil), decimal.Zero
	for _, candidate := range shares {
		sum := decimal.Zero
		for _, s := range shares {
			if mustID(s.vendor) == mustID(candidate.vendor) {
				sum = sum.Add(s.cost)
			}
		}
		better := best == nil || sum.GreaterThan(most)
		if tie := best != nil && sum.Equal(most); tie && mustID(candidate.vendor) < mustID(best) {
			better = true
		}
		if better {
			best, most = candidate.vendor, sum
		}
	}
	return best
}

// sharesOfUnits: "contract service units of today"; "cost of the unit rows"; "today is the UTC date".
func (t tenant) sharesOfUnits(contract row, today string) []share {
	var shares []share
	for _, unit := range where(t.units, "contractID", mustID(contract)) {
		from, to := day(unit, "startDate"), day(unit, "endDate")
		if from == "" || to == "" || today < from || to < today {
			continue
		}
		shares = t.spend(shares, unit, "vendorCompanyID", amount(unit, "cost"))
	}
	return shares
}

// sharesOfServices: "contract services"; "unitCost of services".
func (t tenant) sharesOfServices(contract row) []share {
	var shares []share
	for _, line := range where(t.services, "contractID", mustID(contract)) {
		if service := byID(t.catalogue, line, "serviceID"); service != nil {
			shares = t.spend(shares, service, "vendorCompanyID", amount(line, "unitCost"))
		}
	}
	return shares
}

// sharesOfBundles: "bundles"; "unitCost of services, in bundles the service's".
func (t tenant) sharesOfBundles(contract row) []share {
	var shares []share
	for _, line := range where(t.bundles, "contractID", mustID(contract)) {
		bundle, ok := number(line, "serviceBundleID")
		if !ok {
			continue
		}
		for _, part := range where(t.bundleServices, "serviceBundleID", bundle) {
			if service := byID(t.catalogue, part, "serviceID"); service != nil {
				shares = t.spend(shares, service, "vendorCompanyID", amount(service, "unitCost"))
			}
		}
	}
	return shares
}

// sharesOfCharges: "charges' product vendor"; "extendedCost of charges".
func (t tenant) sharesOfCharges(contract row) []share {
	var shares []share
	for _, charge := range where(t.charges, "contractID", mustID(contract)) {
		product := byID(t.products, charge, "productID")
		if product == nil {
			continue
		}
		if _, ok := number(product, "defaultVendorID"); ok {
			shares = t.spend(shares, product, "defaultVendorID", amount(charge, "extendedCost"))
			continue
		}
		for _, supplier := range where(t.suppliers, "productID", mustID(product)) {
			if isTrue(supplier, "isDefault") {
				shares = t.spend(shares, supplier, "vendorID", amount(charge, "extendedCost"))
				break
			}
		}
	}
	return shares
}

// spend adds a share of the company that a field of the row names, if it can be named itself. Vendors are companies of
// any type, active or not.
func (t tenant) spend(shares []share, from row, name string, cost decimal.Decimal) []share {
	vendor := byID(t.companies, from, name)
	if vendor == nil || text(vendor, "companyName") == "" {
		return shares
	}
	return append(shares, share{vendor, cost})
}
