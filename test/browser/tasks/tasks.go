package main

import "fmt"

// What everybody comes with: the name of a client as it is remembered, and what is wrong.
const (
	typed     = "obrien soen"           // as people type
	missing   = "O’Brien & Søen Dental" // a prospect: it does not sync
	leftOut   = "Hillside Bakery, Inc." // a client that is to be left out
	leftOutBy = "hillside"              // what is typed for it
	agreement = "Managed care 2026"     // a contract with lines
	renamed   = "Riverside Freight"     // a client, now
	between   = "Riverside Transport"   // the same, before
	before    = "Riverside Logistics"   // the same, before that: not what was sent last
	home      = "View Sandbox MSP"      // the way from the front page
	records   = "Clients and contracts" // its tab
	search    = "Name, phone, e-mail, address or id"
)

// task is what somebody wants, and how it is done from the front page.
type task struct {
	name string
	do   func(*person)
}

// tasks are done one after the other on one sandbox; the last wipes the target.
func tasks(s *sandbox) []task {
	return []task{
		{"find why a client is missing", func(h *person) {
			h.follow(home)
			h.follow(records)
			h.enter(search, typed)
			h.press("Search")
			h.follow(missing)
			h.read("Not synced: company type is", "What to do:")
		}},
		{"find what a contract's cost is made of", func(h *person) {
			h.follow(home)
			h.follow(records)
			h.enter(search, "managed care")
			h.press("Search")
			h.follow(agreement)
			h.read("How the overall cost was found")
			h.click("2 rows of Autotask behind the cost")
			h.read("Counts")
		}},
		{"leave out one company", func(h *person) {
			h.follow(home)
			h.follow("Settings")
			h.click("Filters: contract types, categories, classifications, companies")
			h.enter("Part of the name, or id", leftOutBy)
			h.press("Find")
			h.click(fmt.Sprintf("Never %s, %d", leftOut, s.leftOut))
			h.press("Show what would change")
			h.read("Would leave", leftOut)
			h.press("Change the options")
			h.read("The options are changed.")
		}},
		{"see what was sent last week", func(h *person) {
			h.follow(home)
			h.follow(records)
			h.enter(search, "riverside")
			h.press("Search")
			h.follow(renamed)
			h.follow("What was sent, over time")
			h.read(before)
		}},
		{"repair after a wiped target", func(h *person) {
			s.wipe()
			h.follow(home)
			h.follow("Send everything again")
			h.press("Dry run of the resync")
			h.read("Nothing was sent.")
			h.press("Do it now")
			h.read("Done started")
		}},
	}
}
