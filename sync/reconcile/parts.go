package reconcile

import (
	"cmp"
	"context"
	"fmt"
	"maps"
	"slices"

	"channelsync/api/autotask"
)

// Parts are the rows that hang on contracts, by contract. They do not tell when they
// were edited.
type Parts struct {
	Units       map[int64][]autotask.ContractServiceUnit
	Services    map[int64][]autotask.ContractService
	Bundles     map[int64][]autotask.ContractServiceBundle
	BundleUnits map[int64][]autotask.ContractServiceBundleUnit
	Charges     map[int64][]autotask.ContractCharge
	// Hidden is the refusal of the right to read unit rows or charges: costs are not known then.
	Hidden error
}

// partsOf reads the parts of contracts in bulk and counts them for the hashes of d,
// which has one digest for each of the contracts. Those whose parts cannot be read are
// named in bad.
func (r *Reconciler) partsOf(ctx context.Context, d digests) (p Parts, bad map[int64]error, err error) {
	bad = map[int64]error{}
	if p.Services, err = partRows(ctx, r.fetcher, serviceParts, d, bad); err != nil {
		return p, bad, err
	}
	if p.Bundles, err = partRows(ctx, r.fetcher, bundleParts, d, bad); err != nil {
		return p, bad, err
	}
	p.Units, err = partRows(ctx, r.fetcher, unitParts, d, bad)
	if err = p.hide(err); err != nil {
		return p, bad, err
	}
	p.BundleUnits, err = partRows(ctx, r.fetcher, bundleUnitParts, d, bad)
	if err = p.hide(err); err != nil {
		return p, bad, err
	}
	p.Charges, err = partRows(ctx, r.fetcher, chargeParts, d, bad)
	return p, bad, p.hide(err)
}

// hide turns the refusal of a right into Hidden; every other error stays one.
func (p *Parts) hide(err error) error {
	if autotask.KindOf(err) == autotask.KindPermission {
		p.Hidden = err
		return nil
	}
	return err
}

func partRows[T any](ctx context.Context, f *fetcher, of part[T], d digests, bad map[int64]error) (map[int64][]T, error) {
	rows, failed, err := rowsOf[T](ctx, f.client, of.entity, "contractID", slices.Sorted(maps.Keys(d)))
	if err != nil {
		return nil, err
	}
	maps.Copy(bad, failed)
	addRows(d, of, autotask.Rows[T]{Items: rows}) // of contracts with bad rows the hash is made anew
	out := map[int64][]T{}
	for _, v := range rows {
		full, keep, own, err := whole(ctx, f, of.row, v)
		switch {
		case own != nil:
			bad[of.contract(v)] = own
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
func rowsOf[T any](ctx context.Context, c *autotask.Client, entity, parent string, ids []int64, extra ...autotask.Filter) (rows []T, bad map[int64]error, err error) {
	unreadable := map[int64]error{}
	all, bad, err := bisect(ctx, ids, func(ctx context.Context, ids []int64) (autotask.Rows[T], error) {
		rows, err := autotask.ByIDs[T](ctx, c, entity, parent, ids, extra...)
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
