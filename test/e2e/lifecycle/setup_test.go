package lifecycle

import (
	"fmt"
	"net"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"

	v1 "channelsync/api/v1"
	"channelsync/events"
	"channelsync/test/harness"
	"channelsync/test/harness/service"
	"channelsync/test/sim/autotask/fault"
	atsim "channelsync/test/sim/autotask/sim"
	cpsim "channelsync/test/sim/channelprogram/sim"
)

// refusal is one way to be set up wrong.
type refusal struct {
	name    string
	change  func(*v1.CreateInstallation)
	begin   func(*testing.T, *service.Harness)
	end     func(*testing.T, *service.Harness)
	code    string
	status  int
	says    string // part of detail, hint or errors
	check   string // the check that failed
	logins  int    // failed log-ins that each attempt may cost
	pointer string // of the field, where the code is "invalid"
}

func denied(entity, says string) refusal {
	return refusal{
		name: "no right to read " + entity,
		begin: func(_ *testing.T, w *service.Harness) {
			w.Autotask.SetModes(func(m *atsim.Modes) { m.Denied = []string{entity} })
		},
		end:  func(_ *testing.T, w *service.Harness) { w.Autotask.SetModes(func(m *atsim.Modes) { m.Denied = nil }) },
		code: v1.CodePermissionMissing, status: http.StatusUnprocessableEntity, says: says,
	}
}

func atTarget(name string, f cpsim.Fault, code string, status int, says string) refusal {
	return refusal{
		name: name, code: code, status: status, says: says, check: "channel_program",
		begin: func(t *testing.T, w *service.Harness) {
			if _, err := w.Target.SetFault(f); err != nil {
				t.Fatal(err)
			}
		},
		end: func(_ *testing.T, w *service.Harness) { w.Target.ClearFaults() },
	}
}

func connectionIs(state, says string) refusal {
	set := func(state string) func(*testing.T, *service.Harness) {
		return func(t *testing.T, w *service.Harness) {
			harness.OK(t, w.Target.SetState(service.Connection, state))
		}
	}
	return refusal{
		name: "the connection is " + state, begin: set(state), end: set(cpsim.StateActive), code: v1.CodeChannelProgramRejected,
		status: http.StatusUnprocessableEntity, says: says, check: "channel_program",
	}
}

// refusals lists every way that Autotask, the zone or Channel Program can refuse
// a set-up; offList is an address that no setting allows.
func refusals(zone, offList string) []refusal {
	const unprocessable = http.StatusUnprocessableEntity
	list := []refusal{
		{
			name: "wrong secret", change: func(c *v1.CreateInstallation) { c.Secret = "Wrong-Secret-4711" },
			code: v1.CodeCredentialsRejected, status: unprocessable, says: "Copy all three", check: "credentials", logins: 1,
		},
		{
			name: "unknown user, no zone", change: func(c *v1.CreateInstallation) { c.Username = "nobody@msp.example" },
			code: v1.CodeZoneUnknown, status: unprocessable, says: "choose the zone by hand", check: "zone",
		},
		{
			name: "unknown user, zone by name", change: func(c *v1.CreateInstallation) { c.Username, c.Zone = "nobody@msp.example", zone },
			code: v1.CodeCredentialsRejected, status: unprocessable, says: "Copy all three", check: "credentials", logins: 1,
		},
		{
			name: "unknown user, zone by URL",
			change: func(c *v1.CreateInstallation) {
				c.Username, c.Zone = "nobody@msp.example", "http://"+zone+"/atservicesrest/v1.0/"
			},
			code: v1.CodeCredentialsRejected, status: unprocessable, says: "Copy all three", check: "credentials", logins: 1,
		},
		{
			name: "wrong tracking identifier", change: func(c *v1.CreateInstallation) { c.TrackingIdentifier = "WRONG-IDENTIFIER-4711" },
			code: v1.CodeCredentialsRejected, status: unprocessable, says: "tracking identifier", check: "credentials", logins: 1,
		},
		{
			name: "locked user", code: v1.CodeCredentialsRejected, status: unprocessable, says: "locked", check: "credentials", logins: 1,
			begin: func(t *testing.T, w *service.Harness) { lock(t, w) },
			end:   func(_ *testing.T, w *service.Harness) { w.Autotask.Unlock() },
		},
		{
			name: "a zone that is not on the list", change: func(c *v1.CreateInstallation) { c.Zone = "America Middle" },
			code: v1.CodeInvalid, status: unprocessable, says: "America Middle", pointer: "#/zone", check: "zone",
		},
		{
			name: "a zone off the allow-list", change: func(c *v1.CreateInstallation) { c.Zone = offList + "/atservicesrest" },
			code: v1.CodeInvalid, status: unprocessable, says: strings.TrimPrefix(offList, "http://"), pointer: "#/zone", check: "zone",
		},
		{
			name: "a zone that looks like the vendor's", change: func(c *v1.CreateInstallation) { c.Zone = "https://webservices3.autotask.net.evil.example" },
			code: v1.CodeInvalid, status: unprocessable, says: "evil.example", pointer: "#/zone", check: "zone",
		},
		{
			name: "the vendor's host without TLS", change: func(c *v1.CreateInstallation) { c.Zone = "http://webservices3.autotask.net/atservicesrest" },
			code: v1.CodeInvalid, status: unprocessable, says: "https", pointer: "#/zone", check: "zone",
		},
		{
			name: "Autotask is away", code: v1.CodeUnavailable, status: http.StatusServiceUnavailable, says: "Try again",
			begin: func(_ *testing.T, w *service.Harness) { w.Autotask.SetFault(atsim.Fault{Kind: fault.Away}) },
			end:   func(_ *testing.T, w *service.Harness) { w.Autotask.ClearFaults(0) },
		},
		{
			name: "wrong token", change: func(c *v1.CreateInstallation) { c.ChannelProgram.Token = "wrong-token-4711" },
			code: v1.CodeChannelProgramRejected, status: unprocessable, says: "token", check: "channel_program",
		},
		{
			name: "unknown connection", change: func(c *v1.CreateInstallation) { c.ChannelProgram.ConnectionID = "msp-nobody" },
			code: v1.CodeChannelProgramRejected, status: unprocessable, says: "connection id", check: "channel_program",
		},
		connectionIs(cpsim.StatePaused, "Resume the connection"),
		connectionIs(cpsim.StateUninstalled, "Install the source again"),
		atTarget("no subscription", cpsim.Fault{Kind: cpsim.FaultSubscription}, v1.CodeChannelProgramRejected, unprocessable, "plan"),
		atTarget("Channel Program is away", cpsim.Fault{Kind: cpsim.FaultUnavailable}, v1.CodeUnavailable, http.StatusServiceUnavailable, "try again"),
		denied("Companies", "view companies"),
		denied("Contacts", "view contacts"),
		denied("Contracts", "unlimited visibility"),
		denied("ContractServices", "view services"),
		denied("Services", "Inventory"),
	}
	return list
}

// lock locks the API user, as too many wrong secrets do.
func lock(t *testing.T, w *service.Harness) {
	t.Helper()
	w.Autotask.SetModes(func(m *atsim.Modes) { m.LockAfter = 1 })
	req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, w.AutotaskURL+"/atservicesrest/v1.0/Companies/0", nil)
	harness.OK(t, err)
	req.Header["UserName"], req.Header["Secret"] = []string{service.Username}, []string{"a person's typing error"}
	req.Close = true
	resp, err := http.DefaultClient.Do(req)
	harness.OK(t, err)
	_ = resp.Body.Close()
	w.Autotask.SetModes(func(m *atsim.Modes) { m.LockAfter = 0 })
	if !w.Autotask.Locked() {
		t.Fatal("the user is not locked")
	}
}

// spy is a listener that nobody may speak to; it counts who does.
func spy(t *testing.T) (url string, asked *atomic.Int64) {
	t.Helper()
	asked = new(atomic.Int64)
	srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		asked.Add(1)
		w.WriteHeader(http.StatusTeapot)
	}))
	srv.Config.ConnState = func(_ net.Conn, s http.ConnState) {
		if s == http.StateNew {
			asked.Add(1)
		}
	}
	t.Cleanup(srv.Close)
	return srv.URL, asked
}

// TestSetUpRefusals goes through every way to be refused: the problem says what
// and what to do, nothing is kept, and nobody is brought near a lock-out.
func TestSetUpRefusals(t *testing.T) {
	t.Parallel()
	offList, asked := spy(t)
	w := service.New(t, service.Options{Autotask: service.Unlimited()})
	w.Company("Northwind Dental")
	for _, r := range refusals(strings.TrimPrefix(w.AutotaskURL, "http://"), offList) {
		t.Run(r.name, func(t *testing.T) { r.run(t, w) })
	}
	t.Run("fields", func(t *testing.T) { wrongFields(t, w) })
	if n := asked.Load(); n != 0 {
		t.Errorf("the host off the list was contacted %d times", n)
	}
	if n := len(w.Target.Clients(service.Connection)); n != 0 {
		t.Errorf("%d clients were pushed", n)
	}
	w.Stop()
	w.Store(func(bus *events.Bus) {
		for _, name := range []string{"installations", "jobs", "ledger", "keys"} {
			for _, key := range keysOf(t, bus, name) {
				if name != "keys" || key != "master" {
					t.Errorf("table %s keeps %q", name, key)
				}
			}
		}
	})
}

func (r refusal) run(t *testing.T, w *service.Harness) {
	req := service.Create()
	if r.change != nil {
		r.change(&req)
	}
	if r.begin != nil {
		r.begin(t, w)
		defer r.end(t, w)
	}
	attempts := map[string]func() error{
		"?test=only": func() error { _, err := w.Admin.TryInstallation(t.Context(), req); return err },
		"create":     func() error { _, err := w.Admin.CreateInstallation(t.Context(), req); return err },
	}
	for what, attempt := range attempts {
		w.Autotask.ResetStats()
		p := problemOf(t, attempt())
		if p.Status != r.status || p.Code != r.code {
			t.Errorf("%s: got %d %s: %s; want %d %s", what, p.Status, p.Code, p.Detail, r.status, r.code)
		}
		r.words(t, what, p)
		if n := w.Autotask.Stats().LoginFailures; n > r.logins {
			t.Errorf("%s: %d failed log-ins, want at most %d", what, n, r.logins)
		}
		nothingKept(t, w)
	}
}

// words wants the problem to say what is wrong and what to do.
func (r refusal) words(t *testing.T, what string, p *v1.Problem) {
	t.Helper()
	all := p.Detail + "\n" + p.Hint
	for _, e := range p.Errors {
		all += "\n" + e.Pointer + " " + e.Detail
	}
	if p.Detail == "" || p.Hint == "" || !strings.Contains(all, r.says) {
		t.Errorf("%s: got detail %q, hint %q, errors %+v; want them to say %q", what, p.Detail, p.Hint, p.Errors, r.says)
	}
	for _, secret := range []string{service.Secret, service.TrackingID, service.Token, "Wrong-Secret-4711", "WRONG-IDENTIFIER-4711", "wrong-token-4711"} {
		if strings.Contains(fmt.Sprintf("%+v", p), secret) {
			t.Errorf("%s: the problem repeats a secret: %+v", what, p)
		}
	}
	if r.pointer != "" && (len(p.Errors) != 1 || p.Errors[0].Pointer != r.pointer) {
		t.Errorf("%s: got errors %+v, want one at %s", what, p.Errors, r.pointer)
	}
	failed := slices.IndexFunc(p.Checks, func(c v1.Check) bool { return !c.OK && (r.check == "" || c.Name == r.check) })
	if failed < 0 || p.Checks[failed].Detail == "" || p.Checks[failed].Fix == "" {
		t.Errorf("%s: got checks %+v, want %q among them with its fix", what, p.Checks, r.check)
	}
}

func nothingKept(t *testing.T, w *service.Harness) {
	t.Helper()
	all, err := w.Admin.Installations(t.Context())
	if err != nil || len(all) != 0 {
		t.Errorf("kept %+v, %v", all, err)
	}
	if hooks := w.Autotask.Webhooks(); len(hooks) != 0 {
		t.Errorf("webhooks were made: %+v", hooks)
	}
}

// TestSetUpWithoutCostRightsIsAccepted: costs are worth an issue, not a refusal.
func TestSetUpWithoutCostRightsIsAccepted(t *testing.T) {
	t.Parallel()
	for _, entity := range []string{"ContractServiceUnits", "ContractCharges"} {
		t.Run(entity, func(t *testing.T) {
			t.Parallel()
			w := service.New(t, service.Options{Autotask: service.Unlimited()})
			w.Autotask.SetModes(func(m *atsim.Modes) { m.Denied = []string{entity} })
			contract := w.Agreement(w.Company("Northwind Dental"), "Northwind project")
			checks, err := w.Admin.TryInstallation(t.Context(), service.Create())
			harness.OK(t, err)
			failed := slices.IndexFunc(checks.Checks, func(c v1.Check) bool { return !c.OK })
			if failed < 0 || !strings.Contains(checks.Checks[failed].Name, "costs") ||
				!strings.Contains(checks.Checks[failed].Fix, "Security Levels") {
				t.Errorf("checks %+v, want one that fails about costs, with where to tick it", checks.Checks)
			}
			nothingKept(t, w)
			in := w.Install()
			issue := w.HasIssue(in.ID, "costs_unreadable")
			if issue.Severity != v1.SeverityAct || issue.Records != 1 {
				t.Errorf("issue %+v", issue)
			}
			if c := w.Contract(contract); c.Data.Name == nil || c.Data.OverallCost != nil {
				t.Errorf("the contract is %+v, want it there, its cost not known", c.Data)
			}
			w.Autotask.SetModes(func(m *atsim.Modes) { m.Denied = nil })
			harness.OK(t, w.Admin.ReconcileRecord(t.Context(), in.ID, v1.KindContract, service.Text(contract)))
			w.HasNoIssue(in.ID, "costs_unreadable")
			w.Agree(soon)
		})
	}
}

// TestContractsAloneNeedNoContacts: only the rights of the chosen syncs count.
func TestContractsAloneNeedNoContacts(t *testing.T) {
	t.Parallel()
	w := service.New(t, service.Options{Autotask: service.Unlimited()})
	w.Autotask.SetModes(func(m *atsim.Modes) { m.Denied = []string{"Contacts"} })
	dollars(w)
	w.Agreement(w.Company("Northwind Dental"), "Northwind project")
	in := w.Install(v1.SyncActiveCustomerContracts)
	w.Agree(soon, v1.SyncActiveCustomerContracts)
	if len(in.Issues) != 0 {
		t.Errorf("issues %+v", in.Issues)
	}
	p := problemOf(t, w.Admin.Act(t.Context(), in.ID, v1.SyncActiveCustomers, "install"))
	if p.Code != v1.CodePermissionMissing || !strings.Contains(p.Hint, "contacts") {
		t.Errorf("the second sync: %+v", p)
	}
	if shown := is(w, in.ID, v1.StateLive); len(shown.Syncs) != 1 {
		t.Errorf("syncs %+v, want the refused one not there", shown.Syncs)
	}
}

// TestTryingASetUpShowsEveryCheck and keeps nothing.
func TestTryingASetUpShowsEveryCheck(t *testing.T) {
	t.Parallel()
	w := service.New(t, service.Options{Autotask: service.Unlimited()})
	w.Company("Northwind Dental")
	checks, err := w.Admin.TryInstallation(t.Context(), service.Create())
	harness.OK(t, err)
	var names []string
	for _, c := range checks.Checks {
		names = append(names, c.Name)
		if !c.OK || c.Detail == "" {
			t.Errorf("check %+v", c)
		}
	}
	want := []string{
		"zone", "credentials", "companies", "contacts", "contracts", "contract services", "services", "costs of services", "costs of charges",
		"webhooks", "channel_program",
	}
	if !slices.Equal(names, want) {
		t.Errorf("checks %v, want %v", names, want)
	}
	nothingKept(t, w)
}

// TestInstallingTwiceIsRefused: also in another case, by trying only, and by two at once.
func TestInstallingTwiceIsRefused(t *testing.T) {
	t.Parallel()
	w := service.New(t, service.Options{Autotask: service.Unlimited()})
	w.Company("Northwind Dental")
	var made, refused atomic.Int64
	var wg sync.WaitGroup
	for range 4 {
		wg.Go(func() {
			if _, err := w.Admin.CreateInstallation(t.Context(), service.Create()); err == nil {
				made.Add(1)
			} else if p := problemOf(t, err); p.Status == http.StatusConflict && p.Code == v1.CodeAlreadyInstalled && p.Hint != "" {
				refused.Add(1)
			}
		})
	}
	wg.Wait()
	if made.Load() != 1 || refused.Load() != 3 {
		t.Fatalf("%d made and %d refused of four at once, want 1 and 3", made.Load(), refused.Load())
	}
	again := service.Create()
	again.Username = strings.ToUpper(again.Username)
	w.Autotask.ResetStats()
	_, created := w.Admin.CreateInstallation(t.Context(), again)
	if p := problemOf(t, created); p.Status != http.StatusConflict || p.Code != v1.CodeAlreadyInstalled || !strings.Contains(p.Detail, again.Name) {
		t.Errorf("%+v", p)
	}
	// Trying says it with the rest of what it found.
	tried, err := w.Admin.TryInstallation(t.Context(), again)
	harness.OK(t, err)
	last := tried.Checks[len(tried.Checks)-1]
	if last.Name != "installation" || last.OK || last.Fix == "" || !strings.Contains(last.Detail, again.Name) {
		t.Errorf("checks %+v", tried.Checks)
	}
	again.Secret = "wrong"
	_, err = w.Admin.TryInstallation(t.Context(), again)
	if p := problemOf(t, err); p.Status != http.StatusUnprocessableEntity || p.Code != v1.CodeCredentialsRejected {
		t.Errorf("with a wrong secret: %+v", p)
	}
	all, err := w.Admin.Installations(t.Context())
	if err != nil || len(all) != 1 {
		t.Fatalf("installations %+v, %v", all, err)
	}
	is(w, all[0].ID, v1.StateLive)
}
