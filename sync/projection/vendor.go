package projection

import (
	"cmp"
	"math/big"
	"slices"
	"strings"
	"unicode/utf8"

	"github.com/shopspring/decimal"

	"channelsync/api/autotask"
	"channelsync/api/channelprogram"
)

// DefaultVendorName stands where a contract has no vendor.
const DefaultVendorName = "MSP Managed Services"

// The rules that can name a vendor, in the order in which they are asked.
const (
	VendorOfLines     = "lines"     // of the lines in force
	VendorOfCatalogue = "catalogue" // of the services and bundles of a contract without any unit row
	VendorOfCharges   = "charges"   // of the charges' products
	VendorDefault     = "default"
)

// share is what one row weighs for one vendor.
type share struct {
	vendor int64
	weight *big.Rat
	entity string // of the row
	row    int64
	from   origin
	item   int64 // the service or product that has the vendor
}

// origin is where a share's vendor stands.
type origin string

const (
	ofRow     origin = "vendor of the unit row"
	ofService origin = "vendor of service %d"
	ofBundle  origin = "share of service %d in the bundle"
	ofProduct origin = "vendor of product %d"
)

// vendorChoice is who was weighed by the rule that named a vendor.
type vendorChoice struct {
	rule       string
	candidates []candidate // the chosen one first; none with the default
	passed     []int64     // vendors that have no name
}

// candidate is a vendor with what speaks for it.
type candidate struct {
	id     int64
	name   string
	sum    *big.Rat
	shares []share
}

// chooseVendor takes the first rule that names a vendor. Of several the one with the
// highest sum wins, and of equal ones the lowest id, so that the same rows always give
// the same vendor.
//
// A vendor whose company cannot be read (deleted, hidden, without a name) is passed over:
// its id alone would be no name, and calling the contract the MSP's own while another
// vendor is on it would be wrong.
func chooseVendor(p ContractParts, ls lines) vendorChoice {
	c := vendorChoice{rule: VendorOfLines}
	if len(ls.billed) > 0 {
		c.weigh(sharesOfLines(p, ls), p.VendorNames)
	} else {
		c.rule = VendorOfCatalogue
		c.weigh(sharesOfCatalogue(p, ls), p.VendorNames)
	}
	if len(c.candidates) == 0 {
		c.rule = VendorOfCharges
		c.weigh(sharesOfCharges(p), p.VendorNames)
	}
	if len(c.candidates) == 0 {
		c.rule = VendorDefault
	}
	return c
}

func (c vendorChoice) defaulted() bool { return c.rule == VendorDefault }

// name is the vendor's name, or the default's.
func (c vendorChoice) name() string {
	if len(c.candidates) == 0 {
		return DefaultVendorName
	}
	return c.candidates[0].name
}

// weigh adds up each vendor's shares; the heaviest comes first.
func (c *vendorChoice) weigh(shares []share, names map[int64]string) {
	at := map[int64]int{}
	for _, s := range shares {
		i, known := at[s.vendor]
		if !known {
			i = len(c.candidates)
			at[s.vendor] = i
			c.candidates = append(c.candidates, candidate{id: s.vendor, name: strings.TrimSpace(names[s.vendor]), sum: new(big.Rat)})
		}
		of := &c.candidates[i]
		of.sum.Add(of.sum, s.weight)
		of.shares = append(of.shares, s)
	}
	c.candidates = slices.DeleteFunc(c.candidates, func(of candidate) bool {
		usable := of.name != "" && utf8.RuneCountInString(of.name) <= channelprogram.MaxName
		if !usable {
			c.passed = append(c.passed, of.id)
		}
		return !usable
	})
	slices.SortFunc(c.candidates, func(a, b candidate) int { return cmp.Or(b.sum.Cmp(a.sum), cmp.Compare(a.id, b.id)) })
}

// sharesOfLines weighs by what the rows of the lines in force cost.
func sharesOfLines(p ContractParts, ls lines) []share {
	var shares []share
	for _, l := range ls.inForce(dayOf(p.Today, always)) {
		of := share{weight: rat(l.row.cost), entity: l.row.entity, row: l.row.id}
		item := l.itemOf(l.row)
		switch {
		case l.bundle:
			shares = append(shares, sharesOfBundle(p, item, of)...)
		case l.row.vendor != nil:
			of.vendor, of.from = *l.row.vendor, ofRow
			shares = append(shares, of)
		case p.Catalogue[item].VendorCompanyID != nil:
			of.vendor, of.from, of.item = *p.Catalogue[item].VendorCompanyID, ofService, item
			shares = append(shares, of)
		}
	}
	return shares
}

// sharesOfCatalogue weighs the services and bundles of a contract without unit rows,
// which tells no quantities, by what one unit of each costs.
func sharesOfCatalogue(p ContractParts, ls lines) []share {
	var shares []share
	for _, l := range ls.unbilled {
		if l.bundle {
			of := share{weight: rat(p.BundleCatalogue[l.item].UnitCost), entity: autotask.EntityContractServiceBundles, row: l.id}
			shares = append(shares, sharesOfBundle(p, l.item, of)...)
			continue
		}
		s := p.Catalogue[l.item]
		if s.VendorCompanyID != nil {
			shares = append(shares, share{
				vendor: *s.VendorCompanyID, weight: rat(cmp.Or(l.unitCost, s.UnitCost)),
				entity: autotask.EntityContractServices, row: l.id, from: ofService, item: l.item,
			})
		}
	}
	return shares
}

// sharesOfBundle shares a weight out to the services of a bundle by their catalogue's
// unit costs, evenly when none is above zero: a bundle has no vendor of its own. What
// falls to a service without a vendor falls to nobody.
func sharesOfBundle(p ContractParts, bundle int64, of share) []share {
	var services []autotask.Service
	total := new(big.Rat)
	for _, part := range p.BundleServices {
		if part.ServiceBundleID == bundle {
			s := p.Catalogue[part.ServiceID]
			services = append(services, s)
			total.Add(total, above(s.UnitCost))
		}
	}
	var shares []share
	for _, s := range services {
		if s.VendorCompanyID == nil {
			continue
		}
		part := big.NewRat(1, int64(len(services)))
		if total.Sign() > 0 {
			part = new(big.Rat).Quo(above(s.UnitCost), total)
		}
		mine := of
		mine.vendor, mine.from, mine.item = *s.VendorCompanyID, ofBundle, s.ID
		mine.weight = new(big.Rat).Mul(of.weight, part)
		shares = append(shares, mine)
	}
	return shares
}

// above is an amount above zero, or nothing.
func above(d *decimal.Decimal) *big.Rat {
	if r := rat(d); r.Sign() > 0 {
		return r
	}
	return new(big.Rat)
}

// sharesOfCharges weighs by extended cost.
func sharesOfCharges(p ContractParts) []share {
	var shares []share
	for _, c := range p.Charges {
		if c.ProductID == nil {
			continue
		}
		if v, ok := productVendor(p, *c.ProductID); ok {
			shares = append(shares, share{
				vendor: v, weight: rat(c.ExtendedCost), entity: autotask.EntityContractCharges, row: c.ID,
				from: ofProduct, item: *c.ProductID,
			})
		}
	}
	return shares
}

// productVendor is a product's own default vendor, else the default among its product vendors.
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
	vendor := slices.MinFunc(defaults, func(a, b autotask.ProductVendor) int {
		return cmp.Or(boolean(b.IsActive)-boolean(a.IsActive), cmp.Compare(a.VendorID, b.VendorID))
	})
	return vendor.VendorID, true
}
