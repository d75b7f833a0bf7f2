package lifecycle

import (
	"fmt"
	"net/http"
	"strings"
	"sync/atomic"
	"testing"

	v1 "channelsync/api/v1"
	"channelsync/test/harness"
	"channelsync/test/harness/service"
	"channelsync/test/sim/autotask/fault"
	atsim "channelsync/test/sim/autotask/sim"
	cpsim "channelsync/test/sim/channelprogram/sim"
)

// neighbour is one of many tenants behind the same address.
type neighbour struct {
	*atsim.Sim
	user, connection string
	installation     string
	hangs            atomic.Pointer[chan struct{}] // questions for companies wait for it
}

func neighbours(t *testing.T, n int) []*neighbour {
	all := make([]*neighbour, n)
	for i := range all {
		one := &neighbour{user: fmt.Sprintf("user-%02d@msp.example", i), connection: fmt.Sprintf("msp-%02d", i)}
		one.Sim = atsim.New(atsim.Config{
			Username: one.user, Secret: "Secret-of-many-1", TrackingIdentifier: "IDENTIFIER-OF-MANY", Modes: service.Unlimited().Modes,
		})
		t.Cleanup(one.Close)
		all[i] = one
	}
	return all
}

// serviceOf is a service whose Autotask is all of theirs: the user of a request, or the one it asks about, says whose.
func serviceOf(t *testing.T, all []*neighbour) *service.Harness {
	t.Helper()
	byUser := map[string]http.Handler{}
	var connections []cpsim.Connection
	for _, n := range all {
		byUser[n.user] = n
		connections = append(connections, cpsim.Connection{ID: n.connection, Token: n.token()})
	}
	return service.New(t, service.Options{
		Autotask: service.Unlimited(), Target: cpsim.Config{Connections: connections},
		Wrap: func(first http.Handler) http.Handler {
			return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				if h := byUser[strings.ToLower(r.Header.Get("UserName")+r.URL.Query().Get("user"))]; h != nil {
					h.ServeHTTP(w, r)
					return
				}
				first.ServeHTTP(w, r)
			})
		},
	})
}

func (n *neighbour) token() string { return "cp-token-of-" + n.connection }

func (n *neighbour) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if gate := n.hangs.Load(); gate != nil && strings.Contains(r.URL.Path, "/Companies/") {
		select {
		case <-*gate:
		case <-r.Context().Done():
			return
		}
	}
	n.Handler().ServeHTTP(w, r)
}

// create makes an installation of a tenant that has no companies yet.
func (n *neighbour) create(w *service.Harness) {
	w.T.Helper()
	in, err := w.Admin.CreateInstallation(w.T.Context(), v1.CreateInstallation{
		Name: n.user, Username: n.user, Secret: "Secret-of-many-1", TrackingIdentifier: "IDENTIFIER-OF-MANY",
		Zone: strings.TrimPrefix(w.AutotaskURL, "http://"), Syncs: []v1.Sync{v1.SyncActiveCustomers},
		ChannelProgram: v1.ChannelProgramTarget{ConnectionID: n.connection, Token: v1.Secret(n.token())},
	})
	harness.OK(w.T, err)
	n.installation = in.ID
}

// fill puts companies that nobody is notified of.
func (n *neighbour) fill(companies int) {
	defer n.ClearFaults(n.SetFault(atsim.Fault{Kind: fault.Lose}))
	for i := range companies {
		n.Put("Companies", atsim.Row{"companyName": fmt.Sprintf("Client %03d", i), "companyType": 1, "isActive": true, "phone": ""})
	}
}

// TestPassesDoNotWaitOnEachOther: twenty installations are passed over at once. Of half
// of them Autotask does not answer, which is more than there are places to work in, and
// one is throttled. All others have all their clients while those still hang, and those
// have theirs as soon as Autotask answers.
func TestPassesDoNotWaitOnEachOther(t *testing.T) {
	const many, each = 20, 60
	all := neighbours(t, many)
	stuck, throttled, well := all[:many/2], all[many/2], all[many/2+1:]
	w := serviceOf(t, all)
	for _, n := range all {
		n.create(w)
	}
	for _, n := range all {
		is(w, n.installation, v1.StateLive)
		n.fill(each)
	}
	gate := make(chan struct{})
	for _, n := range stuck {
		n.hangs.Store(&gate)
	}
	limit := throttled.SetFault(atsim.Fault{Kind: fault.Throttle, RetryAfter: 1})
	for _, n := range all { // those that are stuck first
		if _, err := w.Admin.Resync(t.Context(), n.installation, v1.ResyncRequest{}); err != nil {
			t.Fatal(err)
		}
	}
	arrive := func(n *neighbour, what string) {
		t.Helper()
		w.Eventually("the clients of "+n.connection+" "+what, 2*soon, func() error {
			if got := len(w.Target.Clients(n.connection)); got != each {
				return fmt.Errorf("%d of %d", got, each)
			}
			return nil
		})
	}
	for _, n := range well {
		arrive(n, "beside those that hang")
	}
	for _, n := range append(stuck, throttled) {
		if got := len(w.Target.Clients(n.connection)); got > 0 {
			t.Errorf("%s has %d clients, although Autotask does not answer it", n.connection, got)
		}
	}
	close(gate)
	throttled.ClearFaults(limit)
	for _, n := range append(stuck, throttled) {
		arrive(n, "once Autotask answers")
	}
}
