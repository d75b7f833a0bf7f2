package choice

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"strings"

	"channelsync/api/autotask"
	v1 "channelsync/api/v1"
	"channelsync/internal/search"
)

// mostCounted is how many records of a kind are counted; where there are more, none are.
const mostCounted = 10_000

// Lists reads what may be chosen, without counts.
func Lists(ctx context.Context, c *autotask.Client) (v1.Choices, error) {
	contracts, err := c.Fields(ctx, autotask.EntityContracts)
	if err != nil {
		return v1.Choices{}, fmt.Errorf("read the fields of contracts: %w", err)
	}
	companies, err := c.Fields(ctx, autotask.EntityCompanies)
	if err != nil {
		return v1.Choices{}, fmt.Errorf("read the fields of companies: %w", err)
	}
	return v1.Choices{
		ContractTypes: choices(contracts, "contractType"), ContractCategories: choices(contracts, "contractCategory"),
		CompanyClassifications: choices(companies, "classification"), Companies: []v1.Choice{},
	}, nil
}

// Names reads what a tenant calls the values of the fields that conditions are about, by the field's name.
func Names(ctx context.Context, c *autotask.Client) (map[string]map[int64]string, error) {
	names := map[string]map[int64]string{}
	for entity, wanted := range map[string][]string{
		autotask.EntityCompanies: {"companyType", "classification"}, autotask.EntityContracts: {"contractType", "contractCategory", "status"},
	} {
		fields, err := c.Fields(ctx, entity)
		if err != nil {
			return nil, fmt.Errorf("read the fields of %s: %w", entity, err)
		}
		for _, name := range wanted {
			names[name] = map[int64]string{}
			for _, one := range choices(fields, name) {
				names[name][one.ID] = v1.Trim(one.Name)
			}
		}
	}
	return names, nil
}

// choices is the list of a field; empty where this database has none.
func choices(fields []autotask.FieldInfo, name string) []v1.Choice {
	out := []v1.Choice{}
	for _, f := range fields {
		if !strings.EqualFold(f.Name, name) {
			continue
		}
		for _, p := range f.Picklist {
			if id, err := strconv.ParseInt(p.Value, 10, 64); err == nil {
				out = append(out, v1.Choice{ID: id, Name: p.Label})
			}
		}
	}
	return out
}

type contractRow struct {
	ID       int64  `at:"id"`
	Type     *int64 `at:"contractType"`
	Category *int64 `at:"contractCategory"`
}

type companyRow struct {
	ID             int64  `at:"id"`
	Name           string `at:"companyName"`
	Classification *int64 `at:"classification"`
}

// errTooMany ends a list that is too long to be counted.
var errTooMany = errors.New("too many records to count")

// Count counts the records that have each choice.
func Count(ctx context.Context, c *autotask.Client, of *v1.Choices) error {
	types, categories, classes := map[int64]int{}, map[int64]int{}, map[int64]int{}
	add := func(to map[int64]int, id *int64) {
		if id != nil {
			to[*id]++
		}
	}
	counted, err := each(ctx, c, autotask.EntityContracts, func(r contractRow) { add(types, r.Type); add(categories, r.Category) })
	if err != nil {
		return err
	}
	if counted {
		fill(of.ContractTypes, types)
		fill(of.ContractCategories, categories)
	}
	counted, err = each(ctx, c, autotask.EntityCompanies, func(r companyRow) { add(classes, r.Classification) })
	if counted {
		fill(of.CompanyClassifications, classes)
	}
	return err
}

func fill(list []v1.Choice, counts map[int64]int) {
	for i := range list {
		list[i].Records = new(counts[list[i].ID])
	}
}

// each reads the records of an entity; false when there are too many.
func each[T any](ctx context.Context, c *autotask.Client, entity string, fn func(T)) (bool, error) {
	n := 0
	err := autotask.Each(ctx, c, entity, autotask.Query{From: 1}, func(rows autotask.Rows[T]) error {
		for _, r := range rows.Items {
			fn(r)
		}
		if n += len(rows.Items); n > mostCounted {
			return errTooMany
		}
		return nil
	})
	if errors.Is(err, errTooMany) {
		return false, nil
	}
	if err != nil {
		return false, fmt.Errorf("count %s: %w", entity, err)
	}
	return true, nil
}

// near is how many names a refusal lists.
const near = 5

// Resolve adds the ids of what is named to the options. The error is a *v1.Problem that says of
// each name that is not known, or is that of several, which ones are near; or Autotask's.
func Resolve(ctx context.Context, c *autotask.Client, names *v1.OptionNames, into *v1.Options) error {
	if names.Empty() {
		return nil
	}
	r := &resolver{Client: c}
	if len(names.ContractTypes)+len(names.ContractCategories)+len(names.CompanyClassifications) > 0 {
		lists, err := Lists(ctx, c)
		if err != nil {
			return err
		}
		r.list("contractTypes", "contract type", names.ContractTypes, lists.ContractTypes, &into.ContractTypes)
		r.list("contractCategories", "contract category", names.ContractCategories, lists.ContractCategories, &into.ContractCategories)
		r.list("companyClassifications", "company classification", names.CompanyClassifications, lists.CompanyClassifications, &into.CompanyClassifications)
	}
	for _, of := range []struct {
		field string
		names []string
		into  *v1.RecordIDs
	}{{"include", names.Include, &into.Include}, {"exclude", names.Exclude, &into.Exclude}} {
		for _, name := range of.names {
			found, err := r.companies(ctx, name)
			if err != nil {
				return err
			}
			r.one(of.field, "company", name, found, (*[]int64)(of.into))
		}
	}
	if len(r.wrong) > 0 {
		return v1.Invalid("Some names are not known in Autotask.", r.wrong...)
	}
	return nil
}

// mostFound is how many companies a search finds at most.
const mostFound = 20

// Companies are those with a part of their name, or an id; where there are none, those of names like it.
func Companies(ctx context.Context, c *autotask.Client, text string) ([]v1.Choice, error) {
	r := &resolver{Client: c}
	var found []v1.Choice
	var err error
	if id, wrong := strconv.ParseInt(text, 10, 64); wrong == nil {
		found, err = r.query(ctx, autotask.Eq("id", id))
	} else {
		found, err = r.companies(ctx, text)
	}
	return found[:min(len(found), mostFound)], err
}

type resolver struct {
	*autotask.Client
	wrong []v1.FieldError
}

func (r *resolver) list(field, noun string, names []string, known []v1.Choice, into *[]int64) {
	for _, name := range names {
		r.one(field, noun, name, known, into)
	}
}

// one adds the id of the only choice with a name.
func (r *resolver) one(field, noun, name string, known []v1.Choice, into *[]int64) {
	var meant []v1.Choice
	for _, k := range known {
		if search.Fold(k.Name) == search.Fold(name) {
			meant = append(meant, k)
		}
	}
	if len(meant) == 1 {
		*into = append(*into, meant[0].ID)
		return
	}
	e := v1.FieldError{Pointer: "#/options/" + field, Code: "ambiguous_name", Detail: fmt.Sprintf("%q is the name of several: %s; give the id", name, listed(meant))}
	if len(meant) == 0 {
		e.Code, e.Detail = "unknown_name", fmt.Sprintf("no %s is called %q", noun, name)
		if list := nearest(name, known); list != "" {
			e.Detail += "; near: " + list
		}
	}
	r.wrong = append(r.wrong, e)
}

// nearest lists the choices with names like this; where none is like it and there are few, all.
func nearest(name string, known []v1.Choice) string {
	labels := make([]string, len(known))
	for i, k := range known {
		labels[i] = k.Name
	}
	var like []v1.Choice
	for _, label := range search.Near(name, labels, near) {
		for _, k := range known {
			if k.Name == label && len(like) < near {
				like = append(like, k)
			}
		}
	}
	if len(like) == 0 && len(known) <= 2*near {
		like = known
	}
	return listed(like)
}

func listed(list []v1.Choice) string {
	words := make([]string, 0, len(list))
	for _, c := range list[:min(len(list), 2*near)] {
		words = append(words, fmt.Sprintf("%s (%d)", c.Name, c.ID))
	}
	return strings.Join(words, ", ")
}

// companies are those that have a name in theirs, or begin with its first word.
func (r *resolver) companies(ctx context.Context, name string) ([]v1.Choice, error) {
	found, err := r.query(ctx, autotask.Contains("companyName", name))
	if err != nil || len(found) > 0 {
		return found, err
	}
	first, _, _ := strings.Cut(name, " ")
	if r := []rune(first); len(r) > 3 {
		first = string(r[:3]) // what is misspelt is so further on, more often than not
	}
	if first == "" {
		return nil, nil
	}
	return r.query(ctx, autotask.BeginsWith("companyName", first))
}

func (r *resolver) query(ctx context.Context, filter autotask.Filter) ([]v1.Choice, error) {
	var out []v1.Choice
	err := autotask.Each(ctx, r.Client, autotask.EntityCompanies, autotask.Query{Filter: []autotask.Filter{filter}}, func(rows autotask.Rows[companyRow]) error {
		for _, c := range rows.Items {
			out = append(out, v1.Choice{ID: c.ID, Name: v1.Trim(c.Name)})
		}
		if len(out) > mostCounted {
			return errTooMany
		}
		return nil
	})
	if err != nil && !errors.Is(err, errTooMany) {
		return nil, fmt.Errorf("look for companies by name: %w", err)
	}
	return out, nil
}
