package projection

import (
	"cmp"
	"fmt"
	"slices"
	"strings"

	"channelsync/api/autotask"
	"channelsync/api/channelprogram"
)

// Values of Options.Emails; empty means EmailsContacts.
const (
	EmailsContacts = "contacts" // all active contacts
	EmailsPrimary  = "primary"  // the primary contact's alone
	EmailsNone     = "none"
)

// emails are those of the active contacts, since an Autotask company has none
// (autotask-rest.md, 4.3): the primary contact's first, then by contact id, each
// address once whatever its case, in its first spelling, at most
// channelprogram.MaxLabelled. It also returns the contacts that have an address
// under the option, used or not: a change of one of them concerns this company. gave are
// those whose address is used.
func emails(contacts []autotask.Contact, option string) (v values, ids, gave []int64) {
	v = values{field: "emails", max: channelprogram.MaxLabelled, items: []channelprogram.Labelled{}}
	seen := make(map[string]bool)
	ids = []int64{}
	for _, c := range emailContacts(contacts, option) {
		has := false
		for _, t := range [...]text{
			{"emailAddress", c.EmailAddress}, {"emailAddress2", c.EmailAddress2}, {"emailAddress3", c.EmailAddress3},
		} {
			value := strings.TrimSpace(t.value)
			if value == "" {
				continue
			}
			has = true
			key := strings.ToLower(value)
			if seen[key] || v.full() {
				continue
			}
			seen[key] = true
			if v.add(value, fmt.Sprintf("Contacts %d %s", c.ID, t.from)) {
				gave = append(gave, c.ID)
			}
		}
		if has {
			ids = append(ids, c.ID)
		}
	}
	slices.Sort(ids)
	slices.Sort(gave)
	return v, ids, slices.Compact(gave)
}

// emailContacts picks the contacts that the option asks for, in the order in
// which their addresses count. More than one primary contact should not exist;
// if it does, all of them come first.
func emailContacts(contacts []autotask.Contact, option string) []autotask.Contact {
	if option == EmailsNone {
		return nil
	}
	var picked []autotask.Contact
	for _, c := range contacts {
		if c.IsActive && (c.PrimaryContact || option != EmailsPrimary) {
			picked = append(picked, c)
		}
	}
	slices.SortStableFunc(picked, func(a, b autotask.Contact) int {
		if a.PrimaryContact != b.PrimaryContact {
			if a.PrimaryContact {
				return -1
			}
			return 1
		}
		return cmp.Compare(a.ID, b.ID)
	})
	return picked
}
