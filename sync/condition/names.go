package condition

import (
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

func companyTypeName(n int64) string {
	switch n {
	case 1:
		return "Customer (1)"
	case 2:
		return "Lead (2)"
	case 3:
		return "Prospect (3)"
	case 4:
		return "Dead (4)"
	case 6:
		return "Cancelation (6)"
	case 7:
		return "Vendor (7)"
	case 8:
		return "Partner (8)"
	default:
		return fmt.Sprintf("unknown (%d)", n)
	}
}

func contractTypeName(n int64) string {
	switch n {
	case 1:
		return "Time & Materials (1)"
	case 3:
		return "Fixed Price (3)"
	case 4:
		return "Block Hours (4)"
	case 6:
		return "Retainer (6)"
	case 7:
		return "Recurring Service (7)"
	case 8:
		return "Per Ticket (8)"
	case 9:
		return "Umbrella (9)"
	default:
		return fmt.Sprintf("unknown (%d)", n)
	}
}

// contractStatusName calls 1 what the vendor does, and everything else inactive: its number for that differs between tenants.
func contractStatusName(n int64) string {
	if n == statusActive {
		return "In Effect (1)"
	}
	return fmt.Sprintf("Inactive (%d)", n)
}

func activeWord(active bool) string {
	if active {
		return "Active"
	}
	return "Inactive"
}

// Names are what a tenant calls its own choices, as far as they are known: the vendor numbers them differently for each.
type Names struct{ Classifications, Categories map[int64]string }

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
