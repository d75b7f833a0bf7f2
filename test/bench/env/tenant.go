package env

import (
	"context"
	"errors"
	"fmt"
	"net"
	"strconv"
	"strings"
	"sync/atomic"
	"time"

	v1 "channelsync/api/v1"
	"channelsync/test/sim/autotask/fault"
	atsim "channelsync/test/sim/autotask/sim"
)

// Tenant is one simulated Autotask, its Channel Program connection, and, once installed, its installation.
type Tenant struct {
	Name         string
	Connection   string
	Autotask     *atsim.Sim
	Installation string // id
	Companies    []int64
	Contracts    []int64
	user         string
	age          atomic.Int64 // how long ago it is there, while it is filled
}

// filling is how old the rows are that a tenant is filled with: what was edited just now
// would be found a second time by the stamps.
const filling = 30 * 24 * time.Hour

func (t *Tenant) now() time.Time { return time.Now().Add(-time.Duration(t.age.Load())) }

// fill puts rows as of long ago, which nobody is notified of.
func (t *Tenant) fill(put func()) {
	t.age.Store(int64(filling))
	defer t.age.Store(0)
	defer t.Autotask.ClearFaults(t.Autotask.SetFault(atsim.Fault{Kind: fault.Lose}))
	put()
}

// FillCompanies puts customers, each with one contact or, every second one, two.
func (t *Tenant) FillCompanies(n int) { t.fill(func() { t.companies(n) }) }

func (t *Tenant) companies(n int) {
	for range n {
		i := len(t.Companies)
		id := t.Autotask.Put("Companies", atsim.Row{
			"companyName": fmt.Sprintf("Client %05d", i), "companyType": 1, "isActive": true,
			"phone": "518-555-0100", "city": "Albany", "address1": "1 Main Street",
		})
		t.Companies = append(t.Companies, id)
		for c := range 1 + i%2 {
			t.Autotask.Put("Contacts", atsim.Row{
				"companyID": id, "firstName": "Ann", "lastName": "Lee", "isActive": 1,
				"emailAddress": fmt.Sprintf("c%05d-%d@client.example", i, c),
			})
		}
	}
}

// FillContracts gives each company, in turn, a contract with one service and its unit of this month.
func (t *Tenant) FillContracts(n int) { t.fill(func() { t.contracts(n) }) }

func (t *Tenant) contracts(n int) {
	if len(t.Contracts) == 0 && n > 0 {
		t.Autotask.Put("Services", atsim.Row{"id": 77001, "name": "Backup", "isActive": true, "unitCost": 5, "unitPrice": 9, "periodType": 2})
	}
	today := time.Now().UTC()
	for range n {
		i := len(t.Contracts)
		id := t.Autotask.Put("Contracts", atsim.Row{
			"companyID": t.Companies[i%len(t.Companies)], "contractName": fmt.Sprintf("Contract %05d", i), "contractType": 7, "status": 1,
			"startDate": today.AddDate(0, -6, 0), "endDate": today.AddDate(1, 0, 0),
		})
		t.Contracts = append(t.Contracts, id)
		service := t.Autotask.Put("ContractServices", atsim.Row{"contractID": id, "serviceID": 77001, "unitCost": 5, "unitPrice": 9})
		t.Autotask.Put("ContractServiceUnits", atsim.Row{
			"contractID": id, "serviceID": 77001, "contractServiceID": service, "units": 3, "cost": 15, "price": 27,
			"startDate": today.AddDate(0, 0, -10), "endDate": today.AddDate(0, 0, 20),
		})
	}
}

// Requests counts what the tenant's Autotask has been asked since its last ResetStats.
func (t *Tenant) Requests() int { return t.Autotask.Stats().Total }

// Install creates the tenant's installation and does not wait for its backfill.
func (b *Env) Install(ctx context.Context, t *Tenant, syncs ...v1.Sync) error {
	in, err := b.Admin.CreateInstallation(ctx, v1.CreateInstallation{
		Name: t.Name, Username: t.user, Secret: secret, TrackingIdentifier: trackingID, Zone: b.zone(), Syncs: syncs,
		ChannelProgram: v1.ChannelProgramTarget{ConnectionID: t.Connection, Token: token},
	})
	if err != nil {
		return fmt.Errorf("install %s: %w", t.Name, err)
	}
	t.Installation = in.ID
	return nil
}

// Live waits until the tenant's installation is live and nothing of it is due.
func (b *Env) Live(ctx context.Context, t *Tenant) error {
	return b.wait(ctx, t.Name+" to be live", func(ctx context.Context) (bool, error) {
		in, err := b.Admin.Installation(ctx, t.Installation)
		return err == nil && in.State == v1.StateLive && in.Backlog == 0 && len(in.Jobs) == 0, err
	})
}

// Job waits until a job of the tenant has ended and returns how it did.
func (b *Env) Job(ctx context.Context, t *Tenant, id string) (v1.Job, error) {
	var last v1.Job
	err := b.wait(ctx, "job of "+t.Name, func(ctx context.Context) (ended bool, err error) {
		last, err = b.Admin.Job(ctx, t.Installation, id)
		return err == nil && last.FinishedAt != nil, err
	})
	if err == nil && last.State != v1.JobDone {
		err = fmt.Errorf("wait for job of %s: it ended %s: %s", t.Name, last.State, last.Detail)
	}
	return last, err
}

// Named waits until so many clients or contracts of the tenant bear names that begin so.
func (b *Env) Named(ctx context.Context, t *Tenant, prefix string, n int) error {
	return b.wait(ctx, fmt.Sprintf("%d clients named %q", n, prefix), func(context.Context) (bool, error) {
		have := 0
		for _, c := range b.Target.Clients(t.Connection) {
			if strings.HasPrefix(c.Data.Name, prefix) {
				have++
			}
		}
		return have >= n, nil
	})
}

const waitAtMost = 10 * time.Minute

func (b *Env) wait(ctx context.Context, what string, done func(context.Context) (bool, error)) error {
	ctx, cancel := context.WithTimeoutCause(ctx, waitAtMost, fmt.Errorf("wait for %s: not within %s", what, waitAtMost))
	defer cancel()
	// Asking must not cost more than what is asked about: each time as much again is left alone tenfold.
	for {
		began := time.Now()
		ok, err := done(ctx)
		if cause := context.Cause(ctx); cause != nil && !ok {
			return errors.Join(cause, err)
		}
		if ok || err != nil {
			return err
		}
		pause := time.NewTimer(max(20*time.Millisecond, 10*time.Since(began)))
		select {
		case <-ctx.Done():
		case <-pause.C:
		}
		pause.Stop()
	}
}

// Until asks again and again until the answer is yes or an error.
func Until(ctx context.Context, every time.Duration, done func() (bool, error)) error {
	tick := time.NewTicker(every)
	defer tick.Stop()
	for {
		ok, err := done()
		if cause := context.Cause(ctx); cause != nil && !ok {
			return errors.Join(cause, err)
		}
		if ok || err != nil {
			return err
		}
		select {
		case <-ctx.Done():
		case <-tick.C:
		}
	}
}

func freeAddr() (string, error) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return "", fmt.Errorf("find a free port: %w", err)
	}
	return l.Addr().String(), l.Close()
}

// ExternalID is how Channel Program knows a record.
func ExternalID(id int64) string { return strconv.FormatInt(id, 10) }
