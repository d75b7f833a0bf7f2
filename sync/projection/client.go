package projection

import (
	"fmt"
	"slices"
	"strings"

	"channelsync/api/autotask"
	"channelsync/api/channelprogram"
	v1 "channelsync/api/v1"
)

// ClientParts are the rows that a client is made of.
type ClientParts struct {
	Company     autotask.Company
	Contacts    []autotask.Contact // of this company, in any order; inactive ones are passed over
	CountryCode string             // of the countries entity, for Company.CountryID; empty when it has none
	Options     v1.Options
}

// ClientProjection is what the target should hold of a company.
type ClientProjection struct {
	Input       channelprogram.ClientInput // without its Source
	Fingerprint string
	Sources     []v1.Source
	Contacts    []int64  // contacts that gave or could have given an e-mail, ascending
	Gave        []int64  // those of them that gave one: at most channelprogram.MaxLabelled
	Notes       []string // what was left out, in words
}

// Client projects a company. The error is a *FieldError: the company's name is
// empty or too long for the target.
func Client(p ClientParts) (ClientProjection, error) {
	name, err := required("Companies.companyName", p.Company.CompanyName)
	if err != nil {
		return ClientProjection{}, fmt.Errorf("project client: %w", err)
	}
	out := ClientProjection{Sources: []v1.Source{{Field: "name", Value: name, From: "Companies.companyName"}}}

	address, from := address(p.Company, p.CountryCode)
	out.Sources = append(out.Sources, from...)

	emails, contacts, gave := emails(p.Contacts, p.Options.Emails)
	phones := texts("phones",
		text{"Companies.phone", p.Company.Phone},
		text{"Companies.alternatePhone1", p.Company.AlternatePhone1},
		text{"Companies.alternatePhone2", p.Company.AlternatePhone2})
	websites := texts("websites", text{"Companies.webAddress", p.Company.WebAddress})

	for _, v := range []values{emails, phones, websites} {
		out.Sources = append(out.Sources, v.sources...)
		out.Notes = append(out.Notes, v.notes...)
	}
	out.Contacts, out.Gave = contacts, gave
	out.Input = channelprogram.ClientInput{
		Name: name, Address: address,
		Emails: emails.items, Phones: phones.items, Websites: websites.items,
	}
	out.Fingerprint = ClientFingerprint(out.Input)
	return out, nil
}

type text struct{ from, value string }

// texts takes the company's own values as they stand: trimmed, the empty ones
// absent, in their order, doubles kept.
func texts(field string, candidates ...text) values {
	v := values{field: field, max: channelprogram.MaxLabelled, items: []channelprogram.Labelled{}}
	for _, t := range candidates {
		if value := strings.TrimSpace(t.value); value != "" {
			v.add(value, t.from)
		}
	}
	return v
}

// address is nil when nothing but the country is there: a country alone is the
// tenant's default on every new company and says nothing about a street.
func address(c autotask.Company, country string) (*channelprogram.Address, []v1.Source) {
	var lines []string
	for _, l := range []string{c.Address2, c.AdditionalAddressInformation} {
		if l = strings.TrimSpace(l); l != "" {
			lines = append(lines, l)
		}
	}
	a := channelprogram.Address{
		Line1:      strings.TrimSpace(c.Address1),
		Line2:      strings.Join(lines, ", "),
		City:       strings.TrimSpace(c.City),
		Region:     strings.TrimSpace(c.State),
		PostalCode: strings.TrimSpace(c.PostalCode),
	}
	if a == (channelprogram.Address{}) {
		return nil, nil
	}
	a.Country = strings.TrimSpace(country)
	var sources []v1.Source
	for _, s := range []v1.Source{
		{Field: "address.line1", Value: a.Line1, From: "Companies.address1"},
		{Field: "address.line2", Value: a.Line2, From: "Companies.address2, Companies.additionalAddressInformation"},
		{Field: "address.city", Value: a.City, From: "Companies.city"},
		{Field: "address.region", Value: a.Region, From: "Companies.state"},
		{Field: "address.postalCode", Value: a.PostalCode, From: "Companies.postalCode"},
		{Field: "address.country", Value: a.Country, From: "Countries.countryCode"},
	} {
		if s.Value != "" {
			sources = append(sources, s)
		}
	}
	return &a, slices.Clip(sources)
}
