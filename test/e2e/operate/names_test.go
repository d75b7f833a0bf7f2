package operate

import (
	"errors"
	"slices"
	"strings"
	"testing"

	v1 "channelsync/api/v1"
	"channelsync/test/harness/service"
)

// TestOptionsAreChosenByName: what is named is found in the tenant, and kept as ids.
func TestOptionsAreChosenByName(t *testing.T) {
	w := start(t, service.Options{})
	left, kept := w.Company("Northwind Dental"), w.Company("Contoso")
	in := w.Install(v1.SyncActiveCustomers)
	w.Quiesce(in.ID)
	ctx := t.Context()
	preview, err := w.Admin.PreviewUpdate(ctx, in.ID, v1.UpdateInstallation{Options: &v1.Options{}, Names: &v1.OptionNames{Exclude: []string{"northwind dental"}}})
	if err != nil || preview.Leave != 1 || len(preview.Records) != 1 || preview.Records[0].ID != service.Text(left) || preview.Records[0].Effect != "leave" {
		t.Fatalf("%+v, %v", preview, err)
	}
	_, err = w.Admin.UpdateInstallation(ctx, in.ID, v1.UpdateInstallation{Options: &v1.Options{}, Names: &v1.OptionNames{Exclude: []string{"Northwind"}}})
	if p, ok := errors.AsType[*v1.Problem](err); !ok || p.Code != v1.CodeInvalid || !strings.Contains(p.Errors[0].Detail, "near: Northwind Dental (") {
		t.Errorf("a name that is not known: %v", err)
	}
	changed, err := w.Admin.UpdateInstallation(ctx, in.ID, v1.UpdateInstallation{Options: &v1.Options{}, Names: &v1.OptionNames{Exclude: []string{"Northwind Dental"}}})
	if err != nil || !slices.Equal(changed.Options.Exclude, v1.RecordIDs{left}) {
		t.Fatalf("%+v, %v", changed.Options, err)
	}
	w.RecordBecomes(in.ID, v1.KindCompany, left, soon, func(r v1.RecordDetail) bool { return r.Outcome == v1.OutcomeNotMet })
	choices, err := w.Admin.Choices(ctx, in.ID)
	if err != nil || len(choices.ContractTypes) == 0 || choices.ContractTypes[0].Records == nil || !slices.Equal(choices.Companies, []v1.Choice{{ID: left, Name: "Northwind Dental"}}) {
		t.Errorf("%+v, %v", choices, err)
	}
	if r := w.Record(in.ID, v1.KindCompany, kept); r.Outcome == v1.OutcomeNotMet {
		t.Errorf("the other left too: %+v", r.Record)
	}
}
