package control

import (
	"encoding/json"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	v1 "channelsync/api/v1"
	"channelsync/sync/ledger"
	"channelsync/test/harness"
	"channelsync/test/sim/autotask/fault"
	atsim "channelsync/test/sim/autotask/sim"
)

// odd adds to a seeded tenant what every rule has to say something about.
func (d *desk) odd() {
	d.at.Put("Companies", atsim.Row{"companyName": " ", "companyType": 1, "isActive": true}) // no name to push
	spoilt := d.customer("Spoilt")
	d.at.SetFault(atsim.Fault{Kind: fault.BadValue, Entity: "Companies", Record: spoilt, Field: "companyType"})
	d.contract(spoilt)
	d.contract(0) // the MSP's own
	gone := d.customer("Gone")
	d.contract(gone)
	d.at.Remove("Companies", gone)
	nameless := d.at.Put("Companies", atsim.Row{"companyName": "", "companyType": 1, "isActive": true})
	d.contract(nameless)
	ended := d.customer("Ended")
	d.at.Put("Contracts", atsim.Row{
		"companyID": ended, "contractName": "Old", "contractType": 1, "status": 0,
		"startDate": "2020-01-01", "endDate": "2021-01-01",
	})
	unit := d.at.Put("ContractServiceUnits", atsim.Row{
		"contractID": d.contract(d.customer("Bad unit")), "serviceID": 1, "units": 1, "cost": 2,
		"startDate": "2026-01-01", "endDate": "2026-02-01",
	})
	d.at.SetFault(atsim.Fault{
		Kind: fault.BadValue, Entity: "ContractServiceUnits", Record: unit, Field: "units",
		Value: json.RawMessage(`{"not":"a number"}`),
	})
	// A row that a query answer tells only half of: a GET has the rest.
	d.at.SetFault(atsim.Fault{Kind: fault.DropFields, Entity: "Companies", Fields: []string{"isActive"}})
}

func (d *desk) contract(company int64) int64 {
	return d.at.Put("Contracts", atsim.Row{
		"companyID": company, "contractName": "Support", "contractType": 7, "status": 1,
		"startDate": "2026-01-01", "endDate": "2030-01-01",
	})
}

func TestPreviewAgreesWithTheBackfill(t *testing.T) {
	for name, one := range map[string]struct {
		syncs   []v1.Sync
		options v1.Options
		few     bool // only a third of the companies is included, and one of them is excluded
		modes   func(*atsim.Modes)
	}{
		"both":      {syncs: v1.Syncs},
		"customers": {syncs: v1.Syncs[:1]},
		"contracts": {syncs: v1.Syncs[1:]},
		"active only": {
			syncs:   v1.Syncs[1:],
			options: v1.Options{ContractStatus: "active", ContractTypes: []int64{7, 1}},
		},
		"a few": {syncs: v1.Syncs, few: true},
		"classified": {
			syncs:   v1.Syncs,
			options: v1.Options{CompanyClassifications: []int64{2}, OverallCost: "monthly"},
		},
		"costs hidden": {
			syncs: v1.Syncs[1:],
			modes: func(m *atsim.Modes) { m.Denied = []string{"ContractServiceUnits", "ContractCharges"} },
		},
		"prices instead": {syncs: v1.Syncs[1:], options: v1.Options{OverallCost: "price"}},
	} {
		t.Run(name, func(t *testing.T) {
			d := newDesk(t, setup{})
			d.at.Seed(atsim.SeedSpec{Companies: 60, Seed: 7, UnitPeriods: 3})
			d.odd()
			if one.modes != nil {
				d.at.SetModes(one.modes)
			}
			req := request(one.syncs...)
			req.Options = &one.options
			if one.few {
				for i, row := range d.at.All("Companies") {
					if id := row["id"].(int64); i%3 == 0 {
						one.options.Include, one.options.Exclude = append(one.options.Include, id), []int64{id}
					}
				}
			}
			preview, err := d.PreviewCreate(t.Context(), req)
			harness.OK(t, err)
			if !preview.Complete || len(preview.Checks) < 4 {
				t.Errorf("complete %v, checks %+v", preview.Complete, preview.Checks)
			}
			d.nothingKept()
			if n := len(d.cp.Clients(connection)) + len(d.cp.Contracts(connection)); n != 0 {
				t.Fatalf("a preview pushed %d records", n)
			}

			d.run()
			in, err := d.Create(t.Context(), req)
			harness.OK(t, err)
			d.backfilled(in.ID)
			d.agrees(preview, in.ID, one.syncs)
		})
	}
}

// backfilled waits until the backfill of an installation has ended.
func (d *desk) backfilled(id string) {
	d.t.Helper()
	d.eventually("the backfill", func() error {
		in, err := d.Get(d.t.Context(), id)
		if err == nil && (in.State != v1.StateLive || len(in.Jobs) > 0) {
			err = fmt.Errorf("%s, %+v", in.State, in.Issues)
		}
		return err
	})
}

// agrees compares a preview with what the backfill left in the ledger and at the target.
func (d *desk) agrees(preview v1.SetupPreview, id string, syncs []v1.Sync) {
	d.t.Helper()
	withoutVendor, withoutCost := 0, 0
	for _, c := range d.cp.Contracts(connection) {
		if c.Data.VendorNameDefaulted {
			withoutVendor++
		}
		if c.Data.OverallCost == nil {
			withoutCost++
		}
	}
	want := v1.ContractPreviewCounts{
		PreviewCounts: d.passed(id, v1.KindContract), WithoutVendor: withoutVendor, WithoutCost: withoutCost,
	}
	if n := len(d.cp.Contracts(connection)); n != want.WillSync {
		d.t.Errorf("%d contracts are at the target, %d are in scope", n, want.WillSync)
	}
	if diff := cmp.Diff(want, preview.Contracts); diff != "" {
		d.t.Errorf("contracts (-backfill +preview):\n%s", diff)
	}
	if n := len(d.cp.Clients(connection)); n != preview.Companies.WillSync {
		d.t.Errorf("%d clients are at the target, the preview said %d", n, preview.Companies.WillSync)
	}
	if syncs[0] == v1.SyncActiveCustomers {
		if diff := cmp.Diff(d.passed(id, v1.KindCompany), preview.Companies); diff != "" {
			d.t.Errorf("companies (-backfill +preview):\n%s", diff)
		}
	}
	total, sum := len(d.at.All("Companies"))-1, 0 // but the MSP itself
	for _, r := range preview.Companies.Reasons {
		sum += r.Count
	}
	if c := preview.Companies; c.Total != total || c.WillSync+c.WillNot != total || sum != c.WillNot || c.WillSync == 0 {
		d.t.Errorf("%d companies, previewed as %+v", total, c)
	}
}

// passed counts what the ledger says of the records of a kind, but the MSP's own.
func (d *desk) passed(id string, kind v1.Kind) v1.PreviewCounts {
	d.t.Helper()
	out := v1.PreviewCounts{}
	reasons := map[string]int{}
	_, err := d.Ledger.Find(d.t.Context(), id, kind, func(s ledger.Summary) bool {
		switch {
		case kind == v1.KindCompany && s.ID == 0:
			return false
		case s.Outcome == v1.OutcomePushed || s.Outcome == v1.OutcomeUnchanged:
			out.WillSync++
		default:
			out.WillNot++
			reasons[s.Reasons[0]]++
		}
		out.Total++
		return false
	})
	harness.OK(d.t, err)
	out.Reasons = ranked(reasons)
	return out
}

func TestPreviewSaysWhyInPlainWords(t *testing.T) {
	d := newDesk(t, setup{})
	for range 2 {
		d.at.Put("Companies", atsim.Row{"companyName": "Prospect", "companyType": 3, "isActive": false}) // the type comes first
	}
	d.at.Put("Companies", atsim.Row{"companyName": "Asleep", "companyType": 1, "isActive": false})
	d.customer("No contract")
	with := d.customer("Client")
	d.contract(with)
	preview, err := d.PreviewCreate(t.Context(), request(v1.SyncActiveCustomerContracts))
	harness.OK(t, err)
	want := v1.SetupPreview{
		Checks: preview.Checks,
		Companies: v1.PreviewCounts{Total: 5, WillSync: 1, WillNot: 4, Reasons: []v1.PreviewReason{
			{Code: "type_not_customer", Count: 2, Detail: "company type is not Customer"},
			{Code: "no_contract", Count: 1, Detail: "company has no contract"},
			{Code: "status_inactive", Count: 1, Detail: "company is not active"},
		}},
		Contracts: v1.ContractPreviewCounts{
			PreviewCounts: v1.PreviewCounts{Total: 1, WillSync: 1, Reasons: []v1.PreviewReason{}},
			WithoutVendor: 1, WithoutCost: 1,
		},
		Complete: true,
	}
	if diff := cmp.Diff(want, preview); diff != "" {
		t.Error(diff)
	}
}

// TestChoicesOfATenantThatIsNotInstalled: with names, companies and counts on demand; nothing is kept.
func TestChoicesOfATenantThatIsNotInstalled(t *testing.T) {
	d := newDesk(t, setup{})
	id := d.at.Put("Companies", atsim.Row{"companyName": "Acme, Inc.", "companyType": 1, "isActive": true, "phone": "1"})
	req := request()
	req.Options, req.Names = &v1.Options{}, &v1.OptionNames{ContractTypes: []string{"recurring service"}, Exclude: []string{"Acme, Inc."}}
	out, err := d.ChoicesOf(t.Context(), req, v1.ChoiceQuery{Counted: true, Company: "acme"})
	if err != nil {
		t.Fatal(err)
	}
	if !slices.Equal(out.Options.ContractTypes, []int64{7}) || !slices.Equal(out.Options.Exclude, v1.RecordIDs{id}) {
		t.Errorf("options %+v", out.Options)
	}
	if len(out.Companies) != 1 || out.Companies[0].ID != id || len(out.ContractTypes) == 0 || out.ContractTypes[0].Records == nil {
		t.Errorf("choices %+v", out.Choices)
	}
	if found, err := d.ChoicesOf(t.Context(), req, v1.ChoiceQuery{Company: strconv.FormatInt(id, 10)}); err != nil || len(found.Companies) != 1 || found.ContractTypes[0].Records != nil {
		t.Errorf("by its id, not counted: %+v, %v", found.Choices, err)
	}
	req.Names.ContractTypes = []string{"Recuring"}
	if _, err := d.ChoicesOf(t.Context(), req, v1.ChoiceQuery{}); !strings.Contains(problem(t, err).Errors[0].Detail, "near: Recurring Service") {
		t.Errorf("an unknown name: %v", err)
	}
	if all, err := d.List(t.Context()); err != nil || len(all) > 0 {
		t.Errorf("kept %v, %v", all, err)
	}
}

// TestPreviewIsRefusedLikeATest: what ?test=only refuses, a preview refuses before it reads anything.
func TestPreviewIsRefusedLikeATest(t *testing.T) {
	for name, given := range map[string]func(*desk, *v1.CreateInstallation){
		"credentials": func(_ *desk, r *v1.CreateInstallation) { r.Secret = "wrong-secret-01234" },
		"a right":     func(d *desk, _ *v1.CreateInstallation) { denied("Contracts")(d) },
		"the target":  func(_ *desk, r *v1.CreateInstallation) { r.ChannelProgram.Token = "wrong-token-012345" },
	} {
		t.Run(name, func(t *testing.T) {
			d := newDesk(t, setup{})
			req := request()
			given(d, &req)
			_, tested := d.TryCreate(t.Context(), req)
			_, previewed := d.PreviewCreate(t.Context(), req)
			want, got := problem(t, tested), problem(t, previewed)
			if got.Status != want.Status || got.Code != want.Code || cmp.Diff(want.Checks, got.Checks) != "" {
				t.Errorf("got %+v, want %+v", got, want)
			}
		})
	}
}

// Trying answers with checks or with what was refused (interfaces §4), and not with a
// conflict: an account that is installed already could not be tried.
func TestInstalledAlreadyIsTriedAllTheSame(t *testing.T) {
	d := newDesk(t, setup{})
	in := d.create()
	tried, err := d.TryCreate(t.Context(), request())
	harness.OK(t, err)
	for i, c := range tried.Checks {
		last := i == len(tried.Checks)-1
		if c.OK == last || last && (c.Name != "installation" || c.Fix == "" || !strings.Contains(c.Detail, in.ID)) {
			t.Errorf("got %+v", c)
		}
	}
	wrong := request()
	wrong.Secret = "wrong-secret-01234"
	if _, err := d.TryCreate(t.Context(), wrong); problem(t, err).Code != v1.CodeCredentialsRejected {
		t.Errorf("with a wrong secret: %v", err)
	}
	_, previewed := d.PreviewCreate(t.Context(), request())
	_, created := d.Create(t.Context(), request())
	for what, err := range map[string]error{"preview": previewed, "create": created} {
		if p := problem(t, err); p.Status != 409 || p.Code != v1.CodeAlreadyInstalled || p.Installation != in.ID {
			t.Errorf("%s: got %+v", what, p)
		}
	}
}

func TestPreviewCostsFewRequests(t *testing.T) {
	d := newDesk(t, setup{})
	for i := range 1200 {
		id := d.customer(fmt.Sprintf("Client %d", i))
		if i%2 == 0 {
			d.contract(id)
		}
	}
	d.at.ResetStats()
	preview, err := d.PreviewCreate(t.Context(), request())
	harness.OK(t, err)
	if preview.Companies.WillSync != 1200 || preview.Contracts.WillSync != 600 || !preview.Complete {
		t.Errorf("got %+v", preview)
	}
	s := d.at.Stats()
	if s.Total > 30 { // 8 to try, 3 and 2 pages, 5 parts of 2 batches, the currencies
		t.Errorf("%d requests: %+v", s.Total, s.Requests)
	}
	for entity, n := range s.MaxConcurrent {
		if n > 2 {
			t.Errorf("%d requests at a time to %s", n, entity)
		}
	}
}

// TestPreviewLeavesOthersTheirRequests: a tenant whose query answers are so poor that
// every company needs a request of its own is not read to its end.
func TestPreviewLeavesOthersTheirRequests(t *testing.T) {
	d := newDesk(t, setup{})
	for i := range 1100 {
		d.customer(fmt.Sprintf("Client %d", i))
	}
	d.at.SetFault(atsim.Fault{Kind: fault.DropFields, Entity: "Companies", Fields: []string{"isActive"}})
	d.at.ResetStats()
	preview, err := d.PreviewCreate(t.Context(), request(v1.SyncActiveCustomers))
	harness.OK(t, err)
	if n := d.at.Stats().Total; n > 1010 {
		t.Errorf("%d requests, want at most a tenth of 10,000 and those of the tries", n)
	}
	if c := preview.Companies; preview.Complete || c.WillSync < 900 || c.WillSync != c.Total || c.WillNot != 0 {
		t.Errorf("got %+v, complete %v", c, preview.Complete)
	}
}
