//go:build linux

package fault

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"
	"strconv"
	"testing"
	"time"

	v1 "channelsync/api/v1"
	"channelsync/test/harness"
	"channelsync/test/harness/service"
	atsim "channelsync/test/sim/autotask/sim"
	"channelsync/test/sim/oracle"
)

// The tenant of a trial, and how fast people edit it.
const (
	companies = 40
	contracts = 8
	editEvery = 15 * time.Millisecond
)

// trial is one harness with one installation, and the people who edit its tenant
// all along. No edit is made twice, so that a record is as it should be only when
// its last edit has arrived.
type trial struct {
	*testing.T
	*service.Harness
	fault  fault
	in     v1.Installation
	sender *sender

	companies, contacts, contracts []int64
	seeded                         []int64 // the first companies: edits only add to the others
	edited                         int
	stop                           func()
	ended                          time.Time // the fault
	recovery                       time.Duration
}

func newTrial(t *testing.T, f fault, opts service.Options) *trial {
	t.Helper()
	tr := &trial{T: t, fault: f, sender: newSender(), stop: func() {}}
	opts.Autotask.Modes = atsim.Modes{CalloutsPerHour: -1, HourlyThreshold: -1}
	opts.Autotask.Transport = tr.sender
	if opts.Autotask.Scale == 0 {
		opts.Autotask.Scale = 0.02
	}
	tr.Harness = service.New(t, opts)
	if f.begin != nil {
		f.begin(tr)
	}
	for i := range companies {
		tr.addCompany(fmt.Sprintf("Client %04d", i))
		tr.contacts = append(tr.contacts, tr.Autotask.Put("Contacts", atsim.Row{
			"companyID": tr.companies[i], "firstName": "Ann", "lastName": "Lee", "emailAddress": fmt.Sprintf("c%d@client.example", i),
			"isActive": 1,
		}))
	}
	tr.seeded = slices.Clone(tr.companies)
	for i := range contracts {
		tr.contracts = append(tr.contracts, tr.Autotask.Put("Contracts", atsim.Row{
			"companyID": tr.companies[i], "contractName": fmt.Sprintf("Contract %04d", i), "contractType": 3, "status": 1,
			"estimatedCost": 1250, "startDate": time.Now(), "endDate": time.Now().AddDate(1, 0, 0),
		}))
	}
	tr.in = tr.install()
	tr.Until(tr.in.ID, "called by its webhooks", soon, called)
	tr.Idle(tr.in.ID, soon)
	t.Cleanup(tr.rest)
	return tr
}

// install makes the installation and waits until it is live. In a cluster an
// instance that has just started takes none for a moment.
func (tr *trial) install() v1.Installation {
	tr.Helper()
	var in v1.Installation
	tr.Eventually("the installation is made", soon, func() (err error) {
		in, err = tr.Admin.CreateInstallation(tr.Context(), service.Create())
		return err
	})
	return tr.Until(in.ID, "live", soon, func(in v1.Installation) bool { return in.State == v1.StateLive })
}

// called says that both registrations are there and working.
func called(in v1.Installation) bool {
	for _, h := range in.Webhooks {
		if !h.Active || !h.Ready {
			return false
		}
	}
	return len(in.Webhooks) == 2
}

func (tr *trial) addCompany(name string) {
	tr.companies = append(tr.companies, tr.Autotask.Put("Companies", atsim.Row{
		"companyName": name, "companyType": 1, "isActive": true, "phone": "518-555-0100",
	}))
}

// edit lets people edit until rest.
func (tr *trial) edit() {
	stop := harness.Every(tr, editEvery, func(int) {
		if err := tr.editOne(); err != nil {
			tr.Errorf("edit: %v", err)
		}
	})
	tr.stop = func() { stop() }
}

// rest ends the edits.
func (tr *trial) rest() { tr.stop() }

// editOne makes an edit that nobody made before.
func (tr *trial) editOne() error {
	tr.edited++
	n := tr.edited
	switch {
	case n%61 == 0:
		tr.addCompany(fmt.Sprintf("New client %d", n))
		return nil
	case n%11 == 0:
		return tr.Autotask.Edit("Contracts", pick(tr.contracts), atsim.Row{"estimatedCost": 1000 + n})
	case n%5 == 0:
		return tr.Autotask.Edit("Contacts", pick(tr.contacts), atsim.Row{"emailAddress": fmt.Sprintf("mail%d@client.example", n)})
	}
	return tr.Autotask.Edit("Companies", pick(tr.companies), atsim.Row{"companyName": fmt.Sprintf("Client, edit %d", n)})
}

func pick(ids []int64) int64 { return ids[rand.IntN(len(ids))] }

// acknowledged waits until so many more deliveries are acknowledged.
func (tr *trial) acknowledged(when string, more int) {
	tr.Helper()
	want := tr.sender.acknowledged() + more
	tr.Eventually("deliveries acknowledged "+when, soon, func() error {
		if n := tr.sender.acknowledged(); n < want {
			return fmt.Errorf("%d of %d", n, want)
		}
		return nil
	})
}

// hold lets the fault go on, and the edits with it.
func (tr *trial) hold(d time.Duration) {
	select {
	case <-time.After(d):
	case <-tr.Context().Done():
	}
}

// over is called when the fault is taken away: the recovery is measured from here.
func (tr *trial) over() { tr.ended = time.Now() }

// recovers waits until nothing is left of the fault: both sides agree, nothing
// waits, the webhooks are on, and no dead letter was made. Nobody does anything for it.
func (tr *trial) recovers() {
	tr.Helper()
	if tr.ended.IsZero() {
		tr.over()
	}
	limit := tr.fault.limit(tr)
	left := func() time.Duration { return max(limit-time.Since(tr.ended), time.Second) }
	if err := tr.TryAgree(left()); err != nil {
		tr.Errorf("both sides agree: not within %s: %v", limit, err)
	}
	tr.DeliverAll(form(soon, 5*soon)) // what queued up while it lasted
	tr.Until(tr.in.ID, "level again", left(), func(in v1.Installation) bool {
		return in.State == v1.StateLive && in.Backlog == 0 && called(in)
	})
	if err := tr.TryAgree(left()); err != nil { // a delivery that came last may have moved it
		tr.Errorf("both sides agree: not within %s: %v", limit, err)
	}
	tr.recovery = max(tr.recovery, time.Since(tr.ended))
}

// unreflected names the records of deliveries that Channel Program does not hold as they are.
func (tr *trial) unreflected() map[string]bool {
	wrong := map[string]bool{}
	for _, d := range oracle.Compare(tr.Expected(), oracle.Actual(tr.Target, service.Connection)) {
		wrong[d.Record] = true
	}
	return wrong
}

// client is the record at Channel Program that a delivery is about.
func (tr *trial) client(d delivery) (string, error) {
	company := d.record
	if d.entity == "Contact" {
		row, ok := tr.Autotask.Get("Contacts", d.record)
		if !ok {
			return "", errors.New("the contact of a delivery is gone")
		}
		company = row["companyID"].(int64)
	}
	return "client " + strconv.FormatInt(company, 10), nil
}
