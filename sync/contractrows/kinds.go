package contractrows

import (
	"channelsync/api/autotask"
	"channelsync/sync/fetch"
)

// part is what fetching needs to know of a row that hangs on a contract.
type part[T any] struct {
	fetch.Row[T]
	contract func(T) int64
	digested func(T) digested
}

// The kinds of parts.
var (
	serviceParts = part[autotask.ContractService]{
		fetch.NewRow(autotask.EntityContractServices, func(v autotask.ContractService) (int64, []string) { return v.ID, v.Missing }),
		func(v autotask.ContractService) int64 { return v.ContractID },
		func(v autotask.ContractService) digested {
			v.Missing = nil
			return digested{entity: autotask.EntityContractServices, row: v}
		},
	}
	bundleParts = part[autotask.ContractServiceBundle]{
		fetch.NewRow(autotask.EntityContractServiceBundles, func(v autotask.ContractServiceBundle) (int64, []string) { return v.ID, v.Missing }),
		func(v autotask.ContractServiceBundle) int64 { return v.ContractID },
		func(v autotask.ContractServiceBundle) digested {
			v.Missing = nil
			return digested{entity: autotask.EntityContractServiceBundles, row: v, bundle: &v.ServiceBundleID}
		},
	}
	unitParts = part[autotask.ContractServiceUnit]{
		fetch.NewRow(autotask.EntityContractServiceUnits, func(v autotask.ContractServiceUnit) (int64, []string) { return v.ID, v.Missing }),
		func(v autotask.ContractServiceUnit) int64 { return v.ContractID },
		func(v autotask.ContractServiceUnit) digested {
			v.Missing = nil
			return digested{entity: autotask.EntityContractServiceUnits, row: v, unit: true, start: v.StartDate, end: v.EndDate}
		},
	}
	bundleUnitParts = part[autotask.ContractServiceBundleUnit]{
		fetch.NewRow(autotask.EntityContractServiceBundleUnits, func(v autotask.ContractServiceBundleUnit) (int64, []string) { return v.ID, v.Missing }),
		func(v autotask.ContractServiceBundleUnit) int64 { return v.ContractID },
		func(v autotask.ContractServiceBundleUnit) digested {
			v.Missing = nil
			return digested{
				entity: autotask.EntityContractServiceBundleUnits, row: v, unit: true, start: v.StartDate, end: v.EndDate, bundle: v.ServiceBundleID,
			}
		},
	}
	chargeParts = part[autotask.ContractCharge]{
		fetch.NewRow(autotask.EntityContractCharges, func(v autotask.ContractCharge) (int64, []string) { return v.ID, v.Missing }),
		func(v autotask.ContractCharge) int64 { return v.ContractID },
		func(v autotask.ContractCharge) digested {
			v.Missing = nil
			return digested{entity: autotask.EntityContractCharges, row: v, charge: true, product: v.ProductID}
		},
	}
)
