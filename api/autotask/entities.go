package autotask

import (
	"time"

	"github.com/shopspring/decimal"
)

// The rows we read, by the vendor's JSON names (reference: Autotask REST API,
// entity pages). A pointer is nil where the row says null or the empty string;
// text is trimmed by nobody here. Lacks names the tagged keys that the answer
// did not carry at all: a lacking key is not a cleared field, query answers
// sometimes carry fewer keys than a GET by id.

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
	CreateDate                   time.Time `at:"createDate,stamp"`
	LastActivityDate             time.Time `at:"lastActivityDate,stamp"`
	LastTrackedModifiedDateTime  time.Time `at:"lastTrackedModifiedDateTime,stamp"`
	Lacks                        []string
}

// Contact is a row of Contacts.
type Contact struct {
	ID             int64     `at:"id"`
	CompanyID      int64     `at:"companyID"`
	FirstName      string    `at:"firstName,optional"`
	LastName       string    `at:"lastName,optional"`
	EmailAddress   string    `at:"emailAddress"`
	EmailAddress2  string    `at:"emailAddress2"`
	EmailAddress3  string    `at:"emailAddress3"`
	IsActive       bool      `at:"isActive"` // 0 or 1 on the wire, unlike the company's boolean
	PrimaryContact bool      `at:"primaryContact"`
	CreateDate     time.Time `at:"createDate,stamp"`
	LastModified   time.Time `at:"lastModifiedDate,stamp"`
	Lacks          []string
}

// Contract is a row of Contracts. It has no vendor and no overall cost.
type Contract struct {
	ID               int64            `at:"id"`
	CompanyID        int64            `at:"companyID"`
	ContractName     string           `at:"contractName"`
	ContractType     int64            `at:"contractType"` // 7 is Recurring Service
	ContractCategory *int64           `at:"contractCategory"`
	Status           int64            `at:"status"` // 1 is active
	StartDate        time.Time        `at:"startDate,optional"`
	EndDate          time.Time        `at:"endDate,optional"`
	EstimatedCost    *decimal.Decimal `at:"estimatedCost"`
	EstimatedRevenue *decimal.Decimal `at:"estimatedRevenue"`
	LastModified     time.Time        `at:"lastModifiedDateTime,stamp"` // older builds lack it
	Lacks            []string
}

// ContractService is a service on a contract; no quantity, vendor or stamp.
type ContractService struct {
	ID         int64            `at:"id"`
	ContractID int64            `at:"contractID"`
	ServiceID  int64            `at:"serviceID"`
	UnitCost   *decimal.Decimal `at:"unitCost"`
	UnitPrice  *decimal.Decimal `at:"unitPrice"`
	Lacks      []string
}

// ContractServiceUnit is one billing period of a contract's service. Cost and
// Price are extended amounts: the units are already multiplied in.
type ContractServiceUnit struct {
	ID                int64            `at:"id"`
	ContractID        int64            `at:"contractID"`
	ContractServiceID int64            `at:"contractServiceID"`
	ServiceID         int64            `at:"serviceID"`
	Units             *decimal.Decimal `at:"units"`
	Cost              *decimal.Decimal `at:"cost"`
	Price             *decimal.Decimal `at:"price"`
	StartDate         time.Time        `at:"startDate"`
	EndDate           time.Time        `at:"endDate"`
	VendorCompanyID   *int64           `at:"vendorCompanyID"`
	Lacks             []string
}

// ContractServiceBundle is a bundle of services on a contract.
type ContractServiceBundle struct {
	ID              int64            `at:"id"`
	ContractID      int64            `at:"contractID"`
	ServiceBundleID int64            `at:"serviceBundleID"`
	UnitPrice       *decimal.Decimal `at:"unitPrice"`
	Lacks           []string
}

// ContractServiceBundleUnit is one billing period of a contract's bundle; amounts are extended.
type ContractServiceBundleUnit struct {
	ID                      int64            `at:"id"`
	ContractID              int64            `at:"contractID"`
	ContractServiceBundleID int64            `at:"contractServiceBundleID"`
	ServiceBundleID         int64            `at:"serviceBundleID"`
	Units                   *decimal.Decimal `at:"units"`
	Cost                    *decimal.Decimal `at:"cost"`
	Price                   *decimal.Decimal `at:"price"`
	StartDate               time.Time        `at:"startDate"`
	EndDate                 time.Time        `at:"endDate"`
	Lacks                   []string
}

// ContractCharge is an ad-hoc charge on a contract.
type ContractCharge struct {
	ID             int64            `at:"id"`
	ContractID     int64            `at:"contractID"`
	ProductID      *int64           `at:"productID"`
	ExtendedCost   *decimal.Decimal `at:"extendedCost"`
	BillableAmount *decimal.Decimal `at:"billableAmount"`
	Lacks          []string
}

// Service is a row of the services catalogue.
type Service struct {
	ID              int64            `at:"id"`
	Name            string           `at:"name"`
	PeriodType      *int64           `at:"periodType"` // 2 monthly, 3 quarterly, 4 semi-annual, 5 yearly
	UnitCost        *decimal.Decimal `at:"unitCost"`
	UnitPrice       *decimal.Decimal `at:"unitPrice"`
	VendorCompanyID *int64           `at:"vendorCompanyID"`
	LastModified    time.Time        `at:"lastModifiedDate,stamp"`
	Lacks           []string
}

// ServiceBundle is a row of the bundles catalogue.
type ServiceBundle struct {
	ID           int64     `at:"id"`
	Name         string    `at:"name"`
	PeriodType   *int64    `at:"periodType"`
	LastModified time.Time `at:"lastModifiedDate,stamp"`
	Lacks        []string
}

// ServiceBundleService says that a service is part of a bundle.
type ServiceBundleService struct {
	ID              int64 `at:"id"`
	ServiceBundleID int64 `at:"serviceBundleID"`
	ServiceID       int64 `at:"serviceID"`
	Lacks           []string
}

// Product is a row of Products, for the vendor of a charge.
type Product struct {
	ID              int64  `at:"id"`
	Name            string `at:"name,optional"`
	DefaultVendorID *int64 `at:"defaultVendorID"`
	Lacks           []string
}

// ProductVendor is one vendor of a product.
type ProductVendor struct {
	ID        int64 `at:"id"`
	ProductID int64 `at:"productID"`
	VendorID  int64 `at:"vendorID"`
	IsDefault bool  `at:"isDefault"`
	IsActive  bool  `at:"isActive"`
	Lacks     []string
}

// Currency is a row of Currencies; the internal one is the tenant's.
type Currency struct {
	ID                 int64  `at:"id"`
	Name               string `at:"name"`
	IsInternalCurrency bool   `at:"isInternalCurrency"`
	Lacks              []string
}

// Country is a row of Countries.
type Country struct {
	ID          int64  `at:"id"`
	CountryCode string `at:"countryCode"`
	Lacks       []string
}
