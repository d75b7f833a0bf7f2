package container

import (
	"fmt"
	"os"
	"strings"
	"testing"
)

// faults strike at one of five at a time. What is left must do the work of all.
func faults() []fault {
	leader := func(s *stage) *node { n, _ := s.leader(); return n }
	follower := func(s *stage) *node { _, n := s.leader(); return n }
	instance := func(s *stage) *node { return s.instances[1] }
	var all []fault
	for _, who := range []struct {
		name string
		pick func(*stage) *node
	}{{"stream leader", leader}, {"a minority", follower}, {"an instance", instance}} {
		all = append(all,
			fault{who.name + " killed", func(s *stage) func() { n := who.pick(s); n.kill(); return n.start }},
			fault{who.name + " paused", func(s *stage) func() { n := who.pick(s); n.pause(); return n.resume }},
			fault{who.name + " cut off", func(s *stage) func() { n := who.pick(s); n.cut(); return n.join }},
		)
	}
	return append(all, fault{"rolling restart of all five", func(s *stage) func() {
		for _, n := range append(append([]*node{}, s.servers...), s.instances...) {
			n.stop()
			n.start()
			s.waitReady()
		}
		return func() {}
	}})
}

// TestCluster brings every accident on, one after the other, under callbacks to both instances, and prints what each came to.
func TestCluster(t *testing.T) {
	needEngine(t)
	t.Parallel()
	s := newStage(t, 12, 8)
	s.install()
	var lines []line
	t.Cleanup(func() { writeTable(lines) })
	for i, f := range faults() {
		ok := t.Run(f.name, func(t *testing.T) {
			on := *s
			on.T = t
			l := on.trial(f, i)
			lines = append(lines, l)
			switch {
			case l.acknowledged == 0:
				t.Error("no delivery was acknowledged: the account proves nothing")
			case l.lost > 0 || l.reflected != l.acknowledged:
				t.Errorf("%d of %d acknowledged deliveries are lost, %d reflected", l.lost, l.acknowledged, l.reflected)
			case l.overlaps > 0:
				t.Errorf("one record, two hands: %d times", l.overlaps)
			case l.served > servedWithin && !strings.HasPrefix(f.name, "rolling"):
				t.Errorf("an installation was not worked for until %s after the strike", l.served)
			}
		})
		if !ok {
			return // what follows would start from what this one left
		}
	}
	for _, n := range s.instances {
		if s.front.taken[n.addr(":8080")] == 0 {
			t.Errorf("%s took no callback: %v", n.name, s.front.taken)
		}
	}
}

// writeTable writes what the faults came to, in Markdown.
func writeTable(lines []line) {
	var b strings.Builder
	b.WriteString("\n| Fault | Sent | Acknowledged | Refused | Reflected | Lost | Pushed twice | Overlaps | Gap | Served after | Recovered after |\n" +
		"|---|--:|--:|--:|--:|--:|--:|--:|--:|--:|--:|\n")
	for _, l := range lines {
		fmt.Fprintf(&b, "| %s | %d | %d | %d | %d | %d | %d | %d | %.1f s | %.1f s | %.1f s |\n", l.fault, l.sent, l.acknowledged, l.refused,
			l.reflected, l.lost, l.twice, l.overlaps, l.gap.Seconds(), l.served.Seconds(), l.recovered.Seconds())
	}
	b.WriteString("\nGap: the longest time without an acknowledged callback. Served after: from the strike until an edit of every\n" +
		"installation arrived. Recovered after: from the end of the fault until nothing was due and both sides agreed.\n")
	fmt.Fprint(os.Stdout, b.String())
}
