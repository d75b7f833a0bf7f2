package oracle

import (
	"strings"

	channelprogram "channelsync/test/sim/channelprogram/sim"
)

// mostEmails is how many e-mail addresses a client has: "at most 20".
const mostEmails = 20

// client is the full form of a client.
func (t tenant) client(company row) Client {
	return Client{
		Full:    true,
		Name:    text(company, "companyName"),
		Address: t.address(company),
		Emails:  t.emails(company),
		// "Phones: phone, alternatePhone1, alternatePhone2, as they stand."
		Phones: present(company, "phone", "alternatePhone1", "alternatePhone2"),
		// "Website: webAddress."
		Websites: present(company, "webAddress"),
	}
}

// address: "line1 address1, line2 address2 and additionalAddressInformation joined by ", ", city, region state,
// postalCode, country the countries entity's code; null when all but the country are empty."
func (t tenant) address(company row) *channelprogram.Address {
	a := channelprogram.Address{
		Line1:      text(company, "address1"),
		Line2:      strings.Join(present(company, "address2", "additionalAddressInformation"), ", "),
		City:       text(company, "city"),
		Region:     text(company, "state"),
		PostalCode: text(company, "postalCode"),
	}
	if a == (channelprogram.Address{}) {
		return nil
	}
	if country := byID(t.countries, company, "countryID"); country != nil {
		a.Country = text(country, "countryCode")
	}
	return &a
}

// emails: "those of active contacts (emailAddress, emailAddress2, emailAddress3), primary contact first, then by
// contact id, no duplicates (case-insensitive), at most 20."
func (t tenant) emails(company row) []string {
	var primary, others []string
	for _, contact := range where(t.contacts, "companyID", mustID(company)) {
		// A contact's isActive is a number, not a boolean.
		if active, _ := number(contact, "isActive"); active != 1 {
			continue
		}
		addresses := present(contact, "emailAddress", "emailAddress2", "emailAddress3")
		if isTrue(contact, "primaryContact") {
			primary = append(primary, addresses...)
		} else {
			others = append(others, addresses...)
		}
	}
	var emails []string
	for _, address := range append(primary, others...) {
		if !hasFold(emails, address) && len(emails) < mostEmails {
			emails = append(emails, address)
		}
	}
	return emails
}

func hasFold(list []string, s string) bool {
	for _, other := range list {
		if strings.EqualFold(other, s) {
			return true
		}
	}
	return false
}

// present is the values of the fields that have one, in the order of the names.
func present(r row, names ...string) []string {
	var values []string
	for _, name := range names {
		if s := text(r, name); s != "" {
			values = append(values, s)
		}
	}
	return values
}
