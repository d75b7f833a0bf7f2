package contractrows

import (
	"context"
	"fmt"
	"regexp"
	"strings"
	"time"

	"channelsync/sync/fetch"

	"channelsync/api/autotask"
)

// Reader reads the rows that hang on the contracts of one installation, and the
// catalogue that they name.
type Reader struct {
	fetcher *fetch.Fetcher
	now     func() time.Time
	tenant  tenant
}

// New makes a reader.
func New(f *fetch.Fetcher, now func() time.Time) *Reader { return &Reader{fetcher: f, now: now} }

// ForgetServices makes the next reconcile read services of the catalogue again.
func (r *Reader) ForgetServices(ids ...int64) { r.tenant.services.Forget(ids...) }

// ForgetVendors makes the next reconcile read the names of companies again.
func (r *Reader) ForgetVendors(ids ...int64) { r.tenant.names.Forget(ids...) }

// ForgetCatalogue makes the next reconcile read the catalogue again: edits of bundles and
// products leave no trace, and where rows of contracts differ the right to read costs may
// have been granted or revoked, which changes all of it.
func (r *Reader) ForgetCatalogue() {
	r.tenant.services.Clear()
	r.tenant.bundles.Clear()
	r.tenant.bundleServices.Clear()
	r.tenant.products.Clear()
	r.tenant.productVendors.Clear()
}

// tenant caches what many contracts of one Autotask read: the catalogue, the
// vendors' names and the currency.
type tenant struct {
	services       fetch.Cache[autotask.Service]
	bundles        fetch.Cache[autotask.ServiceBundle]
	bundleServices fetch.Cache[[]autotask.ServiceBundleService]
	products       fetch.Cache[autotask.Product]
	productVendors fetch.Cache[[]autotask.ProductVendor]
	names          fetch.Cache[string]
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
	serviceRows = fetch.NewRow(autotask.EntityServices, func(v autotask.Service) (int64, []string) { return v.ID, v.Missing })
	bundleRows  = fetch.NewRow(autotask.EntityServiceBundles, func(v autotask.ServiceBundle) (int64, []string) { return v.ID, v.Missing })
	productRows = fetch.NewRow(autotask.EntityProducts, func(v autotask.Product) (int64, []string) { return v.ID, v.Missing })
	nameRows    = fetch.NewRow(autotask.EntityCompanies, func(v companyName) (int64, []string) { return v.ID, v.Missing })
)

// Catalogue is what the projections of a batch of contracts read beside their parts.
type Catalogue struct {
	Services       map[int64]autotask.Service
	Bundles        map[int64]autotask.ServiceBundle
	BundleServices map[int64][]autotask.ServiceBundleService
	Products       map[int64]autotask.Product
	ProductVendors map[int64][]autotask.ProductVendor
	VendorNames    map[int64]string
	Currency       Currency

	badServices, badBundles, badContents, badProducts, badSuppliers, badNames map[int64]error
}

func (r *Reader) Catalogue(ctx context.Context, p Parts) (c Catalogue, err error) {
	t, now, f := &r.tenant, r.now(), r.fetcher
	if bundles := p.bundleIDs(); len(bundles) > 0 {
		if c.Bundles, c.badBundles, err = t.bundles.Get(ctx, now, bundles, bundleLoader(f)); err != nil {
			return c, err
		}
		if c.BundleServices, c.badContents, err = t.bundleServices.Get(ctx, now, bundles, contentLoader(f.Client)); err != nil {
			return c, err
		}
	}
	ids := named(p.serviceIDs(), c.BundleServices, func(v autotask.ServiceBundleService) *int64 { return &v.ServiceID })
	if c.Services, c.badServices, err = t.services.Get(ctx, now, fetch.Unique(ids), byID(f, serviceRows)); err != nil {
		return c, err
	}
	if products := p.productIDs(); len(products) > 0 {
		c.Products, c.badProducts, err = t.products.Get(ctx, now, products, productLoader(f))
		if err = unlessHidden(err); err != nil {
			return c, err
		}
		c.ProductVendors, c.badSuppliers, err = t.productVendors.Get(ctx, now, products, supplierLoader(f.Client))
		if err = unlessHidden(err); err != nil {
			return c, err
		}
	}
	if c.VendorNames, c.badNames, err = t.names.Get(ctx, now, c.vendorIDs(p), nameLoader(f)); err != nil {
		return c, err
	}
	c.Currency, err = t.money.get(ctx, f.Client, now)
	return c, err
}

// untracked is the part of the catalogue that does not tell of its edits.
func (c Catalogue) untracked() untracked {
	return untracked{
		bundles: c.Bundles, contents: c.BundleServices, products: c.Products, suppliers: c.ProductVendors,
		badBundles: c.badBundles, badContents: c.badContents, badProducts: c.badProducts, badSuppliers: c.badSuppliers,
	}
}

// Unreadable is what is wrong with a row that one contract reads; nil when nothing
// is. Passing over it could give the contract another vendor or cost.
func (c Catalogue) Unreadable(own Parts, vendors, services []int64) error {
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

func (c Catalogue) vendorIDs(p Parts) []int64 {
	ids := named(nil, p.Units, func(v autotask.ContractServiceUnit) *int64 { return v.VendorCompanyID })
	ids = named(ids, c.ProductVendors, func(v autotask.ProductVendor) *int64 { return &v.VendorID })
	add := func(id *int64) {
		if id != nil {
			ids = append(ids, *id)
		}
	}
	for _, v := range c.Services {
		add(v.VendorCompanyID)
	}
	for _, v := range c.Products {
		add(v.DefaultVendorID)
	}
	return fetch.Unique(ids)
}

func byID[T any](f *fetch.Fetcher, r fetch.Row[T]) fetch.Loader[T] {
	return notingCompleted(f, r, func(*T) {})
}

// productLoader loads products, sets loads bundles. One that a query did not answer in full says so in Missing: who
// compares asks no more than the query, and must not take that for an edit.
func productLoader(f *fetch.Fetcher) fetch.Loader[autotask.Product] {
	return notingCompleted(f, productRows, func(v *autotask.Product) { v.Missing = []string{"defaultVendorID"} })
}

func bundleLoader(f *fetch.Fetcher) fetch.Loader[autotask.ServiceBundle] {
	return notingCompleted(f, bundleRows, func(v *autotask.ServiceBundle) { v.Missing = []string{"unitCost"} })
}

// notingCompleted loads rows and notes those that a GET by id completed.
func notingCompleted[T any](f *fetch.Fetcher, r fetch.Row[T], note func(*T)) fetch.Loader[T] {
	return func(ctx context.Context, ids []int64) (map[int64]T, map[int64]error, error) {
		found, err := fetch.ByIDs(ctx, f, r, ids)
		if err != nil {
			return nil, nil, fmt.Errorf("fetch %s: %w", r.Entity, err)
		}
		for _, id := range found.ByGet {
			if v, there := found.Rows[id]; there {
				note(&v)
				found.Rows[id] = v
			}
		}
		return found.Rows, found.Bad, nil
	}
}

func grouped[T any](client *autotask.Client, entity, field string, key func(T) int64) fetch.Loader[[]T] {
	return func(ctx context.Context, ids []int64) (map[int64][]T, map[int64]error, error) {
		rows, bad, err := fetch.RowsOf[T](ctx, client, entity, field, ids)
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

// contentLoader loads what bundles consist of.
func contentLoader(c *autotask.Client) fetch.Loader[[]autotask.ServiceBundleService] {
	return grouped(c, autotask.EntityServiceBundleServices, "serviceBundleID", func(v autotask.ServiceBundleService) int64 { return v.ServiceBundleID })
}

// supplierLoader loads the vendors of products.
func supplierLoader(c *autotask.Client) fetch.Loader[[]autotask.ProductVendor] {
	return grouped(c, autotask.EntityProductVendors, "productID", func(v autotask.ProductVendor) int64 { return v.ProductID })
}

func nameLoader(f *fetch.Fetcher) fetch.Loader[string] {
	load := byID(f, nameRows)
	return func(ctx context.Context, ids []int64) (map[int64]string, map[int64]error, error) {
		rows, bad, err := load(ctx, ids)
		if err != nil {
			return nil, nil, err
		}
		out := make(map[int64]string, len(rows))
		for id, v := range rows {
			if name := strings.TrimSpace(v.CompanyName); name != "" {
				out[id] = name
			}
		}
		return out, bad, nil
	}
}

var isoCode = regexp.MustCompile(`^[A-Z]{3}$`)

// Currency is the tenant's internal one.
type Currency struct {
	ID   *int64 // nil when it cannot be read
	Code string // empty when its name is no ISO code
}

// currencies caches the tenant's internal currency.
type currencies struct{ internal fetch.Cache[Currency] }

// theOnly is the key of what a tenant has one of.
const theOnly = 0

// get returns the internal currency; nothing of it when the entity cannot be read.
func (c *currencies) get(ctx context.Context, client *autotask.Client, now time.Time) (Currency, error) {
	internal, _, err := c.internal.Get(ctx, now, []int64{theOnly}, func(ctx context.Context, _ []int64) (map[int64]Currency, map[int64]error, error) {
		var found Currency
		err := autotask.Each(ctx, client, autotask.EntityCurrencies, autotask.Query{}, func(rows autotask.Rows[autotask.Currency]) error {
			for _, v := range rows.Items {
				name := strings.ToUpper(strings.TrimSpace(v.Name))
				if iso := isoCode.MatchString(name); v.IsInternalCurrency && (found.ID == nil || iso && found.Code == "") {
					found.ID = &v.ID
					if iso {
						found.Code = name
					}
				}
			}
			return nil
		})
		if err = unlessHidden(err); err != nil {
			return nil, nil, fmt.Errorf("fetch currencies: %w", err)
		}
		return map[int64]Currency{theOnly: found}, nil, nil
	})
	return internal[theOnly], err
}
