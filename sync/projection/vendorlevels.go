package projection

import (
	"cmp"
	"slices"

	"channelsync/api/autotask"
)

// share is one row's weight for one vendor.
type share struct {
	vendor int64
	row    amountRow
}

// vendorLevels is the order of interfaces §5 (paths: autotask-rest.md, 6.1).
var vendorLevels = [...]struct {
	rule   VendorRule
	shares func(ContractParts) []share
}{
	{VendorOfUnits, sharesOfUnits},
	{VendorOfServices, sharesOfServices},
	{VendorOfBundles, sharesOfBundles},
	{VendorOfCharges, sharesOfCharges},
}

// sharesOfUnits weighs by the cost of the rows whose period contains today.
func sharesOfUnits(p ContractParts) []share {
	var shares []share
	for _, u := range p.Units {
		if u.VendorCompanyID != nil && covers(u.StartDate, u.EndDate, p.Today) {
			shares = append(shares, share{*u.VendorCompanyID, amountRow{entity: entityUnit, id: u.ID, amount: u.Cost}})
		}
	}
	return shares
}

// sharesOfServices weighs by what the contract pays for one unit of each
// service: the row has no quantity (autotask-rest.md, 5.2).
func sharesOfServices(p ContractParts) []share {
	var shares []share
	for _, s := range p.Services {
		if v := p.Catalogue[s.ServiceID].VendorCompanyID; v != nil {
			shares = append(shares, share{*v, amountRow{entity: entityService, id: s.ID, amount: s.UnitCost}})
		}
	}
	return shares
}

// sharesOfBundles weighs by the catalogue's cost of each service: a bundle has
// no vendor of its own and no cost per service.
func sharesOfBundles(p ContractParts) []share {
	var shares []share
	for _, b := range p.Bundles {
		for _, part := range p.BundleServices {
			if part.ServiceBundleID != b.ServiceBundleID {
				continue
			}
			s := p.Catalogue[part.ServiceID]
			if s.VendorCompanyID != nil {
				row := amountRow{entity: entityBundle, id: b.ID, amount: s.UnitCost}
				shares = append(shares, share{*s.VendorCompanyID, row})
			}
		}
	}
	return shares
}

// sharesOfCharges weighs by extended cost. A product's own default vendor comes
// before the default among its product vendors.
func sharesOfCharges(p ContractParts) []share {
	var shares []share
	for _, c := range p.Charges {
		if c.ProductID == nil {
			continue
		}
		if v, ok := productVendor(p, *c.ProductID); ok {
			shares = append(shares, share{v, amountRow{entity: entityCharge, id: c.ID, amount: c.ExtendedCost}})
		}
	}
	return shares
}

func productVendor(p ContractParts, product int64) (int64, bool) {
	if v := p.Products[product].DefaultVendorID; v != nil {
		return *v, true
	}
	var defaults []autotask.ProductVendor
	for _, v := range p.ProductVendors {
		if v.ProductID == product && v.IsDefault {
			defaults = append(defaults, v)
		}
	}
	if len(defaults) == 0 {
		return 0, false
	}
	// One default is the rule; should there be more, a relation in use goes first, then the lowest vendor.
	chosen := slices.MinFunc(defaults, func(a, b autotask.ProductVendor) int {
		if a.IsActive != b.IsActive {
			if a.IsActive {
				return -1
			}
			return 1
		}
		return cmp.Compare(a.VendorID, b.VendorID)
	})
	return chosen.VendorID, true
}
