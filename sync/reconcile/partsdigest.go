package reconcile

import (
	"crypto/sha256"
	"encoding/base64"
	"encoding/binary"
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"time"

	"channelsync/api/autotask"
	"channelsync/sync/ledger"
)

// partsFormat begins every hash. It is raised when what a hash is made of changes, the
// fields of the rows among it: a hash of another format says nothing about edits.
const partsFormat = "2."

// unreadableParts stands for the hash of a contract whose rows Autotask does not
// answer at all. It is not compared: it would spoil the answers of others, and its
// own retries and the daily sweep ask for it.
const unreadableParts = partsFormat + "unreadable"

// PartsRead says whether the parts of a contract were read, and can be compared.
func PartsRead(p *ledger.Parts) bool { return p != nil && strings.HasPrefix(p.Hash, partsFormat) }

// PartsUnreadable says that Autotask did not answer with the parts of a contract.
func PartsUnreadable(p *ledger.Parts) bool { return p.Hash == unreadableParts }

// digest is the hash in the making of the rows of one contract, as queries answer
// them: what a GET by id adds to a row is not part of it, since comparing makes none.
type digest struct {
	window         unitWindow
	own, charges   sums // charges apart: whether they matter is known last
	bundles        []int64
	products       []int64
	rows, ofCharge int32
	unreadable     bool
	// begun says that a unit row begins by the first day of the window; while none does,
	// the first ones to come stand for today, however late that is, and later counts too.
	begun bool
	later *digest
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

// digests are those of several contracts.
type digests map[int64]*digest

// addRows counts the rows of a query's answer, and those that cannot be read: a row
// that goes bad, or is mended, is a change like any other.
func addRows[T any](d digests, of part[T], rows autotask.Rows[T]) {
	for _, v := range rows.Items {
		if one := d[of.contract(v)]; one != nil {
			one.add(of.digested(v))
		}
	}
	for _, bad := range rows.Bad {
		if one := d[bad.Parent]; one != nil {
			one.add(digested{entity: of.entity, charge: of.entity == autotask.EntityContractCharges, row: bad})
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

func (d *digest) add(v digested) {
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

// whole ends the reading of the rows of a contract: where no unit row has begun, all
// that are to come count.
func (d *digest) whole() {
	if d.begun || d.later == nil {
		return
	}
	d.window.to = 0
	d.own.lo += d.later.own.lo
	d.own.hi += d.later.own.hi
	d.rows += d.later.rows
	d.bundles = append(d.bundles, d.later.bundles...)
}

// addCatalogue counts what the contract's bundles cost and consist of and whose the products
// of its charges are: nothing polls edits of these.
func (d *digest) addCatalogue(c unstamped) {
	for _, bundle := range unique(d.bundles) {
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
	for _, id := range unique(d.products) {
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
func (d *digest) hash(charges bool) string {
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

// unstamped are the rows of the catalogue whose edits no poll finds.
type unstamped struct {
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
