package watch

import (
	"bufio"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"os/exec"
	"runtime"
	"runtime/debug"
	"runtime/metrics"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	v1 "channelsync/api/v1"
	"channelsync/sync/ledger"
	"channelsync/test/harness"
	atsim "channelsync/test/sim/autotask/sim"
)

// The tenant of these tests: contracts with five lines of 36 monthly rows each, half of them over.
const (
	largeContracts = 1900
	largeLines     = 5
	largeMonths    = 36
	largeRows      = largeContracts * largeLines * largeMonths
)

// largeTenant is the environment variable that has this program be Autotask with a large
// tenant, so that the memory that is measured is not the simulator's.
const largeTenant = "CHANNELSYNC_TEST_LARGE_TENANT"

// serveLargeTenant is Autotask until its standard input ends.
func serveLargeTenant() error {
	at := atsim.New(atsim.Config{Username: "api@msp.example", Secret: "secret-0123456789", TrackingIdentifier: "TRACK", Transport: takesAll{}})
	defer at.Close()
	company := at.Put("Companies", atsim.Row{"companyName": "Northwind", "companyType": 1, "isActive": true})
	first := time.Now().UTC().AddDate(0, -largeMonths/2, 0)
	var starts, ends [largeMonths]string
	for m := range largeMonths {
		starts[m] = first.AddDate(0, m, 0).Format(time.DateOnly)
		ends[m] = first.AddDate(0, m+1, -1).Format(time.DateOnly)
	}
	for c := range largeContracts {
		contract := at.Put("Contracts", atsim.Row{
			"companyID": company, "contractName": fmt.Sprint("Contract ", c), "contractType": 7, "status": 1,
			"startDate": starts[0], "endDate": ends[largeMonths-1],
		})
		for l := range largeLines {
			line := at.Put("ContractServices", atsim.Row{"contractID": contract, "serviceID": l + 1, "unitCost": 10, "unitPrice": 20})
			for m := range largeMonths {
				at.Put("ContractServiceUnits", atsim.Row{
					"contractID": contract, "contractServiceID": line, "serviceID": l + 1, "units": 12, "cost": "120.0000", "price": "240.0000",
					"startDate": starts[m], "endDate": ends[m], "vendorCompanyID": company,
				})
			}
		}
	}
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return err
	}
	server := &http.Server{Handler: at.Handler(), ReadHeaderTimeout: time.Minute}
	go func() {
		_, _ = io.Copy(io.Discard, os.Stdin) // whoever began this has ended
		_ = server.Close()
	}()
	fmt.Printf("http://%s\n", listener.Addr())
	if err := server.Serve(listener); err != http.ErrServerClosed {
		return err
	}
	return nil
}

// startLargeTenant starts one and returns its URL.
func startLargeTenant(t *testing.T) string {
	t.Helper()
	self, err := os.Executable()
	harness.OK(t, err)
	cmd := exec.CommandContext(t.Context(), self, "-test.run=^$")
	cmd.Env, cmd.Stderr = append(os.Environ(), largeTenant+"=1"), os.Stderr
	in, err := cmd.StdinPipe()
	harness.OK(t, err)
	out, err := cmd.StdoutPipe()
	harness.OK(t, err)
	harness.OK(t, cmd.Start())
	t.Cleanup(func() {
		_ = in.Close()
		_ = cmd.Wait() // it was signalled to end, or has
	})
	url, err := bufio.NewReader(out).ReadString('\n')
	if err != nil {
		t.Fatalf("the simulated tenant did not start: %v", err)
	}
	return strings.TrimSpace(url)
}

// heap is what objects take, those that are garbage already among them.
func heap() uint64 {
	sample := []metrics.Sample{{Name: "/memory/classes/heap/objects:bytes"}}
	metrics.Read(sample)
	return sample[0].Value.Uint64()
}

// TestALargeTenantIsComparedWithinItsBounds: of 342,000 unit rows, with the option that
// needs the most of them, no hour takes more than 200 requests and 64 MB of memory, and
// an edit of the contract whose turn is last is found within the time that is said.
func TestALargeTenantIsComparedWithinItsBounds(t *testing.T) {
	defer debug.SetGCPercent(debug.SetGCPercent(100)) // what the bound is for
	b := openBench(t, atsim.Config{})
	b.url = startLargeTenant(t)
	p := &tenant{bench: b}
	p.w = b.watcher()
	p.line.see = func(*http.Request) {}
	ids, err := p.w.ListIDs(t.Context(), v1.KindContract)
	harness.OK(t, err)
	if len(ids) != largeContracts {
		t.Fatalf("%d contracts, want %d", len(ids), largeContracts)
	}
	from := ledger.DayOf(p.clock.Now().UTC())
	p.reconciledAs(ledger.Parts{From: from, Rows: largeLines + largeLines*largeMonths/2, Due: from + 14}, ids...)

	var peak atomic.Uint64
	p.at, p.asked = nil, nil
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	last := ids[len(ids)-1]
	found, through := p.changes(p.w), false
	p.line.see = func(r *http.Request) {
		p.see(r)
		for now := heap(); now > peak.Load(); {
			peak.Store(now)
		}
		if len(p.asked) == 0 {
			return
		}
		switch first := p.asked[len(p.asked)-1][0]; {
		case first != ids[0]:
			through = true
		case through:
			cancel() // a second round begins
		}
	}
	runtime.GC()
	idle := heap()
	p.clock.Add(time.Hour)
	began := p.clock.Now()
	fresh, err := p.w.PartsFreshness(t.Context())
	harness.OK(t, err)
	editRow(t, b.url, last)
	_ = p.w.CompareParts(ctx) // it goes on for ever
	took := p.clock.Now().Sub(began)
	found.expect("the contract whose turn is last", poll1("contract", last))

	every := time.Duration(fresh.EverySeconds) * time.Second
	above := (int64(peak.Load()) - int64(idle)) >> 20
	t.Logf("%d unit rows: %d requests (said: %d) in %s (said: %s), %d MB above the %d MB of an idle one",
		largeRows, len(p.at), fresh.Requests, took.Round(time.Second), every, above, idle>>20)
	if took > every {
		t.Errorf("the edit was found within %s, said was %s", took, every)
	}
	if every > 150*time.Minute {
		t.Errorf("said is %s: that takes more requests than the rows that matter", every)
	}
	if above > 64 {
		t.Errorf("%d MB above idle, want 64 at most", above)
	}
	p.noMoreThan(partsRequests, time.Hour)
}

// editRow changes the cost of a row that is months ahead.
func editRow(t *testing.T, url string, contract int64) {
	t.Helper()
	var answer struct{ Items []struct{ ID int64 } }
	harness.OK(t, query(url, "ContractServiceUnits", contract, &answer))
	row := answer.Items[len(answer.Items)-1].ID
	body := strings.NewReader(fmt.Sprintf(`{"id":%d,"cost":"130.0000"}`, row))
	resp, err := http.Post(url+"/sim/ContractServiceUnits", "application/json", body)
	harness.OK(t, err)
	harness.OK(t, resp.Body.Close())
	if resp.StatusCode != http.StatusOK {
		t.Fatalf("edit row %d: HTTP %d", row, resp.StatusCode)
	}
}

// query asks the tenant for the rows of a contract without our client.
func query(url, entity string, contract int64, into any) error {
	body := strings.NewReader(fmt.Sprintf(`{"filter":[{"op":"eq","field":"contractID","value":%d}]}`, contract))
	req, err := http.NewRequest(http.MethodPost, url+"/atservicesrest/v1.0/"+entity+"/query", body)
	if err != nil {
		return err
	}
	for name, value := range map[string]string{
		"UserName": "api@msp.example", "Secret": "secret-0123456789", "ApiIntegrationCode": "TRACK", "Content-Type": "application/json",
	} {
		req.Header.Set(name, value)
	}
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		return err
	}
	defer resp.Body.Close()
	return json.NewDecoder(resp.Body).Decode(into)
}
