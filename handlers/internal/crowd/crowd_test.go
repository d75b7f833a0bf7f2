package crowd

import (
	"fmt"
	"slices"
	"testing"

	"pgregory.net/rapid"
)

// crew takes slots and remembers which were cut off, in order.
type crew struct {
	t     *testing.T
	crowd *Crowd
	slots map[string]*Slot
	cut   []string
}

func newCrew(t *testing.T, limits Limits) *crew {
	return &crew{t: t, crowd: New(limits), slots: map[string]*Slot{}}
}

func (c *crew) enter(client, name string, each int) bool {
	p, ok := c.crowd.Enter(client, each, func() { c.cut = append(c.cut, name) })
	if ok {
		c.slots[name] = p
	}
	return ok
}

func (c *crew) expectCut(want ...string) {
	c.t.Helper()
	if !slices.Equal(c.cut, want) {
		c.t.Errorf("cut off %v, want %v", c.cut, want)
	}
}

func TestTheOldestPlaceOfTheClientGoes(t *testing.T) {
	c := newCrew(t, Limits{})
	for _, name := range []string{"a1", "a2", "a3"} {
		if !c.enter("a", name, 2) {
			t.Fatalf("%s was turned away", name)
		}
	}
	c.enter("b", "b1", 2)
	c.expectCut("a1")
	if c.slots["a1"].Leave() || !c.slots["a2"].Leave() || c.slots["a2"].Leave() {
		t.Error("leaving: want false for whoever was cut off or has left, true for others")
	}
	c.enter("a", "a4", 2)
	c.expectCut("a1")
}

func TestTheOneWhoHoldsTheMostMakesRoom(t *testing.T) {
	c := newCrew(t, Limits{Slots: 4})
	for i := range 3 {
		c.enter("greedy", fmt.Sprint("g", i), 0)
	}
	c.enter("modest", "m0", 0)
	c.enter("modest", "m1", 0)
	c.enter("new", "n0", 0)
	if c.cut[0] != "g0" || len(c.cut) != 2 || c.slots["n0"].gone {
		t.Errorf("cut off %v, want two, the greedy one's first", c.cut)
	}
}

func TestWhatIsKeptIsNotCutOff(t *testing.T) {
	c := newCrew(t, Limits{Slots: 3})
	c.enter("a", "a1", 2)
	c.enter("a", "a2", 2)
	if !c.slots["a1"].Keep() {
		t.Error("keep: want true")
	}
	c.enter("a", "a3", 2)
	c.expectCut("a2")
	if c.slots["a2"].Keep() {
		t.Error("what was cut off could be kept")
	}
	c.slots["a3"].Keep()
	if c.enter("a", "a4", 2) {
		t.Error("there was room beside slots that are all kept")
	}
	c.enter("b", "b1", 0)
	c.slots["b1"].Keep()
	if c.enter("c", "c1", 0) {
		t.Error("there was room in a crowd whose slots are all kept")
	}
	c.slots["a1"].Leave()
	if !c.enter("c", "c1", 0) {
		t.Error("a kept slot that was left gave no room")
	}
}

func TestAPlaceThatIsLoosenedIsAsGoodAsNew(t *testing.T) {
	c := newCrew(t, Limits{})
	c.enter("a", "a1", 2)
	c.enter("a", "a2", 2)
	c.slots["a1"].Keep()
	c.slots["a1"].Keep()
	c.slots["a1"].Loosen()
	c.enter("a", "a3", 2)
	c.expectCut("a2")
	c.slots["a1"].Loosen()
	c.enter("a", "a4", 2)
	c.enter("a", "a5", 2)
	c.expectCut("a2", "a3", "a1")
	c.slots["a4"].Leave()
	c.slots["a4"].Keep()
	c.slots["a4"].Loosen() // it has left: nothing to come back to
	c.enter("a", "a6", 2)
	c.expectCut("a2", "a3", "a1")
}

func TestBytesAreBounded(t *testing.T) {
	c := newCrew(t, Limits{Bytes: 100, ClientBytes: 60})
	c.enter("a", "a1", 0)
	c.enter("a", "a2", 0)
	c.slots["a1"].Grow(40)
	c.slots["a2"].Grow(20)
	c.expectCut()
	c.slots["a2"].Grow(1)
	c.expectCut("a1")
	c.slots["a1"].Grow(1_000) // it reads on for a moment, and counts no more
	c.enter("b", "b1", 0)
	c.slots["b1"].Grow(60)
	c.enter("c", "c1", 0)
	c.slots["c1"].Grow(30)
	c.expectCut("a1", "b1")
	if c.crowd.bytes != 51 {
		t.Errorf("%d bytes are counted, want 51", c.crowd.bytes)
	}
}

// However slots come, grow and go, the bounds hold, and nothing is remembered of whoever left.
func TestBoundsHold(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		limits := Limits{Slots: rapid.IntRange(1, 20).Draw(t, "slots"), Bytes: 500, ClientBytes: 200}
		c := New(limits)
		var open []*Slot
		cut := 0
		for range rapid.IntRange(1, 200).Draw(t, "steps") {
			switch rapid.IntRange(0, 4).Draw(t, "step") {
			case 0, 1, 2:
				if p, ok := c.Enter(fmt.Sprint(rapid.IntRange(0, 5).Draw(t, "client")), rapid.IntRange(0, 8).Draw(t, "each"), func() { cut++ }); ok {
					open = append(open, p)
				}
			case 3:
				if len(open) > 0 {
					open[rapid.IntRange(0, len(open)-1).Draw(t, "grows")].Grow(rapid.IntRange(0, 150).Draw(t, "by"))
				}
			case 4:
				if len(open) > 0 {
					i := rapid.IntRange(0, len(open)-1).Draw(t, "leaves")
					open[i].Leave()
					open = slices.Delete(open, i, i+1)
				}
			}
			if c.slots > limits.Slots || c.bytes > limits.Bytes {
				t.Fatalf("%d slots and %d bytes, limits %+v", c.slots, c.bytes, limits)
			}
		}
		for _, p := range open {
			p.Leave()
		}
		if c.slots != 0 || c.bytes != 0 || len(c.clients) != 0 {
			t.Fatalf("after all left: %d slots, %d bytes, %d clients", c.slots, c.bytes, len(c.clients))
		}
	})
}
