package reconcile

import "channelsync/api/autotask"

// part is what fetching needs to know of a row that hangs on a contract.
type part[T any] struct {
	row[T]
	contract func(T) int64
	digested func(T) digested
}

// The kinds of parts.
var (
	serviceParts = part[autotask.ContractService]{
		row[autotask.ContractService]{
			entity:  autotask.EntityContractServices,
			id:      func(v autotask.ContractService) int64 { return v.ID },
			missing: func(v autotask.ContractService) []string { return v.Missing },
		},
		func(v autotask.ContractService) int64 { return v.ContractID },
		func(v autotask.ContractService) digested {
			v.Missing = nil
			return digested{entity: autotask.EntityContractServices, row: v}
		},
	}
	bundleParts = part[autotask.ContractServiceBundle]{
		row[autotask.ContractServiceBundle]{
			entity:  autotask.EntityContractServiceBundles,
			id:      func(v autotask.ContractServiceBundle) int64 { return v.ID },
			missing: func(v autotask.ContractServiceBundle) []string { return v.Missing },
		},
		func(v autotask.ContractServiceBundle) int64 { return v.ContractID },
		func(v autotask.ContractServiceBundle) digested {
			v.Missing = nil
			return digested{entity: autotask.EntityContractServiceBundles, row: v, bundle: &v.ServiceBundleID}
		},
	}
	unitParts = part[autotask.ContractServiceUnit]{
		row[autotask.ContractServiceUnit]{
			entity:  autotask.EntityContractServiceUnits,
			id:      func(v autotask.ContractServiceUnit) int64 { return v.ID },
			missing: func(v autotask.ContractServiceUnit) []string { return v.Missing },
		},
		func(v autotask.ContractServiceUnit) int64 { return v.ContractID },
		func(v autotask.ContractServiceUnit) digested {
			v.Missing = nil
			return digested{entity: autotask.EntityContractServiceUnits, row: v, unit: true, start: v.StartDate, end: v.EndDate}
		},
	}
	bundleUnitParts = part[autotask.ContractServiceBundleUnit]{
		row[autotask.ContractServiceBundleUnit]{
			entity:  autotask.EntityContractServiceBundleUnits,
			id:      func(v autotask.ContractServiceBundleUnit) int64 { return v.ID },
			missing: func(v autotask.ContractServiceBundleUnit) []string { return v.Missing },
		},
		func(v autotask.ContractServiceBundleUnit) int64 { return v.ContractID },
		func(v autotask.ContractServiceBundleUnit) digested {
			v.Missing = nil
			return digested{
				entity: autotask.EntityContractServiceBundleUnits, row: v, unit: true, start: v.StartDate, end: v.EndDate, bundle: v.ServiceBundleID,
			}
		},
	}
	chargeParts = part[autotask.ContractCharge]{
		row[autotask.ContractCharge]{
			entity:  autotask.EntityContractCharges,
			id:      func(v autotask.ContractCharge) int64 { return v.ID },
			missing: func(v autotask.ContractCharge) []string { return v.Missing },
		},
		func(v autotask.ContractCharge) int64 { return v.ContractID },
		func(v autotask.ContractCharge) digested {
			v.Missing = nil
			return digested{entity: autotask.EntityContractCharges, row: v, charge: true, product: v.ProductID}
		},
	}
)
