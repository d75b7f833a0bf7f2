package container

import (
	"cmp"
	"fmt"
	"math/rand/v2"
	"net/http"
	"strings"
	"testing"
	"time"

	atsim "channelsync/test/sim/autotask/sim"
	cpsim "channelsync/test/sim/channelprogram/sim"
	"channelsync/test/sim/oracle"
)

const (
	secret   = "Secret-of-many-1"
	tracking = "IDENTIFIER-OF-MANY"
	token    = "token-of-many-connections"
)

// tenant is one MSP: an Autotask of its own and a connection at Channel Program.
type tenant struct {
	*atsim.Sim
	user, connection string
	id               string // of its installation
	companies        []int64
	past             oracle.Past
	pushes           int // to its connection, when the account was opened
}

// newTenants makes MSPs whose Autotasks post their callouts by one transport.
func newTenants(t *testing.T, n, companies int, by http.RoundTripper) []*tenant {
	t.Helper()
	var all []*tenant
	for i := range n {
		one := &tenant{user: fmt.Sprintf("user%03d@msp.example", i), connection: fmt.Sprintf("msp-%03d", i)}
		one.Sim = atsim.New(atsim.Config{
			Username: one.user, Secret: secret, TrackingIdentifier: tracking, Seed: int64(i), Scale: 0.02,
			CalloutTimeout: 10 * time.Second, Transport: by,
			Modes: atsim.Modes{CalloutsPerHour: -1, HourlyThreshold: -1},
		})
		t.Cleanup(one.Close)
		for k := range companies {
			one.companies = append(one.companies, one.Put("Companies", atsim.Row{
				"companyName": fmt.Sprintf("Client %03d-%03d", i, k), "companyType": 1, "isActive": true, "phone": "518-555-0100",
			}))
		}
		all = append(all, one)
	}
	return all
}

// autotask is the vendor of them all: who asks says whose Autotask answers.
func autotask(tenants []*tenant) http.Handler {
	handlers := map[string]http.Handler{}
	for _, one := range tenants {
		handlers[one.user] = one.Handler()
	}
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		user := cmp.Or(r.Header.Get("UserName"), r.URL.Query().Get("user"))
		if h := handlers[strings.ToLower(user)]; h != nil {
			h.ServeHTTP(w, r)
			return
		}
		http.Error(w, "nobody of this name", http.StatusUnauthorized)
	})
}

func connections(tenants []*tenant) []cpsim.Connection {
	var all []cpsim.Connection
	for _, one := range tenants {
		all = append(all, cpsim.Connection{ID: one.connection, Token: token})
	}
	return all
}

// load edits companies but the first of each tenant until quit is closed.
func load(tenants []*tenant, every time.Duration, quit <-chan struct{}) error {
	tick := time.NewTicker(every)
	defer tick.Stop()
	for {
		select {
		case <-quit:
			return nil
		case at := <-tick.C:
			one := tenants[rand.IntN(len(tenants))]
			id := one.companies[1+rand.IntN(len(one.companies)-1)]
			if err := one.Edit("Companies", id, atsim.Row{"companyName": "Edit " + at.Format("15:04:05.000000")}); err != nil {
				return fmt.Errorf("edit company: %w", err)
			}
		}
	}
}
