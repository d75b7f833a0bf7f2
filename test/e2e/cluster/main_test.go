// Package cluster proves what several instances on one NATS promise, from the outside:
// two real services between the simulated vendors (test/harness/service) share the
// installations, never write one record at once, take over from each other, and show
// the same to an operator whichever is asked.
package cluster

import (
	"bytes"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/nats-io/nats-server/v2/server"

	v1 "channelsync/api/v1"
	"channelsync/test/harness"
	"channelsync/test/harness/servers"
	"channelsync/test/harness/service"
	atsim "channelsync/test/sim/autotask/sim"
	cpsim "channelsync/test/sim/channelprogram/sim"
	"channelsync/test/sim/oracle"
)

// TestMain lets tests wait at once: most of what they do is waiting for leases to run out.
func TestMain(m *testing.M) {
	harness.Parallel(4)
	harness.Main(m)
}

const (
	secret   = "Secret-of-many-1"
	tracking = "IDENTIFIER-OF-MANY"
)

// field is a NATS server, many Autotasks and one Channel Program, and instances beside each other.
type field struct {
	t       *testing.T
	nats    *natsServer
	tenants []*tenant
	first   *service.Harness // whose vendors all share
	front   *front
}

// tenant is one MSP.
type tenant struct {
	*atsim.Sim
	user, connection string
	id               string // of its installation
	companies        []int64
	past             oracle.Past
}

func newField(t *testing.T, tenants, companies int) *field {
	t.Helper()
	f := &field{t: t, nats: startNATS(t), front: newFront(t)}
	for i := range tenants {
		one := &tenant{user: fmt.Sprintf("user%03d@msp.example", i), connection: fmt.Sprintf("msp-%03d", i)}
		one.Sim = atsim.New(atsim.Config{
			Username: one.user, Secret: secret, TrackingIdentifier: tracking, Seed: int64(i), Scale: 0.05,
			Modes: atsim.Modes{CalloutsPerHour: -1, HourlyThreshold: -1},
		})
		t.Cleanup(one.Close)
		for n := range companies {
			one.companies = append(one.companies, one.Put("Companies", atsim.Row{
				"companyName": fmt.Sprintf("Client %03d-%03d", i, n), "companyType": 1, "isActive": true, "phone": "518-555-0100",
			}))
		}
		f.tenants = append(f.tenants, one)
	}
	return f
}

// join starts another instance.
func (f *field) join(opts service.Options) *service.Harness {
	f.t.Helper()
	opts.NATSURL = f.nats.running.ClientURL()
	opts.Settings = map[string]string{"public-url": f.front.url, "coalesce-window": "100ms", "contract-poll-interval": "1m"}
	if f.first != nil {
		opts.Beside = f.first
	} else {
		handlers := map[string]http.Handler{}
		for _, one := range f.tenants {
			handlers[one.user] = one.Handler()
			opts.Target.Connections = append(opts.Target.Connections, cpsim.Connection{ID: one.connection, Token: service.Token})
		}
		opts.Wrap = func(rest http.Handler) http.Handler {
			return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				user := r.Header.Get("UserName")
				if user == "" {
					user = r.URL.Query().Get("user")
				}
				if h := handlers[strings.ToLower(user)]; h != nil {
					h.ServeHTTP(w, r)
					return
				}
				rest.ServeHTTP(w, r)
			})
		}
	}
	w := service.New(f.t, opts)
	if f.first == nil {
		f.first = w
	}
	f.front.add(w.CallbackURL)
	return w
}

// install installs every tenant, by all instances in turn, and waits until all are live.
func (f *field) install(by ...*service.Harness) {
	f.t.Helper()
	var wg sync.WaitGroup
	slots := make(chan struct{}, 4)
	for i, one := range f.tenants {
		slots <- struct{}{}
		wg.Go(func() {
			defer func() { <-slots }()
			in, err := by[i%len(by)].Admin.CreateInstallation(f.t.Context(), v1.CreateInstallation{
				Name: fmt.Sprintf("MSP %03d", i), Username: one.user, Secret: secret, TrackingIdentifier: tracking,
				Zone: strings.TrimPrefix(f.first.AutotaskURL, "http://"), Syncs: []v1.Sync{v1.SyncActiveCustomers},
				ChannelProgram: v1.ChannelProgramTarget{ConnectionID: one.connection, Token: service.Token},
			})
			if err != nil {
				f.t.Errorf("create installation %d: %v", i, err)
				return
			}
			one.id = in.ID
		})
	}
	wg.Wait()
	f.live(by[0], 90*time.Second, 0)
}

// live waits until an instance shows every installation live, with at most so much due.
func (f *field) live(w *service.Harness, within time.Duration, atMost int) {
	f.t.Helper()
	w.Eventually("all live", within, func() error {
		list, err := w.Admin.Installations(f.t.Context())
		if err != nil {
			return err
		}
		states, due, issues := map[v1.State]int{}, 0, map[string]int{}
		for _, in := range list {
			states[in.State]++
			due += in.Backlog
			for _, i := range in.Issues {
				issues[i.Code]++
			}
		}
		if states[v1.StateLive] != len(f.tenants) || due > atMost {
			return fmt.Errorf("states %v, %d due, issues %v", states, due, issues)
		}
		return nil
	})
}

// rename gives a company of every tenant a name.
func (f *field) rename(n int, name string) {
	f.t.Helper()
	for _, one := range f.tenants {
		if err := one.Edit("Companies", one.companies[n], atsim.Row{"companyName": name}); err != nil {
			f.t.Error(err)
		}
	}
}

// renamed waits until the name arrived for every tenant.
func (f *field) renamed(n int, name string, within time.Duration) {
	f.t.Helper()
	f.first.Eventually("every edit to "+name, within, func() error {
		var missing []string
		for _, one := range f.tenants {
			c, _ := f.first.Target.Client(one.connection, fmt.Sprint(one.companies[n]))
			if c.Data.Name != name {
				missing = append(missing, one.connection)
			}
		}
		if len(missing) > 0 {
			return fmt.Errorf("%d are missing: %v", len(missing), missing)
		}
		return nil
	})
}

// agree waits until every tenant's clients are what they must be, and that nobody wrote one record beside another.
func (f *field) agree(within time.Duration) {
	f.t.Helper()
	end := time.Now().Add(within)
	for _, one := range f.tenants {
		f.first.Eventually("both sides agree on "+one.connection, max(time.Until(end), time.Second), func() error {
			want := one.past.Note(oracle.Expected(one.Sim, []string{string(v1.SyncActiveCustomers)}, time.Now()))
			if d := oracle.Compare(want, oracle.Actual(f.first.Target, one.connection)); len(d) > 0 {
				return fmt.Errorf("%d differences, the first is %s", len(d), d[0])
			}
			return nil
		})
	}
	if o := f.first.Target.Overlaps(); len(o) > 0 {
		f.t.Errorf("%d overlapping writes, the first is %+v", len(o), o[0])
	}
}

// natsServer is a server with a port, as somebody else's would be.
type natsServer struct {
	t       *testing.T
	dir     string
	port    int
	running *server.Server
}

func startNATS(t *testing.T) *natsServer {
	t.Helper()
	n := &natsServer{t: t, dir: t.TempDir()}
	n.start()
	return n
}

func (n *natsServer) start() {
	n.t.Helper()
	n.running = servers.Listening(n.t, &server.Options{Port: n.port, StoreDir: n.dir})
	n.port = servers.Port(n.running)
}

func (n *natsServer) stop() {
	n.running.Shutdown()
	n.running.WaitForShutdown()
}

// front is the proxy before the instances: it posts each callback to the next, or to
// another one when that is not there.
type front struct {
	url    string
	client http.Client
	next   atomic.Uint64

	mu      sync.Mutex
	targets []string
	taken   map[string]int // callbacks answered 2xx, by instance
}

func newFront(t *testing.T) *front {
	p := &front{taken: map[string]int{}}
	transport := &http.Transport{MaxIdleConnsPerHost: 16}
	p.client.Transport = transport
	srv := httptest.NewServer(p)
	p.url = srv.URL
	t.Cleanup(func() { srv.Close(); transport.CloseIdleConnections() })
	return p
}

func (p *front) add(target string) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.targets = append(p.targets, target)
}

func (p *front) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	body, err := io.ReadAll(r.Body)
	if err != nil {
		return
	}
	p.mu.Lock()
	targets := p.targets
	p.mu.Unlock()
	from := int(p.next.Add(1))
	for i := range targets {
		target := targets[(from+i)%len(targets)]
		req, err := http.NewRequestWithContext(r.Context(), r.Method, target+r.URL.RequestURI(), bytes.NewReader(body))
		if err != nil {
			break
		}
		req.Header = r.Header.Clone()
		resp, err := p.client.Do(req)
		if err != nil {
			continue
		}
		_ = resp.Body.Close()
		if resp.StatusCode/100 == 2 {
			p.mu.Lock()
			p.taken[target]++
			p.mu.Unlock()
		}
		w.WriteHeader(resp.StatusCode)
		return
	}
	w.WriteHeader(http.StatusBadGateway)
}

// shared says that every instance took callbacks.
func (p *front) shared(t *testing.T) {
	t.Helper()
	p.mu.Lock()
	defer p.mu.Unlock()
	for _, target := range p.targets {
		if p.taken[target] == 0 {
			t.Errorf("%s took no callback: %v", target, p.taken)
		}
	}
}
