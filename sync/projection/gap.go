package projection

import "slices"

// gap is why no figure is above zero, and what would change that.
type gap struct{ why, fix string }

// gap finds the cause of a cost that is not known though nothing hides it. What counts
// depends on the option, so the fix does.
func (c *costing) gap() gap {
	switch {
	case c.undated:
		return gap{
			"a line in force has no first or no last day, and no unit cost is known",
			"Enter a unit cost on the contract's service in Autotask, or on its service or bundle in the catalogue.",
		}
	case c.credits:
		return gap{
			"its credits equal or exceed the amounts above zero",
			"This is correct if the credits are intended. Otherwise correct the negative amounts on the contract in Autotask.",
		}
	case monthsIn(c.Option) > 0 && len(c.lines.inForce(dayOf(c.parts.Today, always))) == 0:
		return gap{
			"no line of the contract is in force",
			"This is correct while its services and bundles have no units. Otherwise give one of them units above 0 in Autotask, or set the option \"overallCost\" to \"auto\", which counts an estimated cost and charges too.",
		}
	case monthsIn(c.Option) > 0:
		return gap{
			noSource,
			"Enter unit costs on the contract's services in Autotask, or on its services and bundles in the catalogue. An estimated cost and charges count only with the option \"overallCost\" \"auto\".",
		}
	case c.parts.Contract.ContractType != recurringService && c.Option == CostPrice:
		return gap{
			noSource,
			"Enter an estimated revenue on the contract in Autotask, or the billable amount of a charge. Prices of services count only on recurring service contracts.",
		}
	case c.parts.Contract.ContractType != recurringService:
		return gap{
			noSource,
			"Enter an estimated cost on the contract in Autotask, or the cost of a charge. Costs of services count only on recurring service contracts.",
		}
	}
	g := gap{noSource, "Enter unit costs on the contract's services in Autotask, an estimated cost on the contract, or the cost of a charge."}
	if c.Option == CostPrice {
		g.fix = "Enter unit prices on the contract's services in Autotask, an estimated revenue on the contract, or the billable amount of a charge."
	}
	if len(c.lines.billed) > 0 && !slices.ContainsFunc(c.lines.billed, line.hasUnits) {
		g.why = "none of the contract's services and bundles has units"
		g.fix = "This is correct if they are cancelled. Otherwise give one of them units above 0 in Autotask, or enter an estimated cost on the contract or the cost of a charge."
		if c.Option == CostPrice {
			g.fix = "This is correct if they are cancelled. Otherwise give one of them units above 0 in Autotask, or enter an estimated revenue on the contract or the billable amount of a charge."
		}
	}
	return g
}

const noSource = "no source for it is above zero"

// hasUnits says whether some row of the line has units.
func (l line) hasUnits() bool { return slices.ContainsFunc(l.rows, unitRow.hasUnits) }

// CostFix is what gives contracts an overall cost, in general, by the value of
// Options.OverallCost; gap has the fix of a single contract.
func CostFix(option string) string {
	const services = "In Autotask, enter unit costs on the contract's services"
	fix := services + " (these count on recurring service contracts), an estimated cost on the contract, or the cost of a charge."
	switch option {
	case CostMonthly, CostAnnual:
		fix = services + ", or on its services and bundles in the catalogue, and make sure that they have units. " +
			"Estimated costs and charges do not count with the option \"overallCost\" \"" + option + "\"."
	case CostPrice:
		fix = "In Autotask, enter unit prices on the contract's services (these count on recurring service contracts), " +
			"an estimated revenue on the contract, or the billable amount of a charge."
	}
	return fix + " The record says which of these applies. A contract needs nothing if its credits are meant to offset its cost, or if its services are cancelled."
}
