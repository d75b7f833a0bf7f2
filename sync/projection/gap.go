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
			"a line in force has no first or no last day, and nobody tells a unit cost",
			"Enter a unit cost on the contract's service in Autotask, or on its service or bundle in the catalogue.",
		}
	case c.credits:
		return gap{
			"its credits are as much as the amounts above zero, or more",
			"That is right where the credits are meant. Otherwise correct the negative amounts on the contract in Autotask.",
		}
	case monthsIn(c.Option) > 0 && len(c.lines.inForce(dayOf(c.parts.Today, always))) == 0:
		return gap{
			"no line of the contract is in force",
			"That is right while its services and bundles have no units. Otherwise give one units above 0 in Autotask, or set the option \"overallCost\" to \"auto\", which counts an estimated cost and charges too.",
		}
	case monthsIn(c.Option) > 0:
		return gap{
			noSource,
			"Enter unit costs on the contract's services in Autotask, or on its services and bundles in the catalogue. An estimated cost and charges count only with the option \"overallCost\" \"auto\".",
		}
	case c.parts.Contract.ContractType != recurringService && c.Option == CostPrice:
		return gap{
			noSource,
			"Enter an estimated revenue on the contract in Autotask, or the billable amount of a charge. Prices of services count on recurring service contracts only.",
		}
	case c.parts.Contract.ContractType != recurringService:
		return gap{
			noSource,
			"Enter an estimated cost on the contract in Autotask, or the cost of a charge. Costs of services count on recurring service contracts only.",
		}
	}
	g := gap{noSource, "Enter unit costs on the contract's services in Autotask, an estimated cost on the contract, or the cost of a charge."}
	if c.Option == CostPrice {
		g.fix = "Enter unit prices on the contract's services in Autotask, an estimated revenue on the contract, or the billable amount of a charge."
	}
	if len(c.lines.billed) > 0 && !slices.ContainsFunc(c.lines.billed, line.hasUnits) {
		g.why = "none of the contract's services and bundles has units"
		g.fix = "That is right where they are cancelled. Otherwise give one units above 0 in Autotask, or enter an estimated cost on the contract or the cost of a charge."
		if c.Option == CostPrice {
			g.fix = "That is right where they are cancelled. Otherwise give one units above 0 in Autotask, or enter an estimated revenue on the contract or the billable amount of a charge."
		}
	}
	return g
}

const noSource = "nothing that could tell it is above zero"

// hasUnits says whether some row of the line has units.
func (l line) hasUnits() bool { return slices.ContainsFunc(l.rows, unitRow.hasUnits) }

// CostFix is what gives contracts an overall cost, in general, by the value of
// Options.OverallCost; gap has the fix of a single contract.
func CostFix(option string) string {
	const services = "In Autotask, enter unit costs on the contract's services"
	fix := services + " (these count on recurring service contracts), an estimated cost on the contract, or the cost of a charge."
	switch option {
	case CostMonthly, CostAnnual:
		fix = services + ", or on its services and bundles in the catalogue, and see that they have units. " +
			"Estimated costs and charges do not count with the option \"overallCost\" \"" + option + "\"."
	case CostPrice:
		fix = "In Autotask, enter unit prices on the contract's services (these count on recurring service contracts), " +
			"an estimated revenue on the contract, or the billable amount of a charge."
	}
	return fix + " The record says which of it applies: nothing is to be done for a contract whose credits are meant to take up its cost, or whose services are cancelled."
}
