package autotask

// The entities we read, as they stand in paths.
const (
	EntityCompanies                  = "Companies"
	EntityContacts                   = "Contacts"
	EntityContracts                  = "Contracts"
	EntityContractServices           = "ContractServices"
	EntityContractServiceUnits       = "ContractServiceUnits"
	EntityContractServiceBundles     = "ContractServiceBundles"
	EntityContractServiceBundleUnits = "ContractServiceBundleUnits"
	EntityContractCharges            = "ContractCharges"
	EntityServices                   = "Services"
	EntityServiceBundles             = "ServiceBundles"
	EntityServiceBundleServices      = "ServiceBundleServices"
	EntityProducts                   = "Products"
	EntityProductVendors             = "ProductVendors"
	EntityCurrencies                 = "Currencies"
	EntityCountries                  = "Countries"
)
