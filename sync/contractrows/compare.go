package contractrows

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"time"

	"channelsync/sync/fetch"

	"channelsync/api/autotask"
	"channelsync/sync/ledger"
)

// Lookahead is how many days ahead rows are read where only those of today give the
// figures, and how many days a contract's figures are known in advance. By then it is
// reconciled once more, if no sweep has done that.
const Lookahead = 14

// Hash reads the rows that hang on contracts, as far as their last reconcile
// says that they matter, and returns the hash of each contract's: it is that of the
// last reconcile unless a row was edited, added, removed, gone bad or repaired. Rows are
// read by the page and none is kept.
//
// wait is asked to wait out the hourly limit where that ends a call; nil: that is the
// error. Contracts whose rows Autotask does not answer spoil no others.
func Hash(
	ctx context.Context, client *autotask.Client, read map[int64]ledger.Parts, wait func(context.Context, time.Duration) error,
) (map[int64]string, error) {
	c := &comparison{client: client, read: read, wait: wait, hashes: make(map[int64]string, len(read))}
	for ids := range slices.Chunk(slices.Sorted(maps.Keys(read)), fetch.MaxBatch) {
		if err := c.walk(ctx, ids); err != nil {
			return nil, fmt.Errorf("compare parts: %w", err)
		}
	}
	return c.hashes, nil
}

type comparison struct {
	client *autotask.Client
	read   map[int64]ledger.Parts
	wait   func(context.Context, time.Duration) error
	works  bool // Autotask answers as such, so that single rows are to blame
	hashes map[int64]string
}

// walk halves contracts that cannot be read together until those to blame stand alone.
func (c *comparison) walk(ctx context.Context, ids []int64) error {
	d, err := c.digest(ctx, ids)
	switch {
	case err == nil:
		c.works = true
		for id, one := range d {
			c.hashes[id] = one.hash(c.read[id].Charges)
		}
		return nil
	case !autotask.OfOneRecord(err):
		return err
	case !c.works || len(ids) == 1:
		if down := fetch.Probe(ctx, c.client, err); down != nil {
			return down
		}
		c.works = true
	}
	if len(ids) == 1 {
		c.hashes[ids[0]] = unreadableParts
		return nil
	}
	middle := len(ids) / 2
	if err := c.walk(ctx, ids[:middle]); err != nil {
		return err
	}
	return c.walk(ctx, ids[middle:])
}

// digest reads the rows of contracts that one query can ask for.
func (c *comparison) digest(ctx context.Context, ids []int64) (Digests, error) {
	d := make(Digests, len(ids))
	windows := make([]unitWindow, len(ids))
	var charged []int64
	for i, id := range ids {
		read := c.read[id]
		windows[i] = unitWindow{read.From, read.To}
		d[id] = &Digest{window: windows[i]}
		if read.Charges {
			charged = append(charged, id)
		}
	}
	mine := autotask.In("contractID", ids)
	units := append(widest(windows).filters(), mine)
	if err := digestRows(ctx, c, d, serviceParts, mine); err != nil {
		return nil, err
	}
	if err := digestRows(ctx, c, d, bundleParts, mine); err != nil {
		return nil, err
	}
	if err := unlessHidden(digestRows(ctx, c, d, unitParts, units...)); err != nil {
		return nil, err
	}
	if err := unlessHidden(digestRows(ctx, c, d, bundleUnitParts, units...)); err != nil {
		return nil, err
	}
	if len(charged) > 0 {
		if err := unlessHidden(digestRows(ctx, c, d, chargeParts, autotask.In("contractID", charged))); err != nil {
			return nil, err
		}
	}
	return d, c.catalogue(ctx, d)
}

// catalogue counts what the bundles and products of the contracts are.
func (c *comparison) catalogue(ctx context.Context, d Digests) error {
	var bundles, products []int64
	for _, one := range d {
		bundles, products = append(bundles, one.bundles...), append(products, one.products...)
	}
	var u untracked
	err := c.patiently(ctx, func() error {
		rows, err := autotask.ByIDs[autotask.ServiceBundle](ctx, c.client, autotask.EntityServiceBundles, "id", fetch.Unique(bundles))
		u.bundles, u.badBundles = keyed(rows, bundleRows)
		return err
	})
	if err != nil {
		return fmt.Errorf("fetch %s: %w", autotask.EntityServiceBundles, err)
	}
	err = c.patiently(ctx, func() (err error) {
		u.contents, u.badContents, err = contentLoader(c.client)(ctx, fetch.Unique(bundles))
		return err
	})
	if err != nil {
		return err
	}
	err = c.patiently(ctx, func() error {
		rows, err := autotask.ByIDs[autotask.Product](ctx, c.client, autotask.EntityProducts, "id", fetch.Unique(products))
		u.products, u.badProducts = keyed(rows, productRows)
		return err
	})
	if err = unlessHidden(err); err != nil {
		return fmt.Errorf("fetch %s: %w", autotask.EntityProducts, err)
	}
	err = c.patiently(ctx, func() (err error) {
		u.suppliers, u.badSuppliers, err = supplierLoader(c.client)(ctx, fetch.Unique(products))
		return err
	})
	if err = unlessHidden(err); err != nil {
		return err
	}
	for _, one := range d {
		one.addUntracked(u)
	}
	return nil
}

// keyed is the rows of an answer by their ids, and what is wrong with the others.
func keyed[T any](rows autotask.Rows[T], of fetch.Row[T]) (map[int64]T, map[int64]error) {
	good, bad := make(map[int64]T, len(rows.Items)), make(map[int64]error, len(rows.Bad))
	for _, v := range rows.Items {
		good[of.ID(v)] = v
	}
	for _, row := range rows.Bad {
		bad[row.ID] = row
	}
	return good, bad
}

// digestRows reads rows page by page. Where the hourly limit ends that, it goes on
// behind the last page.
func digestRows[T any](ctx context.Context, c *comparison, d Digests, of part[T], filters ...autotask.Filter) error {
	q := autotask.Query{Filter: filters}
	err := c.patiently(ctx, func() error {
		return autotask.Each(ctx, c.client, of.Entity, q, func(rows autotask.Rows[T]) error {
			for _, v := range rows.Items {
				q.From = max(q.From, of.ID(v)+1)
			}
			for _, bad := range rows.Bad {
				q.From = max(q.From, bad.ID+1)
			}
			addRows(d, of, rows)
			return nil
		})
	})
	if err != nil {
		return fmt.Errorf("fetch %s: %w", of.Entity, err)
	}
	return nil
}

// patiently makes calls again that ended for the hourly limit, once it allows more.
func (c *comparison) patiently(ctx context.Context, calls func() error) error {
	for {
		err := calls()
		after := autotask.RetryAfterOf(err)
		if after <= 0 || c.wait == nil {
			return err
		}
		if err := c.wait(ctx, after); err != nil {
			return fmt.Errorf("wait for the hourly limit: %w", err)
		}
	}
}
