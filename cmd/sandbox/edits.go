package main

import (
	"context"
	"fmt"
	"math/rand/v2"
	"strconv"
	"time"

	atsim "channelsync/test/sim/autotask/sim"
)

// edits is what was done to Autotask.
type edits struct {
	random  int    // whatever people do all day
	timed   []edit // edits of synced details, whose arrival is measured
	seconds int    // seconds in which something was edited
	lasted  time.Duration
}

// edit is one edit of a synced detail.
type edit struct {
	entity string // client or contract, at the target
	id     string
	at     time.Time
}

// edit edits Autotask until ctx ends: by turns what people do all day, and a
// synced detail of a record that is at the target.
func (s *sandbox) edit(ctx context.Context) edits {
	var done edits
	rng := rand.New(rand.NewPCG(uint64(s.seed), 7))
	began := time.Now()
	busy := map[int]bool{}
	tick := time.NewTicker(s.every)
	defer tick.Stop()
	for n := 0; ; n++ {
		select {
		case <-ctx.Done():
			done.lasted = time.Since(began)
			done.seconds = len(busy)
			return done
		case <-tick.C:
		}
		busy[int(time.Since(began).Seconds())] = true
		if n%2 == 0 {
			s.autotask.RandomEdit()
			done.random++
		} else if e, ok := s.timedEdit(rng, n); ok {
			done.timed = append(done.timed, e)
		}
		s.expected() // notes who came into scope: what leaves it again stays at the target
	}
}

// timedEdit changes a synced detail of a client (two times out of three) or of a contract.
func (s *sandbox) timedEdit(rng *rand.Rand, n int) (edit, bool) {
	if n%3 == 0 {
		contracts := s.target.Contracts(connection)
		if len(contracts) == 0 {
			return edit{}, false
		}
		c := contracts[rng.IntN(len(contracts))]
		return s.change("Contracts", c.ExternalID, "contract", atsim.Row{"contractName": fmt.Sprintf("Managed services, edit %d", n)})
	}
	clients := s.target.Clients(connection)
	if len(clients) == 0 {
		return edit{}, false
	}
	c := clients[rng.IntN(len(clients))]
	return s.change("Companies", c.ExternalID, "client", atsim.Row{"phone": fmt.Sprintf("555-%06d", n)})
}

// change edits a record that is in scope now; others are left alone.
func (s *sandbox) change(entity, externalID, at string, fields atsim.Row) (edit, bool) {
	id, err := strconv.ParseInt(externalID, 10, 64)
	if err != nil {
		return edit{}, false
	}
	row, ok := s.autotask.Get(entity, id)
	if !ok {
		return edit{}, false
	}
	company := row
	if entity == "Contracts" {
		owner, _ := row["companyID"].(int64)
		if company, ok = s.autotask.Get("Companies", owner); !ok {
			return edit{}, false
		}
	}
	if company["companyType"] != int64(1) || company["isActive"] != true {
		return edit{}, false
	}
	now := time.Now()
	if err := s.autotask.Edit(entity, id, fields); err != nil {
		return edit{}, false
	}
	return edit{entity: at, id: externalID, at: now}, true
}
