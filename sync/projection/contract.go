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
	Contract        autotask.Contract
	ClientName      string // name of the contract's company
	CompanyCurrency *int64 // currency id of the contract's company; nil: the internal one

	Units       []autotask.ContractServiceUnit
	Services    []autotask.ContractService
	Bundles     []autotask.ContractServiceBundle
	BundleUnits []autotask.ContractServiceBundleUnit
	Charges     []autotask.ContractCharge

	Catalogue       map[int64]autotask.Service       // by service id: vendor, cost and period
	BundleCatalogue map[int64]autotask.ServiceBundle // by bundle id: cost and period
	BundleServices  []autotask.ServiceBundleService  // what the bundles are made of
	Products        map[int64]autotask.Product       // by product id
	ProductVendors  []autotask.ProductVendor
	VendorNames     map[int64]string // name of each vendor company that can be read, active or not

	Currency         string    // ISO code of the tenant's internal currency
	CurrencyKnown    bool      // it could be read
	InternalCurrency *int64    // its id; nil where it could not be read
	CostsReadable    bool      // the API user's security level lets it read costs
	Today            time.Time // midnight UTC of the tenant's calendar day (v1.Options.Today)
	Options          v1.Options
}

// ContractProjection is what the target should hold of a contract.
type ContractProjection struct {
	Input       channelprogram.ContractInput // without its Source
	Fingerprint string
	Sources     v1.ContractSources
	Issues      []string // the codes below, each once, in their order
}

// Issues of a projection: pushed all the same, but somebody should know.
const (
	IssueVendorUnnamed  = "vendor_name_unknown"    // a vendor was passed over, its company cannot be read or has no usable name
	IssueCostUnknown    = "cost_unknown"           // no rule gave a figure above zero
	IssueCostsHidden    = "costs_unreadable"       // the API user may not read costs
	IssuePeriodUnknown  = "period_unknown"         // a line in force has no known billing period, so no monthly figure
	IssuePriceCurrency  = "price_currency_unknown" // a price is in a currency that is not known to be the tenant's own
	IssueCostOutOfRange = "cost_out_of_range"      // more digits than the target takes
	IssueCurrency       = "currency_assumed_usd"   // neither the tenant's nor an option's currency is known
)

// Contract projects a contract. The error is a *FieldError (a name is missing or too long
// for the target) or an autotask.RowError (a price that the option needs cannot be read).
func Contract(p ContractParts) (ContractProjection, error) {
	clientName, err := required("Companies.companyName", p.ClientName)
	if err != nil {
		return ContractProjection{}, fmt.Errorf("project contract: %w", err)
	}
	name, err := contractName(p.Contract.ContractName)
	if err != nil {
		return ContractProjection{}, fmt.Errorf("project contract: %w", err)
	}
	if err := unreadPrice(p); err != nil {
		return ContractProjection{}, fmt.Errorf("project contract: %w", err)
	}
	ls := linesOf(p)
	vendor, cost := chooseVendor(p, ls), costOf(p, ls)
	out := ContractProjection{
		Input: channelprogram.ContractInput{
			Client: channelprogram.ClientRef{
				ExternalID: strconv.FormatInt(p.Contract.CompanyID, 10), Name: clientName,
			},
			VendorName:          vendor.name(),
			VendorNameDefaulted: vendor.defaulted(),
			Name:                name,
			OverallCost:         moneyOf(cost),
		},
	}
	if len(vendor.passed) > 0 {
		out.Issues = append(out.Issues, IssueVendorUnnamed)
	}
	out.Issues = append(out.Issues, cost.Issues...)
	out.Sources = v1.ContractSources{Lines: ls.report(p), Vendor: vendor.source(p, ls), Cost: cost}
	out.Sources.Fields = fieldsOf(out.Input, out.Sources.Vendor, cost)
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

// unreadPrice is what is wrong with a price that the option adds up; other options read none.
func unreadPrice(p ContractParts) error {
	if p.Options.OverallCost != CostPrice {
		return nil
	}
	for _, u := range p.Units {
		if len(u.Unread) > 0 {
			return u.Unread[0]
		}
	}
	for _, u := range p.BundleUnits {
		if len(u.Unread) > 0 {
			return u.Unread[0]
		}
	}
	for _, c := range p.Charges {
		if len(c.Unread) > 0 {
			return c.Unread[0]
		}
	}
	if len(p.Contract.Unread) > 0 {
		return p.Contract.Unread[0]
	}
	return nil
}

// fieldsOf says where each value of a contract came from.
func fieldsOf(in channelprogram.ContractInput, vendor v1.VendorSource, cost v1.CostSource) []v1.Source {
	from := "default, nothing on the contract names a vendor"
	if !vendor.Defaulted {
		from = fmt.Sprintf("Companies %d companyName, by %s", *vendor.ID, vendor.Rule)
	}
	sources := []v1.Source{
		{Field: "client.externalId", Value: in.Client.ExternalID, From: "Contracts.companyID"},
		{Field: "client.name", Value: in.Client.Name, From: "Companies.companyName"},
		{Field: "vendorName", Value: in.VendorName, From: from},
	}
	if in.Name != nil {
		sources = append(sources, v1.Source{Field: "name", Value: *in.Name, From: "Contracts.contractName"})
	}
	if in.OverallCost != nil {
		sources = append(sources,
			v1.Source{Field: "overallCost.amount", Value: in.OverallCost.Amount, From: fmt.Sprintf("%s, %d %s", cost.Field, cost.Count, plural(cost.Count, "row", "rows"))},
			v1.Source{Field: "overallCost.currency", Value: in.OverallCost.Currency, From: cost.CurrencyFrom})
	}
	return sources
}
