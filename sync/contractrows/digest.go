// Package contractrows reads the rows that hang on contracts (services, bundles, their
// units, charges) and the catalogue that these name, and hashes them. The rows say nothing
// about their edits: sync/reconcile remembers the hash of what it read, and sync/watch
// reads the same rows again and compares.
//
// It neither decides nor publishes what follows from a difference.
package contractrows

import (
	"context"
	"crypto/sha256"
	"encoding/base64"
	"encoding/binary"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"channelsync/api/autotask"
	"channelsync/sync/fetch"
	"channelsync/sync/ledger"
	"channelsync/sync/projection"
)

// partsFormat begins every hash. It is raised when what a hash is made of changes, the
// fields of the rows among it: a hash of another format says nothing about edits.
const partsFormat = "2."

// unreadableParts stands for the hash of a contract whose rows Autotask does not
// answer at all. It is not compared: it would spoil the answers of others, and its
// own retries and the daily sweep ask for it.
const unreadableParts = partsFormat + "unreadable"

// Comparable says whether the parts of a contract were read, and can be compared.
func Comparable(p *ledger.Parts) bool { return p != nil && strings.HasPrefix(p.Hash, partsFormat) }

// Unreadable says that Autotask did not answer with the parts of a contract.
func Unreadable(p *ledger.Parts) bool { return p.Hash == unreadableParts }

// Digest is the hash in the making of the rows of one contract, as queries answer
// them: what a GET by id adds to a row is not part of it, since comparing makes none.
type Digest struct {
	window         unitWindow
	own, charges   sums // charges apart: whether they matter is known last
	bundles        []int64
	products       []int64
	rows, ofCharge int32
	unreadable     bool
	// begun says that a unit row begins by the first day of the window; while none does,
	// the first ones to come stand for today, however late that is, and later counts too.
	begun bool
	later *Digest
}

// unitWindow bounds the unit rows that matter. A row that leaves it as time goes by
// changes no hash, for the window of a hash stays that of the reconcile that made it.
type unitWindow struct{ from, to ledger.Day }

func (w unitWindow) holds(start, end time.Time) bool {
	return (end.IsZero() || ledger.DayOf(end) >= w.from) && (w.to == 0 || start.IsZero() || ledger.DayOf(start) <= w.to)
}

// filters select the unit rows of a window, and some more where several contracts are
// asked for: each takes only those of its own.
func (w unitWindow) filters() []autotask.Filter {
	filters := []autotask.Filter{autotask.Or(autotask.Gte("endDate", w.from.Time()), autotask.NotExist("endDate"))}
	if w.to != 0 {
		filters = append(filters, autotask.Or(autotask.Lt("startDate", (w.to+1).Time()), autotask.NotExist("startDate")))
	}
	return filters
}

// widest is a window that holds whatever one of windows does.
func widest(windows []unitWindow) unitWindow {
	out := windows[0]
	for _, w := range windows[1:] {
		out.from = min(out.from, w.from)
		if out.to != 0 && (w.to == 0 || w.to > out.to) {
			out.to = w.to
		}
	}
	return out
}

// Digests are those of several contracts.
type Digests map[int64]*Digest

// addRows counts the rows of a query's answer, and those that cannot be read: a row
// that goes bad, or is repaired, is a change like any other.
func addRows[T any](d Digests, of part[T], rows autotask.Rows[T]) {
	for _, v := range rows.Items {
		if one := d[of.contract(v)]; one != nil {
			one.add(of.digested(v))
		}
	}
	for _, bad := range rows.Bad {
		if one := d[bad.Parent]; one != nil {
			one.add(digested{entity: of.Entity, charge: of.Entity == autotask.EntityContractCharges, row: bad})
		}
	}
}

// digested is what a hash takes of a row.
type digested struct {
	entity          string
	row             any
	charge          bool
	unit            bool // has a period
	start, end      time.Time
	bundle, product *int64
}

func (d *Digest) add(v digested) {
	if v.unit {
		d.begun = d.begun || v.start.IsZero() || ledger.DayOf(v.start) <= d.window.from
		if !d.window.holds(v.start, v.end) {
			if d.later != nil {
				d.later.add(v)
			}
			return
		}
	}
	sum, n := &d.own, &d.rows
	if v.charge {
		sum, n = &d.charges, &d.ofCharge
	}
	sum.add(v.entity, v.row)
	*n++
	if v.bundle != nil {
		d.bundles = append(d.bundles, *v.bundle)
	}
	if v.product != nil {
		d.products = append(d.products, *v.product)
	}
}

// complete ends the reading of the rows of a contract: where no unit row has begun, all
// that are to come count.
func (d *Digest) complete() {
	if d.begun || d.later == nil {
		return
	}
	d.window.to = 0
	d.own.lo += d.later.own.lo
	d.own.hi += d.later.own.hi
	d.rows += d.later.rows
	d.bundles = append(d.bundles, d.later.bundles...)
}

// AddCatalogue counts the rows of the catalogue that the contract's rows name.
func (d *Digest) AddCatalogue(c Catalogue) { d.addUntracked(c.untracked()) }

// addUntracked counts what the contract's bundles cost and consist of and whose the products
// of its charges are: nothing polls edits of these.
func (d *Digest) addUntracked(c untracked) {
	for _, bundle := range fetch.Unique(d.bundles) {
		switch v, there := c.bundles[bundle]; {
		case c.badBundles[bundle] != nil || len(v.Missing) > 0: // no query tells it
			d.own.add(autotask.EntityServiceBundles, bundle)
		case there:
			v.Name = "" // nothing that is pushed
			d.own.add(autotask.EntityServiceBundles, v)
		}
		if c.badContents[bundle] != nil {
			d.own.add(autotask.EntityServiceBundleServices, bundle)
			continue
		}
		for _, v := range c.contents[bundle] {
			d.own.add(autotask.EntityServiceBundleServices, [2]int64{bundle, v.ServiceID})
		}
	}
	for _, id := range fetch.Unique(d.products) {
		if c.badProducts[id] != nil || c.badSuppliers[id] != nil {
			d.charges.add(autotask.EntityProducts, id)
			continue
		}
		product := c.products[id]
		if len(product.Missing) > 0 {
			product.DefaultVendorID = nil // no query tells it
		}
		d.charges.add(autotask.EntityProducts, struct {
			ID     int64
			Vendor *int64
		}{id, product.DefaultVendorID})
		for _, v := range c.suppliers[id] {
			v.Missing = nil
			d.charges.add(autotask.EntityProductVendors, v)
		}
	}
}

// hash is the hash, with or without the charges.
func (d *Digest) hash(charges bool) string {
	if d.unreadable {
		return unreadableParts
	}
	sum := d.own
	if charges {
		sum.lo += d.charges.lo
		sum.hi += d.charges.hi
	}
	var b [16]byte
	binary.LittleEndian.PutUint64(b[:8], sum.lo)
	binary.LittleEndian.PutUint64(b[8:], sum.hi)
	return partsFormat + base64.RawStdEncoding.EncodeToString(b[:])
}

// untracked are the rows of the catalogue whose edits no poll finds.
type untracked struct {
	bundles   map[int64]autotask.ServiceBundle
	contents  map[int64][]autotask.ServiceBundleService // by bundle
	products  map[int64]autotask.Product
	suppliers map[int64][]autotask.ProductVendor // by product
	// What of them cannot be read.
	badBundles, badContents, badProducts, badSuppliers map[int64]error
}

// sums adds hashes of rows up, so that neither the order of the rows nor the pages
// they come in matter, and nothing has to be kept but the sum.
type sums struct{ lo, hi uint64 }

func (s *sums) add(entity string, row any) {
	b, err := json.Marshal(row)
	if err != nil {
		b = fmt.Append(nil, err) // rows are plain data; what cannot be written is as good as any constant
	}
	h := sha256.Sum256(slices.Concat([]byte(entity), []byte{0}, b))
	s.lo += binary.LittleEndian.Uint64(h[:8])
	s.hi += binary.LittleEndian.Uint64(h[8:16])
}

// Remember is what the ledger keeps of the parts of a contract that is not projected:
// all rows count, and it is due when the days of the lookahead are over.
func (d *Digest) Remember() *ledger.Parts { return d.remember(d.hash(true), d.rows+d.ofCharge) }

// RememberUnreadable is what the ledger keeps of a contract whose parts cannot be read,
// with the hash that a comparison would find today.
func (d *Digest) RememberUnreadable(hash string) *ledger.Parts { return d.remember(hash, d.rows) }

func (d *Digest) remember(hash string, rows int32) *ledger.Parts {
	w := d.window
	return &ledger.Parts{Hash: hash, From: w.from, To: w.to, Charges: true, Rows: rows, Due: w.from + Lookahead}
}

// RememberProjected is what the ledger keeps of the parts of a contract that was projected.
func (d *Digest) RememberProjected(o projection.Outlook) *ledger.Parts {
	p := d.remember(d.hash(o.Charges), d.rows)
	p.Charges, p.Until = o.Charges, ledger.DayOf(o.Ends)
	if o.Charges {
		p.Rows += d.ofCharge
	}
	switch {
	case !o.Changes.IsZero():
		p.Due = ledger.DayOf(o.Changes)
	case p.Until != 0 && p.Until < p.Due:
		p.Due = 0 // no day can change anything any more
	}
	return p
}

// ReadBy lists the vendors and services that a contract's projection reads: their
// rename or edit must reach it. own are the parts of that contract alone.
func (c Catalogue) ReadBy(own Parts) (vendors, services []int64) {
	services = own.serviceIDs()
	for _, b := range own.bundleIDs() {
		for _, s := range c.BundleServices[b] {
			services = append(services, s.ServiceID)
		}
	}
	services = fetch.Unique(services)
	mine := Catalogue{Services: map[int64]autotask.Service{}, Products: map[int64]autotask.Product{}, ProductVendors: map[int64][]autotask.ProductVendor{}}
	for _, id := range services {
		if s, ok := c.Services[id]; ok {
			mine.Services[id] = s
		}
	}
	for _, id := range own.productIDs() {
		mine.Products[id], mine.ProductVendors[id] = c.Products[id], c.ProductVendors[id]
	}
	return mine.vendorIDs(own), services
}

// RowHash is a hash over everything that is read of a contract's own row.
func RowHash(c autotask.Contract) string {
	c.Missing, c.LastModified = nil, time.Time{}
	b, err := json.Marshal(c)
	if err != nil {
		return "" // plain data always marshals
	}
	sum := sha256.Sum256(b)
	return hex.EncodeToString(sum[:12])
}

// HashUnreadable returns the hashes of contracts whose parts cannot be read: with them the
// next comparison finds nothing new, until the row is repaired. Old rows that went bad
// are not among those that are compared, so these are read as a comparison does.
func (r *Reader) HashUnreadable(ctx context.Context, d Digests, bad map[int64]error) (map[int64]string, error) {
	want := make(map[int64]ledger.Parts, len(bad))
	for id, err := range bad {
		if _, late := errors.AsType[fetch.NotInTime](err); !late { // else it is read apart
			want[id] = *d[id].remember("", 0)
		}
	}
	return Hash(ctx, r.fetcher.Client, want, nil)
}

// NewDigest begins the digest of a contract whose unit rows matter from today on: the
// days of the lookahead, or where allRows says so all that are to come.
func NewDigest(today ledger.Day, allRows bool) *Digest {
	d := &Digest{window: unitWindow{from: today}}
	if !allRows {
		d.window.to = today + Lookahead
		d.later = &Digest{window: unitWindow{from: d.window.to + 1}}
	}
	return d
}
