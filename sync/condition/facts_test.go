package condition_test

import (
	"slices"
	"strings"
	"testing"

	"channelsync/api/autotask"
	v1 "channelsync/api/v1"
	"channelsync/sync/condition"
)

func ptr[T any](v T) *T { return &v }

func customer(change ...func(*autotask.Company)) autotask.Company {
	c := autotask.Company{ID: 42, CompanyName: "Northwind Dental", CompanyType: 1, IsActive: true, Classification: ptr(int64(5))}
	for _, f := range change {
		f(&c)
	}
	return c
}

func ofType(n int64) func(*autotask.Company)    { return func(c *autotask.Company) { c.CompanyType = n } }
func withID(id int64) func(*autotask.Company)   { return func(c *autotask.Company) { c.ID = id } }
func inactive(c *autotask.Company)              { c.IsActive = false }
func withoutClassification(c *autotask.Company) { c.Classification = nil }
func classified(n int64) func(*autotask.Company) {
	return func(c *autotask.Company) { c.Classification = &n }
}

// verdict checks the reasons, that the verdict and the sentence agree with
// them, and that every condition says something.
func verdict(t *testing.T, d condition.Decision, sync v1.Sync, want []string, detail string) {
	t.Helper()
	if got := d.Reasons(); !slices.Equal(got, want) {
		t.Errorf("reasons %v, want %v", got, want)
	}
	if d.Met != (len(want) == 0) {
		t.Errorf("met %v with reasons %v", d.Met, want)
	}
	if got := d.Detail(); detail != "" && got != detail {
		t.Errorf("detail\n got %q\nwant %q", got, detail)
	}
	if got := d.Detail(); strings.HasPrefix(got, "Synced") != d.Met || !strings.HasSuffix(got, ".") {
		t.Errorf("detail %q of met %v", got, d.Met)
	}
	for _, c := range d.Conditions {
		if c.Sync != sync || c.Code == "" || c.Value == "" || c.Detail == "" {
			t.Errorf("condition says too little: %+v", c)
		}
	}
}
