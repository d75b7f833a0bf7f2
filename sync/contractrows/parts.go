package contractrows

import (
	"context"
	"fmt"
	"maps"
	"slices"

	"channelsync/sync/fetch"

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

// Parts reads the parts of contracts in bulk and counts them for the hashes of d,
// which has one digest for each of the contracts. Those whose parts cannot be read are
// named in bad.
func (r *Reader) Parts(ctx context.Context, d Digests) (p Parts, bad map[int64]error, err error) {
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
	if err = p.hide(err); err != nil {
		return p, bad, err
	}
	for _, one := range d {
		one.complete()
	}
	return p, bad, nil
}

// hide turns the refusal of a right into Hidden; every other error stays one.
func (p *Parts) hide(err error) error {
	if autotask.KindOf(err) == autotask.KindPermission {
		p.Hidden = err
		return nil
	}
	return err
}

func partRows[T any](ctx context.Context, f *fetch.Fetcher, of part[T], d Digests, bad map[int64]error) (map[int64][]T, error) {
	rows, failed, err := fetch.RowsOf[T](ctx, f.Client, of.Entity, "contractID", slices.Sorted(maps.Keys(d)))
	if err != nil {
		return nil, err
	}
	maps.Copy(bad, failed)
	addRows(d, of, autotask.Rows[T]{Items: rows}) // of contracts with bad rows the hash is made anew
	out := map[int64][]T{}
	for _, v := range rows {
		full, keep, own, err := fetch.Complete(ctx, f, of.Row, v)
		switch {
		case own != nil:
			bad[of.contract(v)] = own
		case err != nil:
			return nil, fmt.Errorf("fetch %s: %w", of.Entity, err)
		case keep:
			out[of.contract(full)] = append(out[of.contract(full)], full)
		}
	}
	return out, nil
}

// Of is the parts of one contract alone.
func (p Parts) Of(contract int64) Parts {
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
	ids := named(nil, p.Units, func(v autotask.ContractServiceUnit) *int64 { return v.ServiceID })
	return fetch.Unique(named(ids, p.Services, func(v autotask.ContractService) *int64 { return &v.ServiceID }))
}

func (p Parts) bundleIDs() []int64 {
	ids := named(nil, p.Bundles, func(v autotask.ContractServiceBundle) *int64 { return &v.ServiceBundleID })
	return fetch.Unique(named(ids, p.BundleUnits, func(v autotask.ContractServiceBundleUnit) *int64 { return v.ServiceBundleID }))
}

func (p Parts) productIDs() []int64 {
	return fetch.Unique(named(nil, p.Charges, func(v autotask.ContractCharge) *int64 { return v.ProductID }))
}

// named appends the id that each of the rows names, if it does.
func named[T any](ids []int64, rows map[int64][]T, id func(T) *int64) []int64 {
	for _, own := range rows {
		for _, v := range own {
			if one := id(v); one != nil {
				ids = append(ids, *one)
			}
		}
	}
	return ids
}
