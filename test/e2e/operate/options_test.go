package operate

import (
	"fmt"
	"slices"
	"testing"
	"time"

	v1 "channelsync/api/v1"
	"channelsync/test/harness"
	"channelsync/test/harness/service"
	atsim "channelsync/test/sim/autotask/sim"
	cpsim "channelsync/test/sim/channelprogram/sim"
)

// shop is a small tenant whose every figure is known.
type shop struct {
	*service.Harness
	in        v1.Installation
	companies []int64 // twelve; the first six of class 1, the others of class 2
	recurring int64   // contracts of the first company: units of a month, of the next one, and of a year
	ended     int64
	project   int64 // of the second company
}

func openShop(t *testing.T) *shop {
	t.Helper()
	s := &shop{Harness: start(t, service.Options{})}
	s.Autotask.Put("Currencies", atsim.Row{"id": 1, "name": "EUR", "isInternalCurrency": true})
	for i := range 12 {
		s.companies = append(s.companies, s.Autotask.Put("Companies", atsim.Row{
			"companyName": fmt.Sprintf("Client %02d", i), "companyType": 1, "isActive": true, "phone": "518-555-0100",
			"classification": 1 + i/6,
		}))
	}
	first, second := s.companies[0], s.companies[1]
	for _, c := range []struct {
		company int64
		email   string
		primary bool
	}{{first, "desk@first.example", false}, {first, "boss@first.example", true}, {second, "desk@second.example", false}} {
		s.Autotask.Put("Contacts", atsim.Row{
			"companyID": c.company, "firstName": "Ann", "lastName": "Lee", "emailAddress": c.email, "isActive": 1,
			"primaryContact": c.primary,
		})
	}
	today := time.Now().UTC().Truncate(24 * time.Hour)
	deal := func(company int64, kind, status int, cost, revenue any) int64 {
		return s.Autotask.Put("Contracts", atsim.Row{
			"companyID": company, "contractName": fmt.Sprintf("Deal %d", kind), "contractType": kind, "status": status,
			"startDate": today, "endDate": today.AddDate(1, 0, 0), "estimatedCost": cost, "estimatedRevenue": revenue,
		})
	}
	s.recurring = deal(first, 7, 1, 0, 0)
	s.ended, s.project = deal(first, 3, 0, 500, 900), deal(second, 3, 1, 100, nil)
	unit := func(service int64, from, to time.Time, cost, price string) {
		line := s.Autotask.Put("ContractServices", atsim.Row{"contractID": s.recurring, "serviceID": service, "unitCost": cost})
		s.Autotask.Put("ContractServiceUnits", atsim.Row{
			"contractID": s.recurring, "contractServiceID": line, "serviceID": service, "units": 1, "cost": cost, "price": price,
			"startDate": from, "endDate": to,
		})
	}
	monthly := s.Autotask.Put("Services", atsim.Row{"name": "Backup", "periodType": 2})
	yearly := s.Autotask.Put("Services", atsim.Row{"name": "Licence", "periodType": 5})
	unit(monthly, today.AddDate(0, 0, -10), today.AddDate(0, 0, 10), "10", "15")
	unit(monthly, today.AddDate(0, 0, 11), today.AddDate(0, 0, 40), "10", "15")
	unit(yearly, today.AddDate(0, 0, -10), today.AddDate(1, 0, 0), "120", "240")
	s.in = s.Install()
	s.Agree(soon)
	s.Quiesce(s.in.ID)
	return s
}

// becomes previews options, checks that nothing has changed, takes them and waits for the resync.
func (s *shop) becomes(t *testing.T, o v1.Options, want v1.Preview) {
	t.Helper()
	before, err := s.Admin.Installation(t.Context(), s.in.ID)
	harness.OK(t, err)
	s.Target.ResetStats()
	got, err := s.Admin.PreviewUpdate(t.Context(), s.in.ID, v1.UpdateInstallation{Options: &o})
	harness.OK(t, err)
	if got.Enter != want.Enter || got.Leave != want.Leave || got.Change != want.Change {
		t.Errorf("preview of %+v: enter %d, leave %d, change %d; want %d, %d, %d",
			o, got.Enter, got.Leave, got.Change, want.Enter, want.Leave, want.Change)
	}
	if n := got.Enter + got.Leave + got.Change; len(got.Sample) != min(n, 20) {
		t.Errorf("a sample of %d of %d", len(got.Sample), n)
	}
	for _, r := range got.Sample {
		if r.ID == "" || r.Kind == "" || r.Effect == "" || r.Effect == "change" && len(r.Differences) == 0 {
			t.Errorf("sample %+v", r)
		}
	}
	nothingPushed(t, s.Harness, "a preview")
	after, err := s.Admin.Installation(t.Context(), s.in.ID)
	harness.OK(t, err)
	if fmt.Sprint(after.Options) != fmt.Sprint(before.Options) || len(after.Jobs) > 0 {
		t.Errorf("a preview changed the options: %+v", after)
	}
	if after, err = s.Admin.UpdateInstallation(t.Context(), s.in.ID, v1.UpdateInstallation{Options: &o}); err != nil {
		t.Fatal(err)
	}
	if fmt.Sprint(after.Options) != fmt.Sprint(o) || len(after.Jobs) != 1 || after.Jobs[0].Type != "resync" {
		t.Errorf("options %+v, jobs %+v", after.Options, after.Jobs)
	}
	s.Quiesce(s.in.ID)
	again, err := s.Admin.PreviewUpdate(t.Context(), s.in.ID, v1.UpdateInstallation{Options: &o})
	if err != nil || again.Enter+again.Leave+again.Change != 0 {
		t.Errorf("preview of the options it has: %+v, %v", again, err)
	}
}

func (s *shop) emails(company int64) []string {
	var out []string
	for _, e := range s.Client(company).Data.Emails {
		out = append(out, e.Value)
	}
	return out
}

// cost is the overall cost of a contract at Channel Program; "none" when it is not known.
func (s *shop) cost(contract int64) string {
	if c := s.Contract(contract).Data.OverallCost; c != nil {
		return c.Amount + " " + c.Currency
	}
	return "none"
}

// pushes wants exactly so many records to have been sent since the preview.
func (s *shop) pushes(t *testing.T, want int) {
	t.Helper()
	if p := pushed(s.Harness); len(p) != want {
		t.Errorf("%d pushes, want %d: %+v", len(p), want, p)
	}
}

func (s *shop) reasonsOf(kind v1.Kind, id int64) string {
	rec := s.Record(s.in.ID, kind, id)
	return fmt.Sprint(rec.Outcome, rec.Reasons)
}

// TestOptionsSayWhatTheyWouldDoAndThenDoIt goes through every option: a preview
// that changes nothing, then the resync.
func TestOptionsSayWhatTheyWouldDoAndThenDoIt(t *testing.T) {
	t.Parallel()
	s := openShop(t)
	first, second := s.companies[0], s.companies[1]

	t.Run("e-mail addresses", func(t *testing.T) {
		s.becomes(t, v1.Options{Emails: "none"}, v1.Preview{Change: 2})
		s.pushes(t, 2)
		if len(s.emails(first)) != 0 {
			t.Errorf("emails %v, want none", s.emails(first))
		}
		s.becomes(t, v1.Options{Emails: "primary"}, v1.Preview{Change: 1})
		if got := s.emails(first); !slices.Equal(got, []string{"boss@first.example"}) {
			t.Errorf("emails %v, want the primary contact's", got)
		}
		if got := s.emails(second); len(got) != 0 {
			t.Errorf("emails %v of a company without a primary contact", got)
		}
		s.becomes(t, v1.Options{}, v1.Preview{Change: 2})
		s.Agree(soon)
	})
	t.Run("lists", func(t *testing.T) {
		s.becomes(t, v1.Options{Exclude: []int64{first}}, v1.Preview{Leave: 3}) // it and its two contracts
		s.pushes(t, 0)
		if got := s.reasonsOf(v1.KindCompany, first); got != "not_met[excluded]" {
			t.Error(got)
		}
		if got := s.reasonsOf(v1.KindContract, s.recurring); got != "not_met[client_out_of_scope]" {
			t.Error(got)
		}
		s.becomes(t, v1.Options{Include: []int64{second}}, v1.Preview{Leave: 10})
		s.pushes(t, 0)
		if got := s.reasonsOf(v1.KindCompany, s.companies[11]); got != "not_met[excluded]" {
			t.Errorf("%s: an operator's own list waits for no second yes", got)
		}
		s.Edit("Companies", s.companies[11], atsim.Row{"companyName": "Edited while left out"})
		s.becomes(t, v1.Options{}, v1.Preview{Enter: 13})
		s.pushes(t, 1) // the edited one
		s.Agree(soon)
	})
	t.Run("filters", func(t *testing.T) {
		s.becomes(t, v1.Options{CompanyClassifications: []int64{2}}, v1.Preview{Leave: 9})
		s.pushes(t, 0)
		if got := s.reasonsOf(v1.KindCompany, first); got != "not_met[filtered]" {
			t.Error(got)
		}
		s.becomes(t, v1.Options{ContractTypes: []int64{7}}, v1.Preview{Enter: 7, Leave: 0})
		s.becomes(t, v1.Options{ContractStatus: "active"}, v1.Preview{Enter: 1})
		if got := s.reasonsOf(v1.KindContract, s.ended); got != "not_met[contract_inactive]" {
			t.Error(got)
		}
		s.becomes(t, v1.Options{}, v1.Preview{Enter: 1})
		s.pushes(t, 0)
		s.Agree(soon)
	})
	t.Run("overall cost", func(t *testing.T) {
		figures := func(want ...string) {
			t.Helper()
			if got := []string{s.cost(s.recurring), s.cost(s.ended), s.cost(s.project)}; !slices.Equal(got, want) {
				t.Errorf("costs %v, want %v", got, want)
			}
		}
		figures("140.00 EUR", "500.00 EUR", "100.00 EUR")
		s.becomes(t, v1.Options{OverallCost: "monthly"}, v1.Preview{Change: 3})
		figures("20.00 EUR", "none", "none")
		s.HasIssue(s.in.ID, "cost_unknown")
		s.becomes(t, v1.Options{OverallCost: "price"}, v1.Preview{Change: 2})
		figures("270.00 EUR", "900.00 EUR", "none")
		s.becomes(t, v1.Options{}, v1.Preview{Change: 3})
		figures("140.00 EUR", "500.00 EUR", "100.00 EUR")
		s.HasNoIssue(s.in.ID, "cost_unknown")
		s.Agree(soon)
	})
	t.Run("archive", func(t *testing.T) {
		s.Edit("Companies", first, atsim.Row{"isActive": false})
		s.RecordBecomes(s.in.ID, v1.KindContract, s.ended, soon, had(v1.OutcomeNotMet))
		s.Quiesce(s.in.ID)
		if c := s.Client(first); c.Data.Lifecycle == "archived" {
			t.Error("archived by default")
		}
		s.becomes(t, v1.Options{OutOfScope: "archive"}, v1.Preview{Change: 3})
		s.pushes(t, 3)
		if c := s.Client(first).Data; c.Lifecycle != "archived" || c.ArchivedReason != "status_inactive" || c.Name != "Client 00" {
			t.Errorf("client %+v", c)
		}
		for _, id := range []int64{s.recurring, s.ended} {
			if c := s.Contract(id).Data; c.Lifecycle != "archived" || c.ArchivedReason != "client_out_of_scope" || c.OverallCost == nil {
				t.Errorf("contract %+v", c)
			}
		}
		if got := s.reasonsOf(v1.KindCompany, first); got != "not_met[status_inactive]" {
			t.Error(got)
		}
		s.Edit("Companies", second, atsim.Row{"companyType": 3}) // and at once from now on
		s.ClientBecomes(second, "archived", soon, func(c cpsim.ClientInput) bool { return c.ArchivedReason == "type_not_customer" })
		s.Edit("Companies", first, atsim.Row{"isActive": true})
		s.ClientBecomes(first, "back", soon, func(c cpsim.ClientInput) bool { return c.Lifecycle != "archived" })
		s.ContractBecomes(s.recurring, "back", soon, func(c cpsim.ContractInput) bool { return c.Lifecycle != "archived" })
	})
}
