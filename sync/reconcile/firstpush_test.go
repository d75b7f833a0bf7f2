package reconcile

import (
	"fmt"
	"testing"
	"time"

	v1 "channelsync/api/v1"
	"channelsync/events"
	cpsim "channelsync/test/sim/channelprogram/sim"
)

// TestWritesDownBeforeAnythingIsStored: the handshake is answered and no write is taken
// while the first records are sent. Nobody is blamed, and all arrive when it is over.
func TestWritesDownBeforeAnythingIsStored(t *testing.T) {
	for name, f := range map[string]cpsim.Fault{
		"503":          {Kind: cpsim.FaultUnavailable, Operation: "writes"},
		"500":          {Kind: cpsim.FaultServerError, Operation: "writes"},
		"cut":          {Kind: cpsim.FaultReset, Operation: "writes"},
		"lost answers": {Kind: cpsim.FaultLostResponse, Operation: "writes"},
		"no answer":    {Kind: cpsim.FaultHang, Operation: "writes"},
	} {
		for _, n := range []int{2, 21} {
			t.Run(fmt.Sprint(name, ", ", n), func(t *testing.T) {
				work(t, func(t *testing.T, s *workEnv) {
					s.fault(f)
					var names []string
					for i := range n {
						names = append(names, fmt.Sprint("Client ", i))
					}
					s.customer(events.LaneBulk, names...)
					s.after(3 * time.Minute)
					if got := s.shown(); len(got.broken) == 0 || got.broken[0] != "channel_program_unavailable" {
						t.Errorf("told of %v", got.broken)
					}
					// One that is edited meanwhile, alone, is judged like the others.
					first := s.at.All("Companies")[0]["id"].(int64)
					s.edit(map[int64]string{first: "Renamed"})
					s.after(3 * time.Minute)
					s.cp.ClearFaults()
					s.after(3 * time.Minute)
					for _, row := range s.at.All("Companies") {
						id := row["id"].(int64)
						if row["companyType"] != int64(1) {
							continue
						}
						if e := s.entry(id); s.blamed(id) || e.Attempts != 0 || e.Outcome != v1.OutcomePushed && e.Outcome != v1.OutcomeUnchanged {
							t.Fatalf("%d: %s, %d attempts, %s", id, e.Outcome, e.Attempts, e.Detail)
						}
					}
					if s.dead.count() != 0 {
						t.Errorf("%d dead letters", s.dead.count())
					}
				})
			})
		}
	}
}

// TestFirstRecordsOfAllThatFailAreBlamedInTheEnd: a target that takes reads and never one
// of the first records is not waited for without end, and one record that is alone is
// judged by the handshake at once.
func TestFirstRecordsOfAllThatFailAreBlamedInTheEnd(t *testing.T) {
	work(t, func(t *testing.T, s *workEnv) {
		s.fault(cpsim.Fault{Kind: cpsim.FaultServerError, Operation: "writes"})
		s.customer(events.LaneBulk, "One", "Two")
		s.after(nothingFor - time.Minute)
		for _, row := range s.at.All("Companies") {
			if s.blamed(row["id"].(int64)) {
				t.Fatal("blamed too early")
			}
		}
		s.after(10 * time.Minute)
		blamed := 0
		for _, row := range s.at.All("Companies") {
			if s.blamed(row["id"].(int64)) {
				blamed++
			}
		}
		if blamed != 2 {
			t.Errorf("%d of 2 are blamed", blamed)
		}
	})
	work(t, func(t *testing.T, s *workEnv) {
		s.fault(cpsim.Fault{Kind: cpsim.FaultServerError, Operation: "writes"})
		s.customer(events.LaneBulk, "One")
		s.after(2 * time.Minute)
		blamed := false
		for _, row := range s.at.All("Companies") {
			blamed = blamed || s.blamed(row["id"].(int64))
		}
		if !blamed {
			t.Error("one alone is not judged")
		}
	})
}
