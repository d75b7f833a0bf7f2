package tour

import (
	"strconv"
	"strings"
	"testing"
	"time"

	"channelsync/test/harness/issuer"
	"channelsync/test/harness/service"
	atsim "channelsync/test/sim/autotask/sim"
	cpsim "channelsync/test/sim/channelprogram/sim"
)

// Tenant is what a tour finds at Autotask.
type Tenant struct {
	Name     string // what the installation is to be called
	Client   int64  // a company that syncs
	Contract int64  // a contract of it
	Prospect int64  // a company that does not sync
	Refused  int64  // a company that Channel Program does not take

	People *issuer.Issuer // where people log in, see Organisation; nil: with tokens alone
}

// below is the path that another site has the console below.
const below = "/integrations/autotask"

// Start starts a harness without limits on callouts, in which bursts are gathered
// for a moment only.
func Start(t testing.TB) *service.Harness { return start(t, "") }

// StartBelow is Start below a path of another site, by a proxy that strips the path or passes it on; base is where people
// open the console.
func StartBelow(t testing.TB, strip bool) (w *service.Harness, base string) {
	t.Helper()
	site := service.NewSite(t, below, strip)
	w = start(t, site.URL)
	site.Leads(w)
	return w, site.URL
}

func start(t testing.TB, adminURL string) *service.Harness {
	t.Helper()
	return service.New(t, service.Options{
		Autotask: atsim.Config{Modes: atsim.Modes{CalloutsPerHour: -1, HourlyThreshold: -1}},
		Settings: map[string]string{"coalesce-window": "20ms", "admin-url": adminURL},
	})
}

// Realistic is a managed service provider as there are many.
func Realistic(w *service.Harness, companies int) Tenant {
	w.T.Helper()
	w.Autotask.Seed(atsim.SeedSpec{Companies: companies, Seed: 7, UnitPeriods: 3})
	return fill(w, Tenant{Name: "Harbor Point IT"}, tenantTexts{
		client: "Northwind Dental Group", prospect: "Lakeside Orthopedics", refused: "Riverside Logistics",
		contract: "Managed care 2026", contact: "Ann", web: "www.northwind.example", street: "12 Harbor Street",
	})
}

// Names that a page must show as they are, and that would do something on a page
// that does not escape them.
const (
	Script  = `<script>alert(1)</script>`
	Image   = `"><img src=x onerror=alert(1)>`
	Braces  = `{{7*7}}`
	Address = `javascript:alert(1)`
	Turned  = "\u202Egnitirw ot thgir\u202C"
)

// Hostile is a tenant in which everything that people can name is named to break pages.
func Hostile(w *service.Harness) Tenant {
	w.T.Helper()
	return fill(w, Tenant{Name: Script + Image}, tenantTexts{
		client: Script + Braces, prospect: Image, refused: `'" onmouseover="alert(1) שלום 👩‍👩‍👧‍👦` + strings.Repeat("Wide", 14),
		contract: Image + strings.Repeat("W", 100), contact: Script, web: Address, street: Turned + "</td></table>",
	})
}

type tenantTexts struct{ client, prospect, refused, contract, contact, web, street string }

// fill puts the companies that a tour stops at, and has Channel Program refuse one.
func fill(w *service.Harness, tenant Tenant, texts tenantTexts) Tenant {
	w.T.Helper()
	put := func(name string, kind int) int64 {
		return w.Autotask.Put("Companies", atsim.Row{
			"companyName": name, "companyType": kind, "isActive": true, "phone": "518-555-0100", "webAddress": texts.web,
			"address1": texts.street, "city": texts.contact, "postalCode": "12207",
		})
	}
	tenant.Client, tenant.Prospect, tenant.Refused = put(texts.client, 1), put(texts.prospect, 3), put(texts.refused, 1)
	w.Autotask.Put("Contacts", atsim.Row{
		"companyID": tenant.Client, "firstName": texts.contact, "lastName": texts.contact, "emailAddress": "ann@northwind.example", "isActive": 1,
	})
	now := time.Now()
	tenant.Contract = w.Autotask.Put("Contracts", atsim.Row{
		"companyID": tenant.Client, "contractName": texts.contract, "contractType": 3, "status": 1, "estimatedCost": 1250,
		"startDate": now, "endDate": now.AddDate(1, 0, 0),
	})
	_, err := w.Target.SetFault(cpsim.Fault{
		Kind: cpsim.FaultRejectItems, ExternalIDs: []string{ID(tenant.Refused)}, Code: "invalid", Pointer: "/name",
		Detail: "is on the list of names that nobody may have",
	})
	if err != nil {
		w.T.Fatal(err)
	}
	return tenant
}

// ID is an id as addresses and forms have it.
func ID(id int64) string { return strconv.FormatInt(id, 10) }
