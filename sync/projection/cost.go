package projection

import (
	"fmt"
	"strings"

	"github.com/shopspring/decimal"

	"channelsync/api/channelprogram"
)

// Values of Options.OverallCost; empty means CostAuto.
const (
	CostAuto    = "auto"    // what the contract costs the MSP over its term
	CostMonthly = "monthly" // what it costs a month, today
	CostPrice   = "price"   // what the customer pays over its term
)

// recurringService is the contract type whose unit rows carry the cost
// (autotask-rest.md, 5.1); estimates are not used on it.
const recurringService = 7

// CostRule is the rule that gave the overall cost.
type CostRule string

// The rules.
const (
	CostOfUnits    CostRule = "units"    // all unit rows of services and bundles
	CostOfEstimate CostRule = "estimate" // the contract's own estimate
	CostOfCharges  CostRule = "charges"
	CostOfMonth    CostRule = "month" // unit rows of today, each divided by its period
	CostNone       CostRule = "none"  // not known
)

// CostReport says what a contract costs overall, by which rule, from which rows.
type CostReport struct {
	Option       string   `json:"option"` // auto, monthly or price
	Rule         CostRule `json:"rule"`
	Field        string   `json:"field,omitempty"` // the fields that were added up
	Amount       *string  `json:"amount"`          // nil: not known, which is never 0
	Currency     string   `json:"currency,omitempty"`
	CurrencyFrom string   `json:"currencyFrom,omitempty"`
	Rows         []Row    `json:"rows"`
	Notes        []string `json:"notes,omitempty"`
	Issues       []string `json:"issues,omitempty"`
}

// costOf works the overall cost out by the installation's option. Without the
// right to read costs every cost is empty or 0, or worse only some of them are,
// so then it is not known; a price stays readable.
func costOf(p ContractParts) CostReport {
	r := CostReport{Option: p.Options.OverallCost, Rule: CostNone, Rows: []Row{}}
	if r.Option == "" {
		r.Option = CostAuto
	}
	if r.Option != CostPrice && !p.CostsReadable {
		r.unknown(IssueCostsHidden, "the API user's security level does not let it read costs")
		return r
	}
	var (
		amount decimal.Decimal
		known  bool
	)
	switch r.Option {
	case CostMonthly:
		amount, known = r.month(p)
	case CostPrice:
		amount, known = r.overall(p, bases(p, prices))
	default:
		amount, known = r.overall(p, bases(p, costs))
	}
	if !known {
		if len(r.Issues) == 0 {
			r.Issues = []string{IssueCostUnknown}
		}
		return r
	}
	text := plain(amount)
	r.Amount = &text
	r.setCurrency(p)
	return r
}

// overall takes the first basis that is above zero. A figure that rounds to
// zero is none: it would read as a free contract.
func (r *CostReport) overall(p ContractParts, bases []basis) (decimal.Decimal, bool) {
	for _, b := range bases {
		if b.rule == CostOfUnits && p.Contract.ContractType != recurringService {
			continue
		}
		total, without := sum(b.rows)
		if total = round(total); !total.IsPositive() {
			r.note("%s comes to %s, which is not above zero", b.what, plain(total))
			continue
		}
		return r.take(b, total, without)
	}
	return decimal.Decimal{}, false
}

// take settles on a basis, if the target can hold its total.
func (r *CostReport) take(b basis, total decimal.Decimal, without int) (decimal.Decimal, bool) {
	if !fits(total) {
		r.unknown(IssueCostOutOfRange, fmt.Sprintf("%s comes to more than the target takes, %d digits before the point",
			b.what, maxWholeDigits))
		return decimal.Decimal{}, false
	}
	r.Rule, r.Field, r.Rows = b.rule, b.what, shown(b.rows)
	if without > 0 {
		r.note("%d of %d rows carry no amount and count as nothing", without, len(b.rows))
	}
	return total, true
}

func (r *CostReport) note(format string, args ...any) {
	r.Notes = append(r.Notes, fmt.Sprintf(format, args...))
}

func (r *CostReport) unknown(issue, note string) {
	r.Issues = append(r.Issues, issue)
	r.Notes = append(r.Notes, note)
}

// setCurrency takes the tenant's internal currency, else the option, else USD
// with an issue. A name that is no ISO code cannot be sent, so it counts as not read.
func (r *CostReport) setCurrency(p ContractParts) {
	if code, ok := currencyCode(p.Currency); ok && p.CurrencyKnown {
		r.Currency, r.CurrencyFrom = code, "Currencies.name of the internal currency"
		return
	}
	if code, ok := currencyCode(p.Options.Currency); ok {
		r.Currency, r.CurrencyFrom = code, "option currency"
		return
	}
	r.Currency, r.CurrencyFrom = "USD", "assumed, neither the tenant's currency nor the option currency is known"
	r.Issues = append(r.Issues, IssueCurrency)
}

func currencyCode(text string) (string, bool) {
	code := strings.ToUpper(strings.TrimSpace(text))
	if len(code) != 3 || strings.Trim(code, "ABCDEFGHIJKLMNOPQRSTUVWXYZ") != "" {
		return "", false
	}
	return code, true
}

func (r CostReport) money() *channelprogram.Money {
	if r.Amount == nil {
		return nil
	}
	return &channelprogram.Money{Amount: *r.Amount, Currency: r.Currency}
}

// from says in one line where the figure came from.
func (r CostReport) from() string {
	return fmt.Sprintf("%s, %d row(s)", r.Field, len(r.Rows))
}
