// Package oracle says what Channel Program must hold, worked out a second time and as plainly as possible from the rows
// of the simulated Autotask. Tests that run the whole product, and the sandbox, hold the simulated Channel Program
// against it; nothing in production calls it.
//
// It is the second, independent reading of the rules ("What syncs, when") with an installation's default options: it
// imports nothing of the product, looks at every row every time and is never clever, so that a misreading of the rules
// cannot hide on both sides. It never pushes, never changes either simulator and knows nothing of how a sync runs.
// Switches of the simulated Autotask that hide rows or costs from the API user are not its business: it sees every row.
//
// Where the rules are silent, it reads them like this:
//   - A company without a name, and a contract of one, cannot be held: the ingest API wants a name.
//   - A vendor is one whose name can be read; an id whose company is gone or has no name is passed over.
//   - The company 0 may be a vendor: only as a client does it never sync.
//   - A unit row without a start or an end is not of today. Its first and last day both count, at any time of day.
//   - A charge's vendor is its product's default vendor, else the vendor of the product's first default vendor row.
//   - Null costs count as 0 in sums. A figure that rounds to 0 is not above zero.
//   - An internal currency whose name is not three capital letters cannot be read.
//   - Values longer than the ingest API takes are not judged; the vendor's own fields are shorter.
//   - Labels of e-mail addresses, phones and websites are free: only the values are compared, in their order.
package oracle
