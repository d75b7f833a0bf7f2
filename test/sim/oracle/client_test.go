package oracle

import (
	"fmt"
	"testing"

	"github.com/google/go-cmp/cmp"

	autotask "channelsync/test/sim/autotask/sim"
	channelprogram "channelsync/test/sim/channelprogram/sim"
)

func contact(id int64, fields autotask.Row) put {
	row := autotask.Row{"id": id, "companyID": acme, "firstName": "Ann", "lastName": "Lee", "isActive": 1}
	for name, v := range fields {
		row[name] = v
	}
	return in("Contacts", row)
}

func TestDetails(t *testing.T) {
	full := autotask.Row{
		"address1": " 1 High St ", "address2": "Suite 2", "additionalAddressInformation": "Rear door", "city": "Albany",
		"state": "NY", "postalCode": "12207", "countryID": 237,
	}
	for _, c := range []struct {
		why  string
		edit autotask.Row
		want Client
	}{
		{"nothing but a name", nil, Client{Name: "Acme"}},
		{
			"the name is trimmed and not rewritten",
			autotask.Row{"companyName": "\tACME,  Inc.\u2003"},
			Client{Name: "ACME,  Inc."},
		},
		{"a whole address", full, Client{Name: "Acme", Address: &channelprogram.Address{
			Line1: "1 High St", Line2: "Suite 2, Rear door", City: "Albany", Region: "NY", PostalCode: "12207", Country: "US",
		}}},
		{
			"additional information alone is the second line",
			autotask.Row{"address2": " ", "additionalAddressInformation": "Rear door"},
			Client{Name: "Acme", Address: &channelprogram.Address{Line2: "Rear door"}},
		},
		{
			"no comma without additional information",
			autotask.Row{"address2": "Suite 2", "additionalAddressInformation": ""},
			Client{Name: "Acme", Address: &channelprogram.Address{Line2: "Suite 2"}},
		},
		{"a country alone is no address", autotask.Row{"countryID": 237, "city": "  "}, Client{Name: "Acme"}},
		{
			"a city alone is one",
			autotask.Row{"city": "Albany"},
			Client{Name: "Acme", Address: &channelprogram.Address{City: "Albany"}},
		},
		{
			"a postal code alone is one, with the country",
			autotask.Row{"postalCode": "12207", "countryID": 237},
			Client{Name: "Acme", Address: &channelprogram.Address{PostalCode: "12207", Country: "US"}},
		},
		{
			"a country that is not in the list",
			autotask.Row{"state": "NY", "countryID": 999},
			Client{Name: "Acme", Address: &channelprogram.Address{Region: "NY"}},
		},
		{
			"phones as they stand, in their order, even twice",
			autotask.Row{"phone": " 518-555-0100 ", "alternatePhone1": "(518) 555 0199 x2", "alternatePhone2": "518-555-0100"},
			Client{Name: "Acme", Phones: []string{"518-555-0100", "(518) 555 0199 x2", "518-555-0100"}},
		},
		{
			"no empty phones, and no fax",
			autotask.Row{"phone": "", "alternatePhone1": nil, "alternatePhone2": "1", "fax": "518-555-0111"},
			Client{Name: "Acme", Phones: []string{"1"}},
		},
		{
			"the website as it stands",
			autotask.Row{"webAddress": " WWW.Acme.example/ "},
			Client{Name: "Acme", Websites: []string{"WWW.Acme.example/"}},
		},
		{"no empty website", autotask.Row{"webAddress": "  "}, Client{Name: "Acme"}},
	} {
		t.Run(c.why, func(t *testing.T) {
			c.want.Full = true
			got := Expected(tenantOf(t, company(c.edit)), both, today).Clients["5"]
			if diff := cmp.Diff(c.want, got); diff != "" {
				t.Errorf("client (-want +got):\n%s", diff)
			}
		})
	}
}

func TestEmails(t *testing.T) {
	var many []put
	var first20 []string
	for i := range 25 {
		many = append(many, contact(int64(100+i), autotask.Row{"emailAddress": fmt.Sprintf("c%02d@acme.example", i)}))
		if i < 20 {
			first20 = append(first20, fmt.Sprintf("c%02d@acme.example", i))
		}
	}
	for _, c := range []struct {
		why  string
		rows []put
		want []string
	}{
		{"no contacts, none", nil, nil},
		{
			"a contact's three addresses in their order, trimmed",
			with(contact(1, autotask.Row{
				"emailAddress3": "c@acme.example", "emailAddress2": " b@acme.example ", "emailAddress": "a@acme.example",
			})),
			[]string{"a@acme.example", "b@acme.example", "c@acme.example"},
		},
		{
			"contacts by id, the primary one first with all of its own",
			with(
				contact(3, autotask.Row{"emailAddress": "three@acme.example"}),
				contact(1, autotask.Row{"emailAddress": "one@acme.example"}),
				contact(2, autotask.Row{
					"emailAddress": "two@acme.example", "emailAddress2": "zwei@acme.example", "primaryContact": true,
				}),
			),
			[]string{"two@acme.example", "zwei@acme.example", "one@acme.example", "three@acme.example"},
		},
		{
			"ids are numbers: 9 comes before 10",
			with(
				contact(10, autotask.Row{"emailAddress": "ten@acme.example"}),
				contact(9, autotask.Row{"emailAddress": "nine@acme.example"}),
			),
			[]string{"nine@acme.example", "ten@acme.example"},
		},
		{
			"inactive contacts give none, a primary one neither",
			with(
				contact(1, autotask.Row{"emailAddress": "one@acme.example", "isActive": 0, "primaryContact": true}),
				contact(2, autotask.Row{"emailAddress": "two@acme.example", "isActive": nil}),
				contact(3, autotask.Row{"emailAddress": "three@acme.example"}),
			),
			[]string{"three@acme.example"},
		},
		{
			"no duplicates whatever their case; the first spelling stays",
			with(
				contact(1, autotask.Row{"emailAddress": "Info@Acme.example", "emailAddress2": "info@acme.example"}),
				contact(2, autotask.Row{"emailAddress": "INFO@ACME.EXAMPLE ", "emailAddress2": "two@acme.example"}),
			),
			[]string{"Info@Acme.example", "two@acme.example"},
		},
		{
			"a duplicate stands where the primary contact has it",
			with(
				contact(1, autotask.Row{"emailAddress": "a@acme.example", "emailAddress2": "B@acme.example"}),
				contact(2, autotask.Row{"emailAddress": "b@acme.example", "primaryContact": true}),
			),
			[]string{"b@acme.example", "a@acme.example"},
		},
		{"at most 20", many, first20},
		{
			"duplicates do not count towards the 20",
			append(
				with(contact(1, autotask.Row{"emailAddress": "C00@acme.example", "emailAddress2": "c01@ACME.example"})),
				many...,
			),
			append([]string{"C00@acme.example", "c01@ACME.example"}, first20[2:]...),
		},
		{
			"contacts of other companies and blank addresses give none",
			with(
				contact(1, autotask.Row{"emailAddress": "them@alpha.example", "companyID": alpha}),
				contact(2, autotask.Row{"emailAddress": " ", "emailAddress2": "", "emailAddress3": "c@acme.example"}),
			),
			[]string{"c@acme.example"},
		},
	} {
		t.Run(c.why, func(t *testing.T) {
			got := Expected(tenantOf(t, c.rows...), customersOnly, today).Clients["5"].Emails
			if diff := cmp.Diff(c.want, got); diff != "" {
				t.Errorf("e-mail addresses (-want +got):\n%s", diff)
			}
		})
	}
}
