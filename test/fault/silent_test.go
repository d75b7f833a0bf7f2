//go:build linux

package fault

import (
	"fmt"
	"net/url"
	"testing"
	"time"

	"channelsync/test/harness"
	"channelsync/test/harness/relay"
	"channelsync/test/harness/service"
	atsim "channelsync/test/sim/autotask/sim"
	"channelsync/test/sim/oracle"
)

// noticed is within what time a connection that died without a word is found out, and the
// edit that met it has arrived.
const noticed = time.Minute

// TestTheNextEditArrivesOverADeadConnection lets the connections to one vendor die as when a
// firewall forgets them, once, and then makes a single edit.
func TestTheNextEditArrivesOverADeadConnection(t *testing.T) {
	binary := service.Build(t)
	for _, vendor := range []string{"Autotask", "Channel Program"} {
		for _, protocol := range []string{"HTTP/1.1", "HTTP/2"} {
			t.Run(vendor+" over "+protocol, func(t *testing.T) {
				t.Parallel()
				line := relay.New(t)
				opts := service.Options{Binary: binary, TLS: protocol == "HTTP/2", Settings: map[string]string{
					"contract-poll-interval": "1h", // nobody but the edits asks Autotask for anything
				}}
				opts.Autotask.Modes = atsim.Modes{CalloutsPerHour: -1, HourlyThreshold: -1}
				scheme := "http://"
				if opts.TLS {
					scheme = "https://"
				}
				if vendor == "Autotask" {
					opts.Hosts = []string{line.Addr()}
					opts.Settings["autotask-discovery-url"] = scheme + line.Addr() + "/atservicesrest"
				} else {
					opts.Settings["channel-program-url"] = scheme + line.Addr()
				}
				w := service.New(t, opts)
				line.To(hostOf(t, map[bool]string{true: w.AutotaskURL, false: w.TargetURL}[vendor == "Autotask"]))
				id := w.Autotask.Put("Companies", atsim.Row{"companyName": "Northwind", "companyType": 1, "isActive": true})
				in := w.Install()
				w.Until(in.ID, "called by its webhooks", soon, called)
				w.Agree(soon)
				rename := func(name string, within time.Duration) {
					t.Helper()
					harness.OK(t, w.Autotask.Edit("Companies", id, atsim.Row{"companyName": name}))
					w.Eventually("an edit arrives", within, func() error {
						if c, ok := oracle.Actual(w.Target, service.Connection).Clients[fmt.Sprint(id)]; !ok || c.Name != name {
							return fmt.Errorf("it is %q", c.Name)
						}
						return nil
					})
				}
				rename("Before", soon) // over a connection that is open now
				if n := line.Kill(); n == 0 {
					t.Fatal("no connection was open: nothing would be shown")
				}
				began := time.Now()
				rename("After", noticed)
				t.Logf("it took %s", time.Since(began).Round(100*time.Millisecond))
			})
		}
	}
}

func hostOf(t *testing.T, address string) string {
	t.Helper()
	u, err := url.Parse(address)
	harness.OK(t, err)
	return u.Host
}
