package condition

import (
	"fmt"
	"slices"

	"channelsync/api/autotask"
	v1 "channelsync/api/v1"
)

// CompanyFacts are what the decision about a company rests on.
type CompanyFacts struct {
	Company   autotask.Company // as it is now; of a deleted one only the id counts
	Deleted   bool             // a GET by id found nothing
	Installed bool             // the sync is installed
	Options   v1.Options
	Names     Names
}

// Company decides for active_customers: a company of type Customer that is active.
func Company(f CompanyFacts) Decision {
	return decide(v1.SyncActiveCustomers, slices.Concat(
		companyRow(f),
		companyRest(f),
		[]v1.Condition{installed(v1.SyncActiveCustomers, f.Installed)},
	))
}

// ContractsCompanyFacts are what the decision about a company rests on where
// only the contracts sync is installed.
type ContractsCompanyFacts struct {
	CompanyFacts
	HasContract bool // Autotask has at least one contract of the company
}

// ContractsCompany decides whether a company is a client of
// active_customer_contracts: type Customer, active, and at least one contract.
// Such a company is never pushed itself; its contracts carry its name.
func ContractsCompany(f ContractsCompanyFacts) Decision {
	return decide(v1.SyncActiveCustomerContracts, slices.Concat(
		companyRow(f.CompanyFacts),
		[]v1.Condition{hasContract(f)},
		companyRest(f.CompanyFacts),
		[]v1.Condition{installed(v1.SyncActiveCustomerContracts, f.Installed)},
	))
}

// companyRow judges type, status and id. A deleted company has no type and no
// status left, and saying "not a customer" of it would be a guess.
func companyRow(f CompanyFacts) []v1.Condition {
	own := ownCompany(f.Company.ID)
	if f.Deleted {
		return []v1.Condition{own}
	}
	return []v1.Condition{companyType(f.Company.CompanyType, f.Names), companyStatus(f.Company.IsActive), own}
}

func companyRest(f CompanyFacts) []v1.Condition {
	conditions := []v1.Condition{excluded(f.Company.ID, f.Options)}
	if !f.Deleted {
		conditions = append(conditions, classification(f))
	}
	return append(conditions, deleted("company", f.Deleted))
}

func companyType(n int64, names Names) v1.Condition {
	c := v1.Condition{Code: v1.ReasonTypeNotCustomer, Name: "Type is Customer", Met: n == typeCustomer, Value: typed(companyTypes, names["companyType"])(n)}
	c.Detail = "company type is " + c.Value
	if !c.Met {
		c.Detail += "; only Customer (1) syncs"
	}
	return c
}

func companyStatus(active bool) v1.Condition {
	c := v1.Condition{Code: v1.ReasonStatusInactive, Name: "Status is Active", Met: active, Value: activeWord(active)}
	c.Detail = "company status is " + c.Value
	if !c.Met {
		c.Detail += "; only Active syncs"
	}
	return c
}

func ownCompany(id int64) v1.Condition {
	c := v1.Condition{Code: v1.ReasonOwnCompany, Name: "Is not your own organization", Met: id != ownCompanyID, Value: "company " + number(id)}
	c.Detail = "company is not your own organization"
	if !c.Met {
		c.Detail = "company is your own organization (id 0), which never syncs"
	}
	return c
}

func hasContract(f ContractsCompanyFacts) v1.Condition {
	c := v1.Condition{Code: v1.ReasonNoContract, Name: "Has at least one contract", Met: f.HasContract, Value: "no", Detail: "company has no contract"}
	if c.Met {
		c.Value, c.Detail = "yes", "company has at least one contract"
	}
	return c
}

// excluded knows both lists: exclude always wins, and a non-empty include list leaves out everyone else.
func excluded(id int64, o v1.Options) v1.Condition {
	c := v1.Condition{Code: v1.ReasonExcluded, Name: "Is not on the exclude list", Value: "on no list"}
	if len(o.Include) > 0 {
		c.Name = "Is on the include list, and not on the exclude list"
	}
	switch {
	case slices.Contains(o.Exclude, id):
		c.Value, c.Detail = "on the exclude list", fmt.Sprintf("company %d is on the exclude list of this installation", id)
	case len(o.Include) == 0:
		c.Met, c.Detail = true, "company is not on the exclude list"
	case slices.Contains(o.Include, id):
		c.Met, c.Value, c.Detail = true, "on the include list", "company is on the include list"
	default:
		c.Value = "not on the include list"
		c.Detail = fmt.Sprintf("company %d is not on the include list of this installation", id)
	}
	return c
}

func classification(f CompanyFacts) v1.Condition {
	id, name := f.Company.Classification, naming(f.Names["classification"])
	return filter(filterFacts{what: "company classification", value: optional(id, name), id: id, wanted: f.Options.CompanyClassifications, name: name})
}

type filterFacts struct {
	what, value string
	id          *int64
	wanted      []int64 // empty: all
	name        func(int64) string
}

func filter(f filterFacts) v1.Condition {
	c := v1.Condition{Code: v1.ReasonFiltered, Name: capital(f.what) + " is any", Value: f.value, Detail: f.what + " is " + f.value}
	if len(f.wanted) > 0 {
		c.Name = capital(f.what) + " is one of " + list(f.wanted, f.name)
		if len(f.wanted) == 1 {
			c.Name = capital(f.what) + " is " + list(f.wanted, f.name)
		}
	} else {
		c.Met = true
		c.Detail += "; all of them sync"
		return c
	}
	c.Met = f.id != nil && slices.Contains(f.wanted, *f.id)
	if !c.Met {
		c.Detail += "; the filter of this installation lets only " + list(f.wanted, f.name) + " sync"
	}
	return c
}

func deleted(what string, gone bool) v1.Condition {
	if gone {
		return v1.Condition{
			Code: v1.ReasonDeletedAtSource, Name: "Exists in Autotask", Value: "deleted",
			Detail: what + " no longer exists in Autotask",
		}
	}
	return v1.Condition{Code: v1.ReasonDeletedAtSource, Name: "Exists in Autotask", Met: true, Value: "there", Detail: what + " exists in Autotask"}
}

func installed(sync v1.Sync, is bool) v1.Condition {
	title := "Active Customers"
	if sync == v1.SyncActiveCustomerContracts {
		title = "Active Customer Contracts"
	}
	c := v1.Condition{Code: v1.ReasonSyncNotInstalled, Name: "The sync " + title + " is installed", Met: is, Value: "installed"}
	c.Detail = "the sync " + title + " is installed"
	if !is {
		c.Value, c.Detail = "not installed", "the sync "+title+" is not installed"
	}
	return c
}
