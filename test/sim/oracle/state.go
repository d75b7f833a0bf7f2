package oracle

import (
	"fmt"
	"strings"

	channelprogram "channelsync/test/sim/channelprogram/sim"
)

// State is what a Channel Program holds, or must hold, for one connection, by external id: an Autotask id as decimal
// text.
type State struct {
	Clients   map[string]Client
	Contracts map[string]Contract

	// Left names what may be at the target besides, because nothing is ever removed there: "client/174", "contract/29",
	// and "client/174/full" for a client that may be held in full though only its name is expected. Only the expected
	// side's is looked at. Expected leaves it empty; Past fills it.
	Left map[string]bool
}

// Client is what a sync owns of a client.
type Client struct {
	Full     bool // pushed for itself; otherwise it is there because a contract named it, and only its name is known
	Name     string
	Address  *channelprogram.Address // nil = none
	Emails   []string
	Phones   []string
	Websites []string
	Archived bool // never expected with default options
}

// Contract is what a sync owns of a contract.
type Contract struct {
	ClientID            string // external id
	ClientName          string // as the contract carries it
	VendorName          string
	VendorNameDefaulted bool
	Name                *string               // nil = none
	OverallCost         *channelprogram.Money // nil = not known
	Archived            bool                  // never expected with default options
}

func clientKey(id string) string     { return "client/" + id }
func fullClientKey(id string) string { return "client/" + id + "/full" }
func contractKey(id string) string   { return "contract/" + id }

// field is one field of a record in words; equal words are equal values.
type field struct{ name, words string }

func (c Client) fields() []field {
	form := "name only"
	if c.Full {
		form = "full"
	}
	return []field{
		{"form", form},
		{"name", quote(c.Name)},
		{"address", addressWords(c.Address)},
		{"emails", listWords(c.Emails)},
		{"phones", listWords(c.Phones)},
		{"websites", listWords(c.Websites)},
		{"lifecycle", lifecycleWords(c.Archived)},
	}
}

func (c Contract) fields() []field {
	name, cost := "none", "not known"
	if c.Name != nil {
		name = quote(*c.Name)
	}
	if c.OverallCost != nil {
		cost = c.OverallCost.Amount + " " + c.OverallCost.Currency
	}
	return []field{
		{"client", quote(c.ClientID)},
		{"client.name", quote(c.ClientName)},
		{"vendorName", quote(c.VendorName)},
		{"vendorNameDefaulted", fmt.Sprint(c.VendorNameDefaulted)},
		{"name", name},
		{"overallCost", cost},
		{"lifecycle", lifecycleWords(c.Archived)},
	}
}

func quote(s string) string { return fmt.Sprintf("%q", s) }

func addressWords(a *channelprogram.Address) string {
	if a == nil {
		return "none"
	}
	var words []string
	for _, part := range []field{
		{"line1", a.Line1},
		{"line2", a.Line2},
		{"city", a.City},
		{"region", a.Region},
		{"postalCode", a.PostalCode},
		{"country", a.Country},
	} {
		if part.words != "" {
			words = append(words, part.name+" "+quote(part.words))
		}
	}
	if len(words) == 0 {
		return "an empty one"
	}
	return strings.Join(words, ", ")
}

func listWords(values []string) string {
	if len(values) == 0 {
		return "none"
	}
	return fmt.Sprintf("%q", values)
}

func lifecycleWords(archived bool) string {
	if archived {
		return "archived"
	}
	return "active"
}
