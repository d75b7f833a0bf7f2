// Package oracle computes what Channel Program must hold, independently and as plainly as possible, from the rows of the
// simulated Autotask. Tests of the whole product, and the sandbox, compare the simulated Channel Program with it; nothing
// in production calls it.
//
// It is the second, independent reading of the rules ("What syncs, when"): it imports nothing of the product, reads every row every time and is never clever, so that a misreading of the rules
// cannot hide on both sides. It never pushes, never changes either simulator and knows nothing of how a sync runs.
// Switches of the simulated Autotask that hide rows or costs from the API user are not its business: it sees every row.
//
// Where the rules are silent, it reads them like this:
//   - A company without a name, and a contract of such a company, cannot be stored: the ingest API requires a name.
//   - A vendor counts only if its name can be read; an id whose company is gone or has no name is skipped.
//   - Company 0 may be a vendor; it never syncs as a client.
//   - A unit row without units counts as 0 units. Its first and last day count whatever their time of day.
//   - A row without a service has the service of its contract line, and none if that line is gone.
//   - A row without a first or a last day covers no whole period; without a unit cost, the period of its cost is unknown.
//   - If any service of a bundle has a unitCost above 0, only such services have a share.
//   - A credit in an unknown currency makes a figure unknown if the figure would be above zero without it.
//   - A charge's vendor is its product's default vendor, else the vendor of the product's default vendor row. Of several
//     such rows an active one comes first, then the lowest vendor id.
//   - Null costs count as 0 in sums. A figure that rounds to 0 is not above zero.
//   - An internal currency whose name is not three capital letters counts as unreadable.
//   - Values longer than the ingest API takes are not checked; the vendor's own fields are shorter.
//   - Labels of e-mail addresses, phones and websites are free: only the values are compared, in their order.
package oracle
