package projection

import (
	"github.com/shopspring/decimal"

	"channelsync/api/autotask"
)

// basis is something that could be the overall cost: rows to add up.
type basis struct {
	rule CostRule
	what string // in the vendor's names
	rows []amountRow
}

// amounts picks one kind of amount from each kind of row.
type amounts struct {
	unitField, estimateField, chargeField string

	unit       func(autotask.ContractServiceUnit) *decimal.Decimal
	bundleUnit func(autotask.ContractServiceBundleUnit) *decimal.Decimal
	estimate   func(autotask.Contract) *decimal.Decimal
	charge     func(autotask.ContractCharge) *decimal.Decimal
}

// costs are what the MSP pays.
var costs = amounts{
	unitField: "cost", estimateField: "estimatedCost", chargeField: "extendedCost",

	unit:       func(u autotask.ContractServiceUnit) *decimal.Decimal { return u.Cost },
	bundleUnit: func(u autotask.ContractServiceBundleUnit) *decimal.Decimal { return u.Cost },
	estimate:   func(c autotask.Contract) *decimal.Decimal { return c.EstimatedCost },
	charge:     func(c autotask.ContractCharge) *decimal.Decimal { return c.ExtendedCost },
}

// prices are what the customer pays. With the vendor's multi-currency module
// they may be in the customer's currency (autotask-rest.md, 5.2).
var prices = amounts{
	unitField: "price", estimateField: "estimatedRevenue", chargeField: "billableAmount",

	unit:       func(u autotask.ContractServiceUnit) *decimal.Decimal { return u.Price },
	bundleUnit: func(u autotask.ContractServiceBundleUnit) *decimal.Decimal { return u.Price },
	estimate:   func(c autotask.Contract) *decimal.Decimal { return c.EstimatedRevenue },
	charge:     func(c autotask.ContractCharge) *decimal.Decimal { return c.BillableAmount },
}

// bases are what the overall cost may be, in their order. The amounts of unit
// rows are extended: units are already multiplied in (autotask-rest.md, 5.2).
func bases(p ContractParts, of amounts) []basis {
	units := make([]amountRow, 0, len(p.Units)+len(p.BundleUnits))
	for _, u := range p.Units {
		units = append(units, amountRow{entity: entityUnit, id: u.ID, amount: of.unit(u)})
	}
	for _, u := range p.BundleUnits {
		units = append(units, amountRow{entity: entityBundleUnit, id: u.ID, amount: of.bundleUnit(u)})
	}
	estimate := []amountRow{{entity: entityContract, id: p.Contract.ID, amount: of.estimate(p.Contract)}}
	charges := make([]amountRow, 0, len(p.Charges))
	for _, c := range p.Charges {
		charges = append(charges, amountRow{entity: entityCharge, id: c.ID, amount: of.charge(c)})
	}
	return []basis{
		{CostOfUnits, "sum of " + of.unitField + " of all unit rows", units},
		{CostOfEstimate, entityContract + "." + of.estimateField, estimate},
		{CostOfCharges, "sum of " + of.chargeField + " of the charges", charges},
	}
}
