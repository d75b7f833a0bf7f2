package autotask

import (
	"time"

	"github.com/shopspring/decimal"
)

// The rows we read, by the vendor's JSON names (reference: Autotask REST API,
// entity pages). A pointer is nil where the row says null or the empty string;
// text is not trimmed here. Missing names the tagged keys that the answer
// did not carry at all: a lacking key is not a cleared field, query answers
// sometimes carry fewer keys than a GET by id. Unread tells of values that could not
// be read and that only some rules need; any other such value makes the row a RowError.

// Company is a row of Companies. Id 0 is the MSP's own organisation.
type Company struct {
	ID                           int64     `at:"id"`
	CompanyName                  string    `at:"companyName"`
	CompanyType                  int64     `at:"companyType"` // 1 is Customer
	IsActive                     bool      `at:"isActive"`
	Address1                     string    `at:"address1"`
	Address2                     string    `at:"address2"`
	AdditionalAddressInformation string    `at:"additionalAddressInformation"`
	City                         string    `at:"city"`
	State                        string    `at:"state"`
	PostalCode                   string    `at:"postalCode"`
	CountryID                    *int64    `at:"countryID"`
	Phone                        string    `at:"phone"`
	AlternatePhone1              string    `at:"alternatePhone1"`
	AlternatePhone2              string    `at:"alternatePhone2"`
	WebAddress                   string    `at:"webAddress"`
	Classification               *int64    `at:"classification"`
	CurrencyID                   *int64    `at:"currencyID"` // nil: the tenant's internal one
	CreateDate                   time.Time `at:"createDate,optional"`
	LastActivityDate             time.Time `at:"lastActivityDate,optional"`
	LastTrackedModifiedDateTime  time.Time `at:"lastTrackedModifiedDateTime,optional"`
	Missing                      []string
}

// Contact is a row of Contacts.
type Contact struct {
	ID             int64     `at:"id"`
	CompanyID      int64     `at:"companyID,parent"`
	FirstName      string    `at:"firstName,optional"`
	LastName       string    `at:"lastName,optional"`
	EmailAddress   string    `at:"emailAddress"`
	EmailAddress2  string    `at:"emailAddress2"`
	EmailAddress3  string    `at:"emailAddress3"`
	IsActive       bool      `at:"isActive"` // 0 or 1 on the wire, unlike the company's boolean
	PrimaryContact bool      `at:"primaryContact"`
	CreateDate     time.Time `at:"createDate,optional"`
	LastModified   time.Time `at:"lastModifiedDate,optional"`
	Missing        []string
}

// Contract is a row of Contracts. It has no vendor and no overall cost.
type Contract struct {
	ID               int64            `at:"id"`
	CompanyID        int64            `at:"companyID"`
	ContractName     string           `at:"contractName"`
	ContractType     int64            `at:"contractType"` // 7 is Recurring Service
	ContractCategory *int64           `at:"contractCategory"`
	Status           int64            `at:"status"`                        // 1 is active
	EndDate          time.Time        `at:"endDate,date,optional,lenient"` // the last day; zero: open
	EstimatedCost    *decimal.Decimal `at:"estimatedCost"`
	EstimatedRevenue *decimal.Decimal `at:"estimatedRevenue,lenient"`
	LastModified     time.Time        `at:"lastModifiedDateTime,optional"` // older builds lack it
	Missing          []string
	Unread           []RowError
}

// ContractService is a service line of a contract; no quantity, vendor or time of modification.
type ContractService struct {
	ID         int64            `at:"id"`
	ContractID int64            `at:"contractID,parent"`
	ServiceID  int64            `at:"serviceID"`
	UnitCost   *decimal.Decimal `at:"unitCost"`
	Missing    []string
}

// ContractServiceUnit is one billing period, or part of one, of a service line. Cost
// and the prices are amounts of the whole row: the units are multiplied in. Cost is in
// the tenant's internal currency, Price in the customer's.
type ContractServiceUnit struct {
	ID                    int64            `at:"id"`
	ContractID            int64            `at:"contractID,parent"`
	ContractServiceID     *int64           `at:"contractServiceID"` // nil on some rows
	ServiceID             *int64           `at:"serviceID"`
	Units                 *decimal.Decimal `at:"units"`
	Cost                  *decimal.Decimal `at:"cost"`
	Price                 *decimal.Decimal `at:"price,lenient"`
	InternalCurrencyPrice *decimal.Decimal `at:"internalCurrencyPrice,lenient"`
	StartDate             time.Time        `at:"startDate,date"` // zero: open
	EndDate               time.Time        `at:"endDate,date"`   // the last day; zero: open
	VendorCompanyID       *int64           `at:"vendorCompanyID"`
	Missing               []string
	Unread                []RowError
}

// ContractServiceBundle is a bundle line of a contract.
type ContractServiceBundle struct {
	ID              int64 `at:"id"`
	ContractID      int64 `at:"contractID,parent"`
	ServiceBundleID int64 `at:"serviceBundleID"`
	Missing         []string
}

// ContractServiceBundleUnit is one billing period, or part of one, of a bundle line;
// amounts as on ContractServiceUnit. It has no vendor.
type ContractServiceBundleUnit struct {
	ID                      int64            `at:"id"`
	ContractID              int64            `at:"contractID,parent"`
	ContractServiceBundleID *int64           `at:"contractServiceBundleID"` // nil on some rows
	ServiceBundleID         *int64           `at:"serviceBundleID"`
	Units                   *decimal.Decimal `at:"units"`
	Cost                    *decimal.Decimal `at:"cost"`
	Price                   *decimal.Decimal `at:"price,lenient"`
	InternalCurrencyPrice   *decimal.Decimal `at:"internalCurrencyPrice,lenient"`
	StartDate               time.Time        `at:"startDate,date"` // zero: open
	EndDate                 time.Time        `at:"endDate,date"`   // the last day; zero: open
	Missing                 []string
	Unread                  []RowError
}

// ContractCharge is an ad-hoc charge on a contract. ExtendedCost is in the tenant's
// internal currency, BillableAmount in the customer's.
type ContractCharge struct {
	ID                             int64            `at:"id"`
	ContractID                     int64            `at:"contractID,parent"`
	ProductID                      *int64           `at:"productID"`
	ExtendedCost                   *decimal.Decimal `at:"extendedCost"`
	BillableAmount                 *decimal.Decimal `at:"billableAmount,lenient"`
	InternalCurrencyBillableAmount *decimal.Decimal `at:"internalCurrencyBillableAmount,lenient"`
	Missing                        []string
	Unread                         []RowError
}

// Service is a row of the services catalogue.
type Service struct {
	ID              int64            `at:"id"`
	Name            string           `at:"name,optional,lenient"`
	PeriodType      *int64           `at:"periodType"` // 2 monthly, 3 quarterly, 4 semi-annual, 5 yearly
	UnitCost        *decimal.Decimal `at:"unitCost"`
	VendorCompanyID *int64           `at:"vendorCompanyID"`
	Missing         []string
}

// ServiceBundle is a row of the bundles catalogue.
type ServiceBundle struct {
	ID         int64            `at:"id"`
	Name       string           `at:"name,optional,lenient"`
	PeriodType *int64           `at:"periodType"`
	UnitCost   *decimal.Decimal `at:"unitCost"`
	Missing    []string
}

// ServiceBundleService says that a service is part of a bundle.
type ServiceBundleService struct {
	ID              int64 `at:"id"`
	ServiceBundleID int64 `at:"serviceBundleID,parent"`
	ServiceID       int64 `at:"serviceID"`
	Missing         []string
}

// Product is a row of Products, for the vendor of a charge.
type Product struct {
	ID              int64  `at:"id"`
	Name            string `at:"name,optional,lenient"`
	DefaultVendorID *int64 `at:"defaultVendorID"`
	Missing         []string
}

// ProductVendor is one vendor of a product.
type ProductVendor struct {
	ID        int64 `at:"id"`
	ProductID int64 `at:"productID,parent"`
	VendorID  int64 `at:"vendorID"`
	IsDefault bool  `at:"isDefault"`
	IsActive  bool  `at:"isActive"`
	Missing   []string
}

// Currency is a row of Currencies; the internal one is the tenant's.
type Currency struct {
	ID                 int64  `at:"id"`
	Name               string `at:"name"`
	IsInternalCurrency bool   `at:"isInternalCurrency"`
	Missing            []string
}

// Country is a row of Countries.
type Country struct {
	ID          int64  `at:"id"`
	CountryCode string `at:"countryCode"`
	Missing     []string
}
