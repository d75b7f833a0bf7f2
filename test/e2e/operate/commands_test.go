package operate

import (
	"os/exec"
	"strconv"
	"strings"
	"testing"

	v1 "channelsync/api/v1"
	"channelsync/test/harness"
	"channelsync/test/harness/service"
	cpsim "channelsync/test/sim/channelprogram/sim"
)

// TestTheBuiltProgramOperatesTheRealService: every command as its own process
// against the real service between both simulators, good usage and bad.
func TestTheBuiltProgramOperatesTheRealService(t *testing.T) {
	t.Parallel()
	program := service.Build(t)
	w := service.New(t, service.Options{})
	id := w.Company("Northwind Dental")
	lead := w.Company("Not Yet A Customer")
	harness.OK(t, w.Autotask.Edit("Companies", lead, map[string]any{"companyType": 2}))
	rejected := w.Company("Taken By Nobody")
	fault, err := w.Target.SetFault(cpsim.Fault{
		Kind: cpsim.FaultRejectItems, ExternalIDs: []string{strconv.FormatInt(rejected, 10)}, Pointer: "/name", Code: "invalid", Detail: "no such name",
	})
	harness.OK(t, err)
	in := w.Install(v1.SyncActiveCustomers)
	w.Quiesce(in.ID)
	run := func(code int, says string, args ...string) {
		t.Helper()
		cmd := exec.CommandContext(t.Context(), program, args...)
		cmd.Env = append(cmd.Environ(), "CHANNELSYNC_API_URL="+w.AdminURL, "CHANNELSYNC_ADMIN_TOKEN="+service.AdminToken)
		out, _ := cmd.CombinedOutput()
		if cmd.ProcessState.ExitCode() != code || !strings.Contains(string(out), says) {
			t.Errorf("%v: exit %d, want %d and %q:\n%s", args, cmd.ProcessState.ExitCode(), code, says, out)
		}
	}
	record, dead := strconv.FormatInt(id, 10), "company-"+strconv.FormatInt(rejected, 10)
	run(0, "Example MSP", "status")
	run(0, `"installations"`, "status", "--json")
	run(0, "credentials", "check")
	run(0, "live", "installation", "list")
	run(0, "Example MSP", "installation", "show")
	run(0, "credentials", "installation", "test")
	run(0, "Companies", "webhook", "status")
	run(0, "", "webhook", "repair")
	run(0, "", "webhook", "rotate-secret")
	run(0, "Northwind Dental", "record", "list")
	run(0, `"fingerprint"`, "record", "list", "--json", "--outcome", "pushed")
	run(0, "Northwind Dental", "record", "show", "company", record)
	run(0, "company type is Lead (2)", "record", "explain", "Not Yet")
	run(0, "", "record", "reconcile", "company", record)
	run(0, "name", "deadletter", "list")
	run(0, "no such name", "deadletter", "show", dead)
	w.Target.ClearFault(fault)
	run(0, "", "deadletter", "requeue", dead)
	w.ClientBecomes(rejected, "taken after all", soon, func(c cpsim.ClientInput) bool { return c.Name == "Taken By Nobody" })
	run(0, "There are no dead letters", "deadletter", "list")
	run(0, "nothing was pushed", "replay", "--dry-run")
	run(0, "0 pushed", "replay")
	run(0, "0 pushed", "resync")
	run(0, "companyName,numberOfEndpoints", "export", "clients")
	run(0, "", "installation", "stop")
	run(0, "stopped", "installation", "list")
	run(0, "", "installation", "start")
	run(0, "", "installation", "uninstall")
	run(0, "", "installation", "reinstall")
	run(0, "installation.reinstall", "audit")
	run(0, "erased", "installation", "erase", "--yes")
	run(1, "", "record", "list")
	run(2, "hint", "recrod", "list")
	run(2, "hint", "record", "list", "--outcome", "nonsense")
	run(2, "", "deadletter", "requeue")
	run(1, "hint", "status", "--admin-token", "wrong-token-of-nobody")
}
