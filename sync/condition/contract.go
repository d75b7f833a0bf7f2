package condition

import (
	"slices"
	"strings"

	"channelsync/api/autotask"
	v1 "channelsync/api/v1"
)

// OptionActive is the value of Options.ContractStatus that lets only contracts
// of status In Effect sync; "any", and empty, let all of them. It is about that flag
// alone: at the vendor neither an end date that has passed nor an end of billing changes it.
const OptionActive = "active"

// ContractFacts are what the decision about a contract rests on. That the
// company has a contract is known from the contract's existence.
type ContractFacts struct {
	Contract        autotask.Contract // as it is now
	ContractDeleted bool              // a GET by id found nothing
	Company         autotask.Company  // the contract's company as it is now; of a deleted one only the id counts
	CompanyDeleted  bool
	Installed       bool // the sync is installed
	Options         v1.Options
	Names           Names
}

// Contract decides for active_customer_contracts: a contract whose company is
// of type Customer and active, within the installation's filters. Of a deleted
// contract nothing else is judged: it has no company, type or status left.
func Contract(f ContractFacts) Decision {
	var conditions []v1.Condition
	if !f.ContractDeleted {
		conditions = append(conditions, contractStatus(f), contractType(f), contractCategory(f))
	}
	conditions = append(conditions, deleted("contract", f.ContractDeleted))
	handsOff := false
	if !f.ContractDeleted {
		client := clientDecision(f)
		handsOff = client.HandsOff
		conditions = append(conditions, clientInScope(client))
	}
	conditions = append(conditions, installed(v1.SyncActiveCustomerContracts, f.Installed))
	d := decide(v1.SyncActiveCustomerContracts, conditions)
	d.HandsOff = d.HandsOff || handsOff
	return d
}

// contractStatus asks for status 1, never for "not inactive": the vendor does
// not document the numbers of the inactive ones.
func contractStatus(f ContractFacts) v1.Condition {
	name := contractStatusName(f.Contract.Status, f.Names)
	c := v1.Condition{Code: v1.ReasonContractInactive, Name: "Contract status is In Effect", Value: name, Detail: "contract status is " + name}
	switch {
	case f.Options.ContractStatus != OptionActive:
		c.Name, c.Met = "Contract status is any", true
		c.Detail += "; contracts of any status sync"
	case f.Contract.Status == statusActive:
		c.Met = true
	default:
		c.Detail += "; the options of this installation let only In Effect (1) sync"
	}
	return c
}

func contractType(f ContractFacts) v1.Condition {
	n, name := f.Contract.ContractType, typed(contractTypes, f.Names["contractType"])
	return filter(filterFacts{
		what: "contract type", value: name(n), id: &n,
		wanted: f.Options.ContractTypes, name: name,
	})
}

func contractCategory(f ContractFacts) v1.Condition {
	id, name := f.Contract.ContractCategory, naming(f.Names["contractCategory"])
	return filter(filterFacts{what: "contract category", value: optional(id, name), id: id, wanted: f.Options.ContractCategories, name: name})
}

// clientDecision asks of the company what it would be asked if it synced itself.
func clientDecision(f ContractFacts) Decision {
	company := CompanyFacts{Company: f.Company, Deleted: f.CompanyDeleted, Options: f.Options, Names: f.Names}
	return decide(v1.SyncActiveCustomerContracts, slices.Concat(companyRow(company), companyRest(company)))
}

// clientInScope holds when the company itself meets the conditions; whatever
// keeps the company out is named in the detail.
func clientInScope(client Decision) v1.Condition {
	if client.Met {
		return v1.Condition{
			Code: v1.ReasonClientOutOfScope, Name: "Its company is in scope", Met: true, Value: "in scope",
			Detail: "the contract's company is in scope",
		}
	}
	return v1.Condition{
		Code: v1.ReasonClientOutOfScope, Name: "Its company is in scope", Value: strings.Join(client.Reasons(), ", "),
		Detail: "the contract's company is out of scope (" + strings.Join(client.why(), ", and ") + ")",
	}
}
