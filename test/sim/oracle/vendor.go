package oracle

import (
	"math/big"

	"github.com/shopspring/decimal"
)

// defaultVendor is the vendor of a contract on which none can be found.
const defaultVendor = "MSP Managed Services"

// share is what one row spends on one vendor.
type share struct {
	vendor row // of Companies
	cost   *big.Rat
}

// vendorName: lines in force name the vendor; without any unit row the contract's services and bundles do; "Where that
// names nobody: the charges' product vendors by extendedCost; else the default, which vendorNameDefaulted says."
func (t tenant) vendorName(contract row, today string) (name string, defaulted bool) {
	shares := t.sharesOfLines(contract, today)
	if len(t.unitRows(contract)) == 0 {
		shares = t.sharesOfCatalogue(contract)
	}
	if len(shares) == 0 {
		shares = t.sharesOfCharges(contract)
	}
	if len(shares) == 0 {
		return defaultVendor, true
	}
	return text(dearest(shares), "companyName"), false
}

// dearest: "the vendor with the highest sum wins, ties to the lowest id".
func dearest(shares []share) row {
	best, most := row(nil), new(big.Rat)
	for _, candidate := range shares {
		sum := new(big.Rat)
		for _, s := range shares {
			if mustID(s.vendor) == mustID(candidate.vendor) {
				sum.Add(sum, s.cost)
			}
		}
		better := best == nil || sum.Cmp(most) > 0
		if tie := best != nil && sum.Cmp(most) == 0; tie && mustID(candidate.vendor) < mustID(best) {
			better = true
		}
		if better {
			best, most = candidate.vendor, sum
		}
	}
	return best
}

// sharesOfLines: "Each line in force gives its vendor (the row's vendorCompanyID, else the catalogue service's; a bundle
// shares its row's cost out to its services […]) with the row's cost as weight".
func (t tenant) sharesOfLines(contract row, today string) []share {
	var shares []share
	for _, u := range t.linesInForce(contract, today) {
		cost, item := amount(u.row, "cost").Rat(), t.item(contract, u)
		if u.bundle {
			shares = append(shares, t.sharesOfBundle(item, cost)...)
			continue
		}
		if _, has := number(u.row, "vendorCompanyID"); has {
			shares = t.spend(shares, u.row, "vendorCompanyID", cost)
		} else if item != nil {
			shares = t.spend(shares, item, "vendorCompanyID", cost)
		}
	}
	return shares
}

// sharesOfCatalogue: "A contract without any unit row: its services and bundles with their catalogue vendors, weighed by
// the contract line's unitCost, else the catalogue's."
func (t tenant) sharesOfCatalogue(contract row) []share {
	var shares []share
	for _, line := range where(t.services, "contractID", mustID(contract)) {
		service := byID(t.catalogue, line, "serviceID")
		if service == nil {
			continue
		}
		cost := amount(service, "unitCost")
		if own, has := value(line, "unitCost").(decimal.Decimal); has {
			cost = own
		}
		shares = t.spend(shares, service, "vendorCompanyID", cost.Rat())
	}
	for _, line := range where(t.bundles, "contractID", mustID(contract)) {
		if bundle := byID(t.bundleCatalogue, line, "serviceBundleID"); bundle != nil {
			shares = append(shares, t.sharesOfBundle(bundle, amount(bundle, "unitCost").Rat())...)
		} else if id, has := number(line, "serviceBundleID"); has {
			shares = append(shares, t.sharesOfBundle(row{"id": id}, new(big.Rat))...)
		}
	}
	return shares
}

// sharesOfBundle: "a bundle shares its row's cost out to its services by their catalogue unitCost, evenly when none is
// above 0". What falls to a service without a vendor falls to nobody.
func (t tenant) sharesOfBundle(bundle row, cost *big.Rat) []share {
	if bundle == nil {
		return nil
	}
	parts := where(t.bundleServices, "serviceBundleID", mustID(bundle))
	weights, all := make([]decimal.Decimal, len(parts)), decimal.Zero
	for i, part := range parts {
		if service := byID(t.catalogue, part, "serviceID"); service != nil {
			weights[i] = decimal.Max(decimal.Zero, amount(service, "unitCost"))
			all = all.Add(weights[i])
		}
	}
	var shares []share
	for i, part := range parts {
		service := byID(t.catalogue, part, "serviceID")
		if service == nil {
			continue
		}
		own := new(big.Rat).Quo(cost, big.NewRat(int64(len(parts)), 1))
		if all.IsPositive() {
			own = new(big.Rat).Mul(cost, new(big.Rat).Quo(weights[i].Rat(), all.Rat()))
		}
		shares = t.spend(shares, service, "vendorCompanyID", own)
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
			shares = t.spend(shares, product, "defaultVendorID", amount(charge, "extendedCost").Rat())
			continue
		}
		if supplier := t.supplier(product); supplier != nil {
			shares = t.spend(shares, supplier, "vendorID", amount(charge, "extendedCost").Rat())
		}
	}
	return shares
}

// supplier is a product's default vendor row: of several one in use, then the one with the lowest vendor id.
func (t tenant) supplier(product row) row {
	for _, active := range []bool{true, false} {
		var found row
		for _, s := range where(t.suppliers, "productID", mustID(product)) {
			if !isTrue(s, "isDefault") || isTrue(s, "isActive") != active {
				continue
			}
			if found == nil || vendorOf(s) < vendorOf(found) {
				found = s
			}
		}
		if found != nil {
			return found
		}
	}
	return nil
}

func vendorOf(supplier row) int64 {
	id, _ := number(supplier, "vendorID")
	return id
}

// spend adds a share of the company that a field of the row names, if it can be named itself. Vendors are companies of
// any type, active or not.
func (t tenant) spend(shares []share, from row, name string, cost *big.Rat) []share {
	vendor := byID(t.companies, from, name)
	if vendor == nil || text(vendor, "companyName") == "" {
		return shares
	}
	return append(shares, share{vendor, cost})
}
