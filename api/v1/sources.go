package v1

// Source says where one value of what is sent came from.
type Source struct {
	Field string `json:"field"` // path in the payload, for example emails[0]
	Value string `json:"value"`
	From  string `json:"from"` // entity, id where it is another record's, and field
}

// ContractSources says how what is sent of a contract came about. Amounts are decimal
// text, days are written 2026-11-29, and reasons are for people to read. Lists are cut
// to what a page can show; counts beside them say how long they were.
type ContractSources struct {
	Fields []Source      `json:"fields"`
	Lines  ContractLines `json:"lines"`
	Vendor VendorSource  `json:"vendor"`
	Cost   CostSource    `json:"cost"`
}

// ContractLines are the lines of a contract on a day, and why each is in force or not.
type ContractLines struct {
	Day     string         `json:"day,omitempty"` // that this is for; empty without unit rows
	Reason  string         `json:"reason,omitempty"`
	InForce int            `json:"inForce"`
	Count   int            `json:"count"`
	Lines   []ContractLine `json:"lines"` // those in force first
}

// ContractLine is a service or bundle line of a contract.
type ContractLine struct {
	Entity     string      `json:"entity"`       // ContractServices or ContractServiceBundles
	ID         int64       `json:"id,omitempty"` // 0: unit rows that do not tell their line
	Name       string      `json:"name"`         // of the service or bundle
	InForce    bool        `json:"inForce"`
	Reason     string      `json:"reason"`
	Row        *UnitRow    `json:"row,omitempty"`        // its unit row of the day
	PassedOver []PassedRow `json:"passedOver,omitempty"` // its other unit rows
}

// UnitRow is one billing period of a line. Dates and amounts that it does not tell are empty.
type UnitRow struct {
	Entity string `json:"entity"`
	ID     int64  `json:"id"`
	Start  string `json:"start,omitempty"`
	End    string `json:"end,omitempty"` // the last day
	Units  string `json:"units,omitempty"`
	Cost   string `json:"cost,omitempty"`
}

// PassedRow is a unit row of a line, or several with one reason, that is not the row of the day.
type PassedRow struct {
	ID     int64  `json:"id,omitempty"` // 0: several rows
	Rows   int    `json:"rows"`
	Reason string `json:"reason"`
}

// VendorSource says which vendor a contract got, by which rule, and whom it was chosen over.
type VendorSource struct {
	Rule       string            `json:"rule"` // lines, catalogue, charges or default
	ID         *int64            `json:"id"`   // company id; null with the default
	Name       string            `json:"name"`
	Defaulted  bool              `json:"defaulted"`
	Sentence   string            `json:"sentence"`
	Candidates []VendorCandidate `json:"candidates"` // the chosen one first
	Notes      []string          `json:"notes,omitempty"`
}

// VendorCandidate is a vendor that the rule weighed.
type VendorCandidate struct {
	ID   int64       `json:"id"`
	Name string      `json:"name"`
	Sum  string      `json:"sum"`
	Rows []AmountRow `json:"rows"`
}

// CostSource says what a contract costs overall, by which rule, from which rows.
type CostSource struct {
	Option       string      `json:"option"` // auto, monthly, annual or price
	Rule         string      `json:"rule"`   // units, estimate, charges, lines or none
	Field        string      `json:"field,omitempty"`
	Amount       *string     `json:"amount"` // null: not known, which is never 0
	Currency     string      `json:"currency,omitempty"`
	CurrencyFrom string      `json:"currencyFrom,omitempty"`
	Sentence     string      `json:"sentence"`
	Fix          string      `json:"fix,omitempty"` // with the issue cost_unknown: what would make it known, or that nothing is to be done
	Rows         []AmountRow `json:"rows"`
	Count        int         `json:"count"` // of the rows that took part
	Notes        []string    `json:"notes,omitempty"`
	Issues       []string    `json:"issues,omitempty"`
}

// AmountRow is one row of Autotask's that took part in a figure.
type AmountRow struct {
	Entity string  `json:"entity"`
	ID     int64   `json:"id"`
	Amount *string `json:"amount"`        // that counted; null: the row tells none
	How    string  `json:"how,omitempty"` // how it came to that, where it is not what the row says
}
