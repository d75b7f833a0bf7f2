package v1

import (
	"regexp"
	"strconv"
)

// Choices is what a tenant has that the options choose from.
type Choices struct {
	ContractTypes          []Choice `json:"contractTypes"`
	ContractCategories     []Choice `json:"contractCategories"`
	CompanyClassifications []Choice `json:"companyClassifications"`
	// Companies are those that the options include or exclude, by name.
	Companies []Choice `json:"companies"`
}

// SetupChoices is what an installation that is to come can choose from.
type SetupChoices struct {
	Choices
	// Options are those of the request, with the ids of what it names.
	Options Options `json:"options"`
}

// ChoiceQuery says what is wanted beside the lists of an installation that is to come.
type ChoiceQuery struct {
	Counted bool   // with how many records have each
	Company string // a part of the name of companies, or an id; empty: none
}

// Choice is one value, under the name that people know it by.
type Choice struct {
	ID   int64  `json:"id"`
	Name string `json:"name"`
	// Records is how many records have it; null where there are too many to count.
	Records *int `json:"records"`
}

// OptionNames names what options choose instead of giving its ids: the service finds the ids
// and adds them to those that the options have.
type OptionNames struct {
	ContractTypes          []string `json:"contractTypes,omitempty" validate:"omitempty,max=500,dive,max=255"`
	ContractCategories     []string `json:"contractCategories,omitempty" validate:"omitempty,max=500,dive,max=255"`
	CompanyClassifications []string `json:"companyClassifications,omitempty" validate:"omitempty,max=500,dive,max=255"`
	Include                []string `json:"include,omitempty" validate:"omitempty,max=500,dive,max=255"`
	Exclude                []string `json:"exclude,omitempty" validate:"omitempty,max=500,dive,max=255"`
}

// Empty says that nothing is named.
func (n *OptionNames) Empty() bool {
	return n == nil || len(n.ContractTypes)+len(n.ContractCategories)+len(n.CompanyClassifications)+len(n.Include)+len(n.Exclude) == 0
}

// withID is a name as lists show it: with its id behind it.
var withID = regexp.MustCompile(`\((\d{1,18})\)$`)

// IDsAndNames tells ids from names: digits are an id, and so is a name with its id in brackets.
func IDsAndNames(items []string) (ids []int64, names []string) {
	for _, item := range items {
		item = Trim(item)
		digits := item
		if m := withID.FindStringSubmatch(item); m != nil {
			digits = m[1]
		}
		id, err := strconv.ParseInt(digits, 10, 64)
		switch {
		case item == "":
		case err == nil && id >= 0 && strconv.FormatInt(id, 10) == digits:
			ids = append(ids, id)
		default:
			names = append(names, item)
		}
	}
	return ids, names
}
