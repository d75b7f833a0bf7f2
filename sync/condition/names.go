package condition

import (
	"cmp"
	"fmt"
	"slices"
	"strconv"
	"strings"
)

// Numbers with a meaning of their own at Autotask (reference: autotask-rest.md, 3.2, 3.4 and 5.1).
// Labels can be renamed per tenant, so the number decides and the name is only shown.
const (
	typeCustomer = 1
	ownCompanyID = 0
	statusActive = 1
)

// companyTypes and contractTypes are the vendor's own; a tenant may have more.
var (
	companyTypes  = map[int64]string{1: "Customer", 2: "Lead", 3: "Prospect", 4: "Dead", 6: "Cancelation", 7: "Vendor", 8: "Partner"}
	contractTypes = map[int64]string{1: "Time & Materials", 3: "Fixed Price", 4: "Block Hours", 6: "Retainer", 7: "Recurring Service", 8: "Per Ticket", 9: "Umbrella"}
)

// Names are what a tenant calls the values of a field, by the field's name at the vendor, as far as they are known.
type Names map[string]map[int64]string

// typed says a type by the vendor's name, else by the tenant's, with its number.
func typed(vendors, tenants map[int64]string) func(int64) string {
	return func(n int64) string { return fmt.Sprintf("%s (%d)", cmp.Or(vendors[n], tenants[n], "unknown"), n) }
}

// contractStatusName calls 1 what the vendor does, and everything else what the tenant does, or inactive: its number for that differs
// between tenants.
func contractStatusName(n int64, names Names) string {
	return typed(map[int64]string{statusActive: "In Effect"}, map[int64]string{n: cmp.Or(names["status"][n], "Inactive")})(n)
}

func activeWord(active bool) string {
	if active {
		return "Active"
	}
	return "Inactive"
}

// naming says a choice by its name with its number, or by the number alone.
func naming(names map[int64]string) func(int64) string {
	return func(id int64) string {
		if names[id] == "" {
			return number(id)
		}
		return fmt.Sprintf("%s (%d)", names[id], id)
	}
}

// optional shows an id that a record may lack.
func optional(id *int64, name func(int64) string) string {
	if id == nil {
		return "none"
	}
	return name(*id)
}

// list shows ids sorted, at most ten of them.
func list(ids []int64, name func(int64) string) string {
	const shown = 10
	sorted := slices.Sorted(slices.Values(ids))
	more := ""
	if len(sorted) > shown {
		more = fmt.Sprintf(" and %d more", len(sorted)-shown)
		sorted = sorted[:shown]
	}
	words := make([]string, len(sorted))
	for i, id := range sorted {
		words[i] = name(id)
	}
	return strings.Join(words, ", ") + more
}

func capital(s string) string { return strings.ToUpper(s[:1]) + s[1:] }

func number(n int64) string { return strconv.FormatInt(n, 10) }
