package console

import (
	"encoding/json"
	"strings"
)

// mostRows is how many of the rows behind a figure are shown.
const mostRows = 50

// computed is how a contract's vendor and overall cost were found.
type computed struct {
	Vendor vendorFound
	Cost   costFound
}

type vendorFound struct {
	Rule       string            `json:"rule"`
	Name       string            `json:"name"`
	Defaulted  bool              `json:"defaulted"`
	Candidates []vendorCandidate `json:"candidates"` // the chosen one first
	Notes      []string          `json:"notes"`
}

type vendorCandidate struct {
	ID   json.Number `json:"id"`
	Name string      `json:"name"`
	Sum  string      `json:"sum"`
	Rows []sourceRow `json:"rows"`
}

type costFound struct {
	Option   string      `json:"option"`
	Rule     string      `json:"rule"`
	Field    string      `json:"field"`
	Amount   *string     `json:"amount"`
	Currency string      `json:"currency"`
	From     string      `json:"currencyFrom"`
	Rows     []sourceRow `json:"rows"`
	Notes    []string    `json:"notes"`
	Issues   []string    `json:"issues"`
}

// sourceRow is one row of Autotask's that took part.
type sourceRow struct {
	Entity string      `json:"entity"`
	ID     json.Number `json:"id"`
	Amount *string     `json:"amount"`
}

// computedOf reads a contract's sources; nil when there are none.
func computedOf(sources json.RawMessage) *computed {
	var c computed
	if isNull(sources) || json.Unmarshal(sources, &c) != nil || c.Vendor.Rule == "" {
		return nil
	}
	return &c
}

// Level says in words on which level the vendor was found.
func (v vendorFound) Level() string {
	switch v.Rule {
	case "units":
		return "the vendor on the contract's service units of the day"
	case "services":
		return "the vendor of the services on the contract"
	case "bundles":
		return "the vendor of the services in the contract's bundles"
	case "charges":
		return "the vendor of the products of the contract's charges"
	case "default":
		return "the default, since no service unit, service, bundle or charge of the contract has a vendor"
	}
	return v.Rule
}

// Sum says in words what the overall cost is.
func (c costFound) Sum() string {
	switch c.Rule {
	case "units":
		return "the " + c.Field
	case "estimate":
		return "the estimate on the contract (" + sourceWord(c.Field) + ")"
	case "charges":
		return "the " + c.Field
	case "month":
		return "the " + c.Field
	}
	return "not known"
}

// Shown are the rows that are shown, and Hidden how many are not.
func (c costFound) Shown() []sourceRow { return c.Rows[:min(mostRows, len(c.Rows))] }

// Hidden is how many rows took part but are not shown.
func (c costFound) Hidden() int { return max(0, len(c.Rows)-mostRows) }

// Name is what people call the row's entity.
func (r sourceRow) Name() string { return entityWord(r.Entity) }

// Unknown says whether the cost is not known though it could be read.
func (c costFound) Unknown() bool { return c.Amount == nil }

// Source says in words where the currency comes from.
func (c costFound) Source() string {
	switch {
	case strings.HasPrefix(c.From, "Currencies"):
		return "Autotask's internal currency"
	case strings.HasPrefix(c.From, "option"):
		return "the currency of this installation's options"
	}
	return "a currency that is assumed: neither Autotask's own nor an option says one"
}
