package projection

import (
	"fmt"
	"strconv"
	"strings"
	"time"

	"channelsync/api/autotask"
	"channelsync/api/channelprogram"
	v1 "channelsync/api/v1"
)

// ContractParts are the rows that a contract is made of. Lists may be in any
// order and hold this contract's rows only; maps may hold more than it needs.
type ContractParts struct {
	Contract   autotask.Contract
	ClientName string // name of the contract's company

	Units       []autotask.ContractServiceUnit
	Services    []autotask.ContractService
	Bundles     []autotask.ContractServiceBundle
	BundleUnits []autotask.ContractServiceBundleUnit
	Charges     []autotask.ContractCharge

	Catalogue       map[int64]autotask.Service       // by service id: vendor, cost and period
	BundleCatalogue map[int64]autotask.ServiceBundle // by bundle id: period
	BundleServices  []autotask.ServiceBundleService  // what the bundles are made of
	Products        map[int64]autotask.Product       // by product id
	ProductVendors  []autotask.ProductVendor
	VendorNames     map[int64]string // name of each vendor company that can be read, active or not

	Currency      string // ISO code of the tenant's internal currency
	CurrencyKnown bool   // it could be read
	CostsReadable bool   // the API user's security level lets it read costs
	Today         time.Time
	Options       v1.Options
}

// ContractProjection is what the target should hold of a contract.
type ContractProjection struct {
	Input       channelprogram.ContractInput // without its Source
	Fingerprint string
	Sources     []Source
	Vendor      VendorReport
	Cost        CostReport
	Issues      []string // the codes below, each once, in their order
}

// Issues of a projection: pushed all the same, but somebody should know.
const (
	IssueVendorUnnamed  = "vendor_name_unknown"  // a vendor was passed over, its company cannot be read or has no usable name
	IssueCostUnknown    = "cost_unknown"         // no rule gave a figure above zero
	IssueCostsHidden    = "costs_unreadable"     // the API user may not read costs
	IssuePeriodUnknown  = "period_unknown"       // a unit row's service has no known period, so no monthly figure
	IssueCostOutOfRange = "cost_out_of_range"    // more digits than the target takes
	IssueCurrency       = "currency_assumed_usd" // neither the tenant's nor an option's currency is known
)

// Contract projects a contract. The error is a *FieldError: a name is missing
// or too long for the target.
func Contract(p ContractParts) (ContractProjection, error) {
	clientName, err := required("Companies.companyName", p.ClientName)
	if err != nil {
		return ContractProjection{}, fmt.Errorf("project contract: %w", err)
	}
	name, err := contractName(p.Contract.ContractName)
	if err != nil {
		return ContractProjection{}, fmt.Errorf("project contract: %w", err)
	}
	vendor, cost := vendorOf(p), costOf(p)
	out := ContractProjection{
		Input: channelprogram.ContractInput{
			Client: channelprogram.ClientRef{
				ExternalID: strconv.FormatInt(p.Contract.CompanyID, 10), Name: clientName,
			},
			VendorName:          vendor.Name,
			VendorNameDefaulted: vendor.Defaulted,
			Name:                name,
			OverallCost:         cost.money(),
		},
		Vendor: vendor,
		Cost:   cost,
		Issues: append(vendor.issues(), cost.Issues...),
	}
	out.Sources = out.sources()
	out.Fingerprint = ContractFingerprint(out.Input)
	return out, nil
}

// contractName is optional at the target: an empty one is absent, not invented.
func contractName(text string) (*string, error) {
	text = strings.TrimSpace(text)
	if text == "" {
		return nil, nil
	}
	return &text, limited("Contracts.contractName", text)
}

func (c ContractProjection) sources() []Source {
	in := c.Input
	sources := []Source{
		{Field: "client.externalId", Value: in.Client.ExternalID, From: "Contracts.companyID"},
		{Field: "client.name", Value: in.Client.Name, From: "Companies.companyName"},
		{Field: "vendorName", Value: in.VendorName, From: c.Vendor.from()},
	}
	if in.Name != nil {
		sources = append(sources, Source{Field: "name", Value: *in.Name, From: "Contracts.contractName"})
	}
	if in.OverallCost != nil {
		sources = append(sources,
			Source{Field: "overallCost.amount", Value: in.OverallCost.Amount, From: c.Cost.from()},
			Source{Field: "overallCost.currency", Value: in.OverallCost.Currency, From: c.Cost.CurrencyFrom})
	}
	return sources
}
