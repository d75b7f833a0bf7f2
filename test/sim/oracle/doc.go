// Package oracle computes what Channel Program must hold, independently and as plainly as possible, from the rows of the
// simulated Autotask. Tests of the whole product, and the sandbox, compare the simulated Channel Program with it; nothing
// in production calls it.
//
// It is the second, independent reading of the rules ("What syncs, when"): it imports nothing of the product, looks at every row every time and is never clever, so that a misreading of the rules
// cannot hide on both sides. It never pushes, never changes either simulator and knows nothing of how a sync runs.
// Switches of the simulated Autotask that hide rows or costs from the API user are not its business: it sees every row.
//
// Where the rules are silent, it reads them like this:
//   - A company without a name, and a contract of one, cannot be held: the ingest API wants a name.
//   - A vendor is one whose name can be read; an id whose company is gone or has no name is passed over.
//   - The company 0 may be a vendor: only as a client does it never sync.
//   - A unit row without units has none above 0. Its first and last day count at any time of day.
//   - A row without a service has that of its contract line; that of a line that is gone has none.
//   - A row without a first or a last day covers no whole period; without a unit cost its cost is of an unknown time.
//   - Of a bundle's services only those with a unitCost above 0 have a share while one has.
//   - A credit whose currency is unknown makes a figure unknown that would be above zero without it.
//   - A charge's vendor is its product's default vendor, else that of the product's default vendor row; of several such
//     rows one in use goes first, then the lowest vendor id.
//   - Null costs count as 0 in sums. A figure that rounds to 0 is not above zero.
//   - An internal currency whose name is not three capital letters cannot be read.
//   - Values longer than the ingest API takes are not judged; the vendor's own fields are shorter.
//   - Labels of e-mail addresses, phones and websites are free: only the values are compared, in their order.
package oracle
