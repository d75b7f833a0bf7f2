package reconcile

import (
	"context"
	"fmt"
	"regexp"
	"strings"
	"time"

	"channelsync/api/autotask"
)

// tenant caches what many contracts of one Autotask read: the catalogue, the
// vendors' names and the currency.
type tenant struct {
	services       cache[autotask.Service]
	bundles        cache[autotask.ServiceBundle]
	bundleServices cache[[]autotask.ServiceBundleService]
	products       cache[autotask.Product]
	productVendors cache[[]autotask.ProductVendor]
	names          cache[string]
	money          currencies
}

// companyName reads just the name of a company.
type companyName struct {
	ID          int64  `at:"id"`
	CompanyName string `at:"companyName"`
	Missing     []string
}

// The rows of the catalogue.
var (
	serviceRows = row[autotask.Service]{
		entity:  autotask.EntityServices,
		id:      func(v autotask.Service) int64 { return v.ID },
		missing: func(v autotask.Service) []string { return v.Missing },
	}
	bundleRows = row[autotask.ServiceBundle]{
		entity:  autotask.EntityServiceBundles,
		id:      func(v autotask.ServiceBundle) int64 { return v.ID },
		missing: func(v autotask.ServiceBundle) []string { return v.Missing },
	}
	productRows = row[autotask.Product]{
		entity:  autotask.EntityProducts,
		id:      func(v autotask.Product) int64 { return v.ID },
		missing: func(v autotask.Product) []string { return v.Missing },
	}
	nameRows = row[companyName]{
		entity:  autotask.EntityCompanies,
		id:      func(v companyName) int64 { return v.ID },
		missing: func(v companyName) []string { return v.Missing },
	}
)

// catalogue is what the projections of a batch of contracts read beside their parts.
type catalogue struct {
	services       map[int64]autotask.Service
	bundles        map[int64]autotask.ServiceBundle
	bundleServices map[int64][]autotask.ServiceBundleService
	products       map[int64]autotask.Product
	productVendors map[int64][]autotask.ProductVendor
	vendorNames    map[int64]string
	currency       currency

	badServices, badBundles, badContents, badProducts, badSuppliers, badNames map[int64]error
}

func (r *Reconciler) catalogueFor(ctx context.Context, p Parts) (c catalogue, err error) {
	t, now, f := &r.tenant, r.Now(), r.fetcher
	if bundles := p.bundleIDs(); len(bundles) > 0 {
		if c.bundles, c.badBundles, err = t.bundles.get(ctx, now, bundles, sets(f)); err != nil {
			return c, err
		}
		if c.bundleServices, c.badContents, err = t.bundleServices.get(ctx, now, bundles, contents(f.client)); err != nil {
			return c, err
		}
	}
	ids := p.serviceIDs()
	for _, rows := range c.bundleServices {
		for _, v := range rows {
			ids = append(ids, v.ServiceID)
		}
	}
	if c.services, c.badServices, err = t.services.get(ctx, now, unique(ids), byID(f, serviceRows)); err != nil {
		return c, err
	}
	if products := p.productIDs(); len(products) > 0 {
		c.products, c.badProducts, err = t.products.get(ctx, now, products, stock(f))
		if err = unlessHidden(err); err != nil {
			return c, err
		}
		c.productVendors, c.badSuppliers, err = t.productVendors.get(ctx, now, products, suppliers(f.client))
		if err = unlessHidden(err); err != nil {
			return c, err
		}
	}
	if c.vendorNames, c.badNames, err = t.names.get(ctx, now, c.vendorIDs(p), names(f)); err != nil {
		return c, err
	}
	c.currency, err = t.money.get(ctx, f.client, now)
	return c, err
}

// unstamped is the part of the catalogue that does not tell of its edits.
func (c catalogue) unstamped() unstamped {
	return unstamped{
		bundles: c.bundles, contents: c.bundleServices, products: c.products, suppliers: c.productVendors,
		badBundles: c.badBundles, badContents: c.badContents, badProducts: c.badProducts, badSuppliers: c.badSuppliers,
	}
}

// unreadable is what is wrong with a row that one contract reads; nil when nothing
// is. Passing over it could give the contract another vendor or cost.
func (c catalogue) unreadable(own Parts, vendors, services []int64) error {
	for _, one := range []struct {
		ids []int64
		bad map[int64]error
	}{
		{services, c.badServices},
		{own.bundleIDs(), c.badBundles},
		{own.bundleIDs(), c.badContents},
		{own.productIDs(), c.badProducts},
		{own.productIDs(), c.badSuppliers},
		{vendors, c.badNames},
	} {
		for _, id := range one.ids {
			if err := one.bad[id]; err != nil {
				return err
			}
		}
	}
	return nil
}

// unlessHidden passes over the refusal of a right that only a charge's vendor needs.
func unlessHidden(err error) error {
	switch autotask.KindOf(err) {
	case autotask.KindPermission, autotask.KindNotFound:
		return nil
	}
	return err
}

func (c catalogue) vendorIDs(p Parts) []int64 {
	var ids []int64
	add := func(id *int64) {
		if id != nil {
			ids = append(ids, *id)
		}
	}
	for _, rows := range p.Units {
		for _, v := range rows {
			add(v.VendorCompanyID)
		}
	}
	for _, v := range c.services {
		add(v.VendorCompanyID)
	}
	for _, v := range c.products {
		add(v.DefaultVendorID)
	}
	for _, rows := range c.productVendors {
		for _, v := range rows {
			ids = append(ids, v.VendorID)
		}
	}
	return unique(ids)
}

func byID[T any](f *fetcher, r row[T]) loader[T] {
	return func(ctx context.Context, ids []int64) (map[int64]T, map[int64]error, error) {
		found, err := fetch(ctx, f, r, ids)
		if err != nil {
			return nil, nil, fmt.Errorf("fetch %s: %w", r.entity, err)
		}
		return found.rows, found.bad, nil
	}
}

// stock loads products, sets loads bundles. One that a query did not answer in full says so in Missing: who
// compares asks no more than the query, and must not take that for an edit.
func stock(f *fetcher) loader[autotask.Product] {
	return told(f, productRows, func(v *autotask.Product) { v.Missing = []string{"defaultVendorID"} })
}

func sets(f *fetcher) loader[autotask.ServiceBundle] {
	return told(f, bundleRows, func(v *autotask.ServiceBundle) { v.Missing = []string{"unitCost"} })
}

// told loads rows and marks those that a GET by id completed.
func told[T any](f *fetcher, r row[T], mark func(*T)) loader[T] {
	return func(ctx context.Context, ids []int64) (map[int64]T, map[int64]error, error) {
		found, err := fetch(ctx, f, r, ids)
		if err != nil {
			return nil, nil, fmt.Errorf("fetch %s: %w", r.entity, err)
		}
		for _, id := range found.settled {
			if v, there := found.rows[id]; there {
				mark(&v)
				found.rows[id] = v
			}
		}
		return found.rows, found.bad, nil
	}
}

func grouped[T any](client *autotask.Client, entity, field string, key func(T) int64) loader[[]T] {
	return func(ctx context.Context, ids []int64) (map[int64][]T, map[int64]error, error) {
		rows, bad, err := rowsOf[T](ctx, client, entity, field, ids)
		if err != nil {
			return nil, nil, err
		}
		out := map[int64][]T{}
		for _, v := range rows {
			out[key(v)] = append(out[key(v)], v)
		}
		return out, bad, nil
	}
}

// contents loads what bundles consist of.
func contents(c *autotask.Client) loader[[]autotask.ServiceBundleService] {
	return grouped(c, autotask.EntityServiceBundleServices, "serviceBundleID", func(v autotask.ServiceBundleService) int64 { return v.ServiceBundleID })
}

// suppliers loads the vendors of products.
func suppliers(c *autotask.Client) loader[[]autotask.ProductVendor] {
	return grouped(c, autotask.EntityProductVendors, "productID", func(v autotask.ProductVendor) int64 { return v.ProductID })
}

func names(f *fetcher) loader[string] {
	load := byID(f, nameRows)
	return func(ctx context.Context, ids []int64) (map[int64]string, map[int64]error, error) {
		rows, bad, err := load(ctx, ids)
		if err != nil {
			return nil, nil, err
		}
		out := make(map[int64]string, len(rows))
		for id, v := range rows {
			if name := trim(v.CompanyName); name != "" {
				out[id] = name
			}
		}
		return out, bad, nil
	}
}

var isoCode = regexp.MustCompile(`^[A-Z]{3}$`)

// currency is the tenant's internal one.
type currency struct {
	id   *int64 // nil when it cannot be read
	code string // empty when its name is no ISO code
}

// currencies caches the tenant's internal currency.
type currencies struct{ internal cache[currency] }

// theOnly is the key of what a tenant has one of.
const theOnly = 0

// get returns the internal currency; nothing of it when the entity cannot be read.
func (c *currencies) get(ctx context.Context, client *autotask.Client, now time.Time) (currency, error) {
	internal, _, err := c.internal.get(ctx, now, []int64{theOnly}, func(ctx context.Context, _ []int64) (map[int64]currency, map[int64]error, error) {
		var found currency
		err := autotask.Each(ctx, client, autotask.EntityCurrencies, autotask.Query{}, func(rows autotask.Rows[autotask.Currency]) error {
			for _, v := range rows.Items {
				name := strings.ToUpper(trim(v.Name))
				if iso := isoCode.MatchString(name); v.IsInternalCurrency && (found.id == nil || iso && found.code == "") {
					found.id = &v.ID
					if iso {
						found.code = name
					}
				}
			}
			return nil
		})
		if err = unlessHidden(err); err != nil {
			return nil, nil, fmt.Errorf("fetch currencies: %w", err)
		}
		return map[int64]currency{theOnly: found}, nil, nil
	})
	return internal[theOnly], err
}
