//go:build linux

package fault

import (
	"fmt"
	"strconv"
	"testing"
	"time"

	v1 "channelsync/api/v1"
	"channelsync/test/harness/service"
	atfault "channelsync/test/sim/autotask/fault"
	atsim "channelsync/test/sim/autotask/sim"
	cpsim "channelsync/test/sim/channelprogram/sim"
)

// crowded is how many contacts the largest company has.
const crowded = 25_000

// autotaskFaults strike at what the service asks of Autotask.
func autotaskFaults() []fault {
	return []fault{
		{
			name: "Autotask fails 10 % of requests",
			// Less coalescing makes more requests.
			options: func(_ *testing.T, o *service.Options) { o.Settings["coalesce-window"] = "20ms" },
			strike: func(tr *trial) string {
				asked := tr.misbehave(during(6*time.Second, 60*time.Second),
					atsim.Fault{Kind: atfault.Status, Status: 500, Probability: 0.025},
					atsim.Fault{Kind: atfault.Truncate, Probability: 0.025},
					atsim.Fault{Kind: atfault.Reset, Probability: 0.025},
					atsim.Fault{Kind: atfault.Throttle, Probability: 0.025, RetryAfter: 1},
				)
				return fmt.Sprintf("each of %d requests with a chance of 10 %%: 500 without a text, truncated JSON, reset, 429", asked)
			},
		},
		{name: "Autotask away", strike: func(tr *trial) string {
			d := during(4*time.Second, 30*time.Second)
			return fmt.Sprintf("all of %d requests in %s", tr.misbehave(d, atsim.Fault{Kind: atfault.Away}), d)
		}},
		{name: "one record poisoned at Autotask", strike: func(tr *trial) string {
			return tr.poison(tr.seeded[len(tr.seeded)-1], during(5*time.Second, 45*time.Second))
		}},
		{
			name:  "a company with 25,000 contacts",
			begin: func(tr *trial) { tr.crowd() },
			strike: func(tr *trial) string {
				took := tr.othersArrive(tr.companies[0])
				tr.hold(during(5*time.Second, 45*time.Second))
				tr.rest()
				tr.over()
				return fmt.Sprintf("20 others arrived within %s", took)
			},
		},
	}
}

// poison lets every answer that would tell a company fail for a time, while the edits of
// 20 others arrive. It is healed by an edit: its own schedule is longer than a trial.
func (tr *trial) poison(company int64, d time.Duration) string {
	tr.Autotask.SetFault(atsim.Fault{Kind: atfault.Poison, Entity: "Companies", Record: company, Status: 502, Page: "<html>Bad gateway</html>"})
	took := tr.othersArrive(company)
	tr.hold(d)
	tr.rest()
	tr.Autotask.ClearFaults(0)
	if err := tr.Autotask.Edit("Companies", company, atsim.Row{"companyName": "Healed"}); err != nil {
		tr.Errorf("edit: %v", err)
	}
	tr.over()
	return fmt.Sprintf("20 others arrived within %s", took)
}

// crowd makes a company with very many contacts, all a year old, which is edited as all others are.
func (tr *trial) crowd() {
	tr.addCompany("Crowd")
	then := time.Now().AddDate(-1, 0, 0).Truncate(time.Second)
	for i := range crowded {
		tr.Autotask.Put("Contacts", atsim.Row{
			"companyID": tr.companies[0], "firstName": "Ann", "lastName": "Lee", "emailAddress": fmt.Sprintf("crowd%d@client.example", i), "isActive": 1,
			"createDate": then, "lastModifiedDate": then, "lastActivityDate": then,
		})
	}
}

// misbehave puts faults in force at Autotask for a time, and says how many requests were made meanwhile.
func (tr *trial) misbehave(d time.Duration, faults ...atsim.Fault) int {
	tr.Autotask.ResetStats()
	for _, f := range faults {
		tr.Autotask.SetFault(f)
	}
	tr.hold(d)
	asked := tr.Autotask.Stats().Total
	tr.Autotask.ClearFaults(0)
	tr.over()
	return asked
}

// targetFaults strike at what the service pushes to Channel Program.
func targetFaults() []fault {
	return []fault{
		{name: "Channel Program answers 429", strike: func(tr *trial) string {
			return tr.refuse(cpsim.Fault{Kind: cpsim.FaultRateLimited, Probability: 0.5, RetryAfter: 1})
		}},
		{name: "Channel Program answers 503", strike: func(tr *trial) string {
			return tr.refuse(cpsim.Fault{Kind: cpsim.FaultUnavailable, Probability: 0.5, RetryAfter: 1})
		}},
		{name: "Channel Program hangs", strike: func(tr *trial) string {
			return tr.refuse(cpsim.Fault{Kind: cpsim.FaultHang, Operation: "writes"})
		}},
		{name: "Channel Program's writes fail", strike: func(tr *trial) string {
			return tr.refuse(cpsim.Fault{Kind: cpsim.FaultUnavailable, Operation: "writes"})
		}},
		{name: "Channel Program fails on one record", repeats: true, strike: poisonOne},
		{name: "Channel Program's answers are lost", repeats: true, strike: func(tr *trial) string {
			note := tr.refuse(cpsim.Fault{Kind: cpsim.FaultLostResponse, Operation: "writes", Probability: 0.5})
			return fmt.Sprintf("%s; %d answers lost", note, tr.Target.Stats().Lost)
		}},
	}
}

// poisonOne has Channel Program fail, in one way after the other, whenever one client is
// sent to it. What comes meanwhile arrives within seconds, and the client once it may.
func poisonOne(tr *trial) string {
	bad := tr.seeded[0]
	ways := []cpsim.Fault{
		{Kind: cpsim.FaultAnswer, Status: 403, Body: "<html><title>Request blocked</title></html>"},
		{Kind: cpsim.FaultServerError},
		{Kind: cpsim.FaultHang},
		{Kind: cpsim.FaultLostResponse},
	}
	if full() {
		ways = append(ways, cpsim.Fault{Kind: cpsim.FaultAnswer, Status: 400}, cpsim.Fault{Kind: cpsim.FaultAnswer, Status: 502},
			cpsim.Fault{Kind: cpsim.FaultAnswer, Status: 413}, cpsim.Fault{Kind: cpsim.FaultReset},
			cpsim.Fault{Kind: cpsim.FaultAnswer, Status: 200, ContentType: "application/json", Body: `{"ok":true}`})
	}
	var slowest time.Duration
	for i, f := range ways {
		f.ExternalIDs = []string{strconv.FormatInt(bad, 10)}
		if _, err := tr.Target.SetFault(f); err != nil {
			tr.Fatal(err)
		}
		if err := tr.Autotask.Edit("Companies", bad, atsim.Row{"companyName": fmt.Sprintf("Poisoned %d", i)}); err != nil {
			tr.Fatal(err)
		}
		began := time.Now()
		name := fmt.Sprintf("Bystander %d", i)
		id := tr.Autotask.Put("Companies", atsim.Row{"companyName": name, "companyType": 1, "isActive": true})
		tr.ClientBecomes(id, "there while another record fails", 20*time.Second, func(c cpsim.ClientInput) bool { return c.Name == name })
		slowest = max(slowest, time.Since(began))
		tr.hold(during(time.Second, 10*time.Second))
		if in, err := tr.Admin.Installation(tr.Context(), tr.in.ID); err != nil || in.State != v1.StateLive {
			tr.Errorf("while one record fails (%s, %d): %s, %v", f.Kind, f.Status, in.State, err)
		}
		tr.Target.ClearFaults()
	}
	if err := tr.Autotask.Edit("Companies", bad, atsim.Row{"companyName": "Healed"}); err != nil {
		tr.Fatal(err)
	}
	tr.over()
	return fmt.Sprintf("in %d ways; another arrived within %s at most", len(ways), slowest.Round(100*time.Millisecond))
}

// refuse puts a fault in force at Channel Program for a time.
func (tr *trial) refuse(f cpsim.Fault) string {
	d := during(5*time.Second, 45*time.Second)
	if _, err := tr.Target.SetFault(f); err != nil {
		tr.Fatal(err)
	}
	tr.hold(d)
	tr.Target.ClearFaults()
	tr.over()
	if f.Probability > 0 {
		return fmt.Sprintf("every second request for %s", d)
	}
	return fmt.Sprintf("every request for %s", d)
}

// orderFaults strike at the order and the number of deliveries.
func orderFaults() []fault {
	return []fault{
		{name: "deliveries doubled", strike: func(tr *trial) string {
			return tr.deliverOddly(atsim.Fault{Kind: atfault.Duplicate, Count: 2})
		}},
		{name: "deliveries out of order", strike: func(tr *trial) string {
			return tr.deliverOddly(atsim.Fault{Kind: atfault.Reorder, Probability: 0.5})
		}},
	}
}

func (tr *trial) deliverOddly(f atsim.Fault) string {
	tr.Autotask.SetFault(f)
	tr.hold(during(4*time.Second, 30*time.Second))
	tr.rest() // what is held back goes out when the fault is cleared
	tr.Autotask.ClearFaults(0)
	tr.over()
	if f.Count > 0 {
		return fmt.Sprintf("each came %d times", f.Count+1)
	}
	return "every second one was overtaken"
}
