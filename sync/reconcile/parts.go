package reconcile

import (
	"cmp"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"channelsync/api/autotask"
)

// Parts are the rows that hang on contracts, by contract. They carry no stamp.
type Parts struct {
	Units       map[int64][]autotask.ContractServiceUnit
	Services    map[int64][]autotask.ContractService
	Bundles     map[int64][]autotask.ContractServiceBundle
	BundleUnits map[int64][]autotask.ContractServiceBundleUnit
	Charges     map[int64][]autotask.ContractCharge
	// What bundles consist of, and whose products are, by bundle and product: edits of these are not stamped either.
	Contents  map[int64][]autotask.ServiceBundleService
	Products  map[int64]autotask.Product
	Suppliers map[int64][]autotask.ProductVendor
	// Hidden is the refusal of the right to read unit rows or charges: costs are not known then.
	Hidden error
}

// partsOf reads the parts of contracts in bulk. The contracts whose parts
// cannot be read are named in bad.
func (r *Reconciler) partsOf(ctx context.Context, contracts []int64) (p Parts, bad map[int64]error, err error) {
	bad = map[int64]error{}
	if p.Services, err = partRows(ctx, r.fetcher, serviceParts, contracts, bad); err != nil {
		return p, bad, err
	}
	if p.Bundles, err = partRows(ctx, r.fetcher, bundleParts, contracts, bad); err != nil {
		return p, bad, err
	}
	p.Units, err = partRows(ctx, r.fetcher, unitParts, contracts, bad)
	if err = p.hide(err); err != nil {
		return p, bad, err
	}
	p.BundleUnits, err = partRows(ctx, r.fetcher, bundleUnitParts, contracts, bad)
	if err = p.hide(err); err != nil {
		return p, bad, err
	}
	p.Charges, err = partRows(ctx, r.fetcher, chargeParts, contracts, bad)
	return p, bad, p.hide(err)
}

// AllParts reads every part of every contract, for comparing.
func AllParts(ctx context.Context, c *autotask.Client) (p Parts, err error) {
	if p.Services, err = allRows(ctx, c, serviceParts); err != nil {
		return p, err
	}
	if p.Bundles, err = allRows(ctx, c, bundleParts); err != nil {
		return p, err
	}
	p.Units, err = allRows(ctx, c, unitParts)
	if err = p.hide(err); err != nil {
		return p, err
	}
	p.BundleUnits, err = allRows(ctx, c, bundleUnitParts)
	if err = p.hide(err); err != nil {
		return p, err
	}
	p.Charges, err = allRows(ctx, c, chargeParts)
	if err = p.hide(err); err != nil {
		return p, err
	}
	return p, p.readCatalogue(ctx, c)
}

// readCatalogue reads what the bundles consist of and whose products are.
func (p *Parts) readCatalogue(ctx context.Context, c *autotask.Client) (err error) {
	if p.Contents, _, err = contents(c)(ctx, p.bundleIDs()); err != nil {
		return err
	}
	products := p.productIDs()
	rows, err := autotask.ByIDs[autotask.Product](ctx, c, autotask.EntityProducts, "id", products)
	if err = unlessHidden(err); err != nil {
		return fmt.Errorf("fetch %s: %w", autotask.EntityProducts, err)
	}
	p.Products = map[int64]autotask.Product{}
	for _, v := range rows.Items {
		p.Products[v.ID] = v
	}
	p.Suppliers, _, err = suppliers(c)(ctx, products)
	return unlessHidden(err)
}

func allRows[T any](ctx context.Context, c *autotask.Client, of part[T]) (map[int64][]T, error) {
	out := map[int64][]T{}
	err := autotask.Each(ctx, c, of.entity, autotask.Query{}, func(rows autotask.Rows[T]) error {
		for _, v := range rows.Items {
			out[of.contract(v)] = append(out[of.contract(v)], v)
		}
		return nil
	})
	if err != nil {
		return nil, fmt.Errorf("fetch %s: %w", of.entity, err)
	}
	return out, nil
}

// hide turns the refusal of a right into Hidden; every other error stays one.
func (p *Parts) hide(err error) error {
	if autotask.KindOf(err) == autotask.KindPermission {
		p.Hidden = err
		return nil
	}
	return err
}

func partRows[T any](ctx context.Context, f *fetcher, of part[T], contracts []int64, bad map[int64]error) (map[int64][]T, error) {
	rows, failed, err := rowsOf[T](ctx, f.client, of.entity, "contractID", contracts)
	if err != nil {
		return nil, err
	}
	maps.Copy(bad, failed)
	out := map[int64][]T{}
	for _, v := range rows {
		full, keep, err := whole(ctx, f, of.row, v)
		switch {
		case err != nil && ownFailure(err):
			bad[of.contract(v)] = err
		case err != nil:
			return nil, fmt.Errorf("fetch %s: %w", of.entity, err)
		case keep:
			out[of.contract(full)] = append(out[of.contract(full)], full)
		}
	}
	return out, nil
}

// rowsOf reads the rows that hang on records, in bulk. A row that cannot be read is the
// failure of the record it hangs on: without it a vendor or a cost would be wrong.
func rowsOf[T any](ctx context.Context, c *autotask.Client, entity, parent string, ids []int64) (rows []T, bad map[int64]error, err error) {
	unreadable := map[int64]error{}
	all, bad, err := bisect(ctx, ids, func(ctx context.Context, ids []int64) (autotask.Rows[T], error) {
		rows, err := autotask.ByIDs[T](ctx, c, entity, parent, ids)
		for _, row := range rows.Bad {
			if row.Parent == 0 { // halve down to the record it hangs on
				return rows, &autotask.Error{Kind: autotask.KindUndecodable, Operation: "query", Entity: entity, Cause: row}
			}
			unreadable[row.Parent] = row
		}
		return rows, err
	})
	if err != nil {
		return nil, nil, fmt.Errorf("fetch %s: %w", entity, err)
	}
	maps.Copy(bad, unreadable)
	return all.Items, bad, nil
}

// of is the parts of one contract alone.
func (p Parts) of(contract int64) Parts {
	return Parts{
		Units:       map[int64][]autotask.ContractServiceUnit{contract: p.Units[contract]},
		Services:    map[int64][]autotask.ContractService{contract: p.Services[contract]},
		Bundles:     map[int64][]autotask.ContractServiceBundle{contract: p.Bundles[contract]},
		BundleUnits: map[int64][]autotask.ContractServiceBundleUnit{contract: p.BundleUnits[contract]},
		Charges:     map[int64][]autotask.ContractCharge{contract: p.Charges[contract]},
	}
}

// Hash is a hash over everything that a contract's projection reads of its
// parts, and over which rows are of today: a row that comes of age changes the
// vendor without any edit.
func (p Parts) Hash(contract int64, today time.Time) string {
	lines := make([]string, 0, 16)
	day := today.UTC().Format("20060102")
	period := func(start, end time.Time) string {
		s, e := start.UTC().Format("20060102"), end.UTC().Format("20060102")
		return fmt.Sprint((start.IsZero() || s <= day) && (end.IsZero() || day <= e))
	}
	add := func(entity string, extra string, row any) {
		b, err := json.Marshal(row)
		if err != nil {
			b = []byte(err.Error()) // rows are plain data; a constant is as good as any
		}
		lines = append(lines, entity+extra+string(b))
	}
	for _, v := range p.Units[contract] {
		v.Lacks = nil
		add("u", period(v.StartDate, v.EndDate), v)
	}
	for _, v := range p.BundleUnits[contract] {
		v.Lacks = nil
		add("bu", period(v.StartDate, v.EndDate), v)
	}
	for _, v := range p.Services[contract] {
		v.Lacks = nil
		add("s", "", v)
	}
	for _, v := range p.Bundles[contract] {
		v.Lacks = nil
		add("b", "", v)
	}
	for _, v := range p.Charges[contract] {
		v.Lacks = nil
		add("c", "", v)
	}
	own := p.of(contract)
	for _, bundle := range own.bundleIDs() {
		for _, v := range p.Contents[bundle] {
			add("bs", fmt.Sprint(bundle), v.ServiceID)
		}
	}
	for _, product := range own.productIDs() {
		add("p", fmt.Sprint(product), p.Products[product].DefaultVendorID)
		for _, v := range p.Suppliers[product] {
			v.Lacks = nil
			add("pv", "", v)
		}
	}
	slices.Sort(lines)
	sum := sha256.Sum256([]byte(strings.Join(lines, "\n")))
	return hex.EncodeToString(sum[:12])
}

// serviceIDs lists the services that the parts of contracts name, each once.
func (p Parts) serviceIDs() []int64 {
	var ids []int64
	for _, rows := range p.Units {
		for _, v := range rows {
			if v.ServiceID != nil {
				ids = append(ids, *v.ServiceID)
			}
		}
	}
	for _, rows := range p.Services {
		for _, v := range rows {
			ids = append(ids, v.ServiceID)
		}
	}
	return unique(ids)
}

func (p Parts) bundleIDs() []int64 {
	var ids []int64
	for _, rows := range p.Bundles {
		for _, v := range rows {
			ids = append(ids, v.ServiceBundleID)
		}
	}
	for _, rows := range p.BundleUnits {
		for _, v := range rows {
			if v.ServiceBundleID != nil {
				ids = append(ids, *v.ServiceBundleID)
			}
		}
	}
	return unique(ids)
}

func (p Parts) productIDs() []int64 {
	var ids []int64
	for _, rows := range p.Charges {
		for _, v := range rows {
			if v.ProductID != nil {
				ids = append(ids, *v.ProductID)
			}
		}
	}
	return unique(ids)
}

func unique[T cmp.Ordered](ids []T) []T {
	slices.Sort(ids)
	return slices.Compact(ids)
}
