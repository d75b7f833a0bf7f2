package sim

import (
	"context"
	"fmt"
	"strings"
	"time"

	"channelsync/test/sim/autotask/seed"
)

// SeedSpec says how much data Seed makes.
type SeedSpec = seed.Spec

// Seed fills the tenant with a believable managed service provider; see the seed package. It fires webhooks like any
// other edit, so call it before anybody subscribes. The same numbers make the same rows.
func (s *Sim) Seed(spec SeedSpec) {
	if spec.Today.IsZero() {
		spec.Today = s.cfg.Now().UTC()
	}
	if spec.Seed == 0 {
		spec.Seed = s.cfg.Seed
	}
	seed.Fill(seeding{s}, spec)
}

// seeding puts rows into a build that may lack a column of them.
type seeding struct{ *Sim }

// Put stores one row of the seed.
func (s seeding) Put(entity string, fields Row) int64 {
	for _, lacked := range s.cfg.without() {
		if of, field, _ := strings.Cut(lacked, "."); of == entity {
			delete(fields, field)
		}
	}
	return s.Sim.Put(entity, fields)
}

// Trickle makes one random edit after another until ctx or the simulator ends; it passes each to report, which may be
// nil. It returns when it has ended.
func (s *Sim) Trickle(ctx context.Context, every time.Duration, report func(string)) {
	ticker := time.NewTicker(every)
	defer ticker.Stop()
	for {
		select {
		case <-ticker.C:
			what := s.RandomEdit()
			if report != nil {
				report(what)
			}
		case <-ctx.Done():
			return
		case <-s.ctx.Done():
			return
		}
	}
}

// RandomEdit does one of the things that people at a service provider do all day, and says what.
func (s *Sim) RandomEdit() string {
	company, hasCompany := s.pick("Companies")
	if !hasCompany {
		return "nothing: there is no company"
	}
	name := fmt.Sprint(company["companyName"])
	id := company["id"].(int64)
	switch s.dice.n(8) {
	case 0:
		active := company["isActive"] == true
		s.change("Companies", id, Row{"isActive": !active})
		return fmt.Sprintf("company %d %q: active %v", id, name, !active)
	case 1:
		s.Put("Companies", Row{
			"companyName": fmt.Sprintf("New client %04d", s.dice.n(10000)), "companyType": 1, "phone": "518-555-0199",
			"ownerResourceID": humanID, "address1": "9 Fresh Lane", "city": "Albany",
		})
		return "a new customer"
	case 2:
		contractID := s.Put("Contracts", Row{
			"companyID": id, "contractName": fmt.Sprintf("Project %04d", s.dice.n(10000)), "contractType": 3, "status": 1,
			"startDate": s.cfg.Now(), "endDate": s.cfg.Now().AddDate(1, 0, 0), "estimatedCost": 100 * (1 + s.dice.n(90)),
		})
		return fmt.Sprintf("contract %d: new, for company %d %q", contractID, id, name)
	case 3, 4:
		if contract, ok := s.pick("Contracts"); ok {
			cost := 100 * (1 + s.dice.n(90))
			s.change("Contracts", contract["id"].(int64), Row{"estimatedCost": cost})
			return fmt.Sprintf("contract %d: estimated cost %d", contract["id"], cost)
		}
	case 5:
		if contact, ok := s.pick("Contacts"); ok {
			email := fmt.Sprintf("desk%d@changed.example", s.dice.n(1000))
			s.change("Contacts", contact["id"].(int64), Row{"emailAddress": email})
			return fmt.Sprintf("contact %d: e-mail %s", contact["id"], email)
		}
	case 6:
		if line, ok := s.pick("ContractServices"); ok {
			units := int64(s.dice.n(25))
			if s.Adjust("ContractServices", line["id"].(int64), units) == nil { // else nothing is billed today
				return fmt.Sprintf("contract %d: line %d adjusted to %d units", line["contractID"], line["id"], units)
			}
		}
	}
	phone := fmt.Sprintf("518-555-%04d", s.dice.n(10000))
	s.change("Companies", id, Row{"phone": phone})
	return fmt.Sprintf("company %d %q: phone %s", id, name, phone)
}

// change edits a row that may be gone by now, which is fine.
func (s *Sim) change(entity string, id int64, fields Row) { _ = s.Edit(entity, id, fields) }

// pick is a random row; of companies only customers other than the provider itself.
func (s *Sim) pick(entity string) (Row, bool) {
	e := s.schema.Must(entity)
	rows := s.store.Rows(e)
	for range 20 {
		if len(rows) == 0 {
			break
		}
		row := rows[s.dice.n(len(rows))]
		if kind, ok := e.Pos("companyType"); ok && (row.ID() == 0 || row[kind] != int64(1)) {
			continue
		}
		return toRow(e, row), true
	}
	return nil, false
}
