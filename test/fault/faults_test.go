//go:build linux

package fault

import (
	"flag"
	"os"
	"testing"
	"time"

	"channelsync/test/harness/service"
)

// fault is one accident.
type fault struct {
	name string
	// own makes the service a process of its own, which can be stopped and killed.
	own bool
	// options changes the harness that the fault strikes; nil changes nothing. It may skip the test.
	options func(*testing.T, *service.Options)
	// begin prepares the harness before the installation is made; nil prepares nothing.
	begin func(*trial)
	// strike brings the fault on while edits go on, and takes it away again. What it returns goes into the report.
	strike func(*trial) (note string)
	// within bounds the recovery; 0 = soon.
	within func(*trial) time.Duration
	// repeats says that the service cannot know whether a push arrived, so that pushing it again is right.
	repeats bool
}

// faults is the suite. Each entry lives in the file of what it strikes at.
func faults() []fault {
	var all []fault
	for _, group := range [][]fault{
		processFaults(), diskFaults(), brokerFaults(), clockFaults(), upstreamFaults(), autotaskFaults(), targetFaults(), orderFaults(),
		keyFaults(), innerFaults(),
	} {
		all = append(all, group...)
	}
	return all
}

// TestFaults brings every accident on and prints what each came to.
func TestFaults(t *testing.T) {
	lines := &report{}
	t.Cleanup(func() {
		name := form("short", "long")
		if err := lines.writeTo(os.Stdout, name); err != nil {
			t.Error(err)
		}
		if path := flag.Lookup("report").Value.String(); path != "" {
			if err := lines.save(path, name); err != nil {
				t.Error(err)
			}
		}
	})
	binary := service.Build(t)
	for i, f := range faults() {
		t.Run(f.name, func(t *testing.T) {
			t.Parallel()
			got := f.run(t, binary)
			got.order = i
			lines.add(got)
		})
	}
}

// run brings one fault on and accounts for every delivery.
func (f fault) run(t *testing.T, binary string) line {
	opts := service.Options{Settings: map[string]string{"webhook-check-interval": "5s"}}
	if f.own {
		opts.Binary = binary
	}
	if f.options != nil {
		f.options(t, &opts)
	}
	tr := newTrial(t, f, opts)
	tr.edit()
	tr.acknowledged("before the fault", 20)
	note := f.strike(tr)
	tr.rest()
	tr.recovers()
	return tr.account(note)
}

func (f fault) limit(tr *trial) time.Duration {
	if f.within == nil {
		return soon
	}
	return f.within(tr)
}
