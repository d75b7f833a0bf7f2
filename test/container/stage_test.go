package container

import (
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"fmt"
	"math/big"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"
	"github.com/testcontainers/testcontainers-go"
	"github.com/testcontainers/testcontainers-go/network"

	"channelsync/api/client"
	v1 "channelsync/api/v1"
	"channelsync/test/harness"
	cpsim "channelsync/test/sim/channelprogram/sim"
)

// The images hold nothing but a static binary each; what they read is copied in.
const (
	natsImage       = "channelsync-test-cluster-nats:latest"
	natsDockerfile  = "FROM scratch\nCOPY nats-server /nats-server\nENTRYPOINT [\"/nats-server\", \"--config\", \"/nats.conf\"]\n"
	productImage    = "channelsync-test-cluster:latest"
	productFromFile = "FROM scratch\nCOPY channelsync /channelsync\nCOPY data /data\nENTRYPOINT [\"/channelsync\", \"serve\"]\n"
	adminToken      = "admin-token-of-this-test-cluster"
	masterKey       = "MDEyMzQ1Njc4OWFiY2RlZjAxMjM0NTY3ODlhYmNkZWY="
)

// stage is a whole cluster in containers: three NATS servers with the shipped configuration, two instances of
// channelsync, and the vendors, who are in the test's own process and post to either instance.
type stage struct {
	*testing.T
	servers, instances []*node
	tenants            []*tenant
	target             *cpsim.Sim
	front              *front
	store, outside     string         // networks: of the servers and instances, and of the instances and whoever asks them
	admin              *client.Client // of whichever instance answers
	adminTransport     *http.Transport
}

func newStage(t *testing.T, tenants, companies int) *stage {
	t.Helper()
	s := newServers(t, tenants, companies)
	image(t, productImage, productFromFile, programs{"channelsync": "channelsync/cmd/channelsync"})
	s.startInstances()
	return s
}

// newServers is a stage without instances yet.
func newServers(t *testing.T, tenants, companies int) *stage {
	t.Helper()
	s := &stage{T: t, front: newFront()}
	t.Cleanup(s.front.CloseIdleConnections)
	s.tenants = newTenants(t, tenants, companies, s.front)
	target, err := cpsim.New(cpsim.Config{Connections: connections(s.tenants)})
	harness.OK(t, err)
	s.target = target
	t.Cleanup(target.Close)

	image(t, natsImage, natsDockerfile, programs{"nats-server": "github.com/nats-io/nats-server/v2"})
	s.store, s.outside = newNetwork(t), newNetwork(t)
	s.startServers()
	return s
}

func newNetwork(t *testing.T) (name string) {
	t.Helper()
	n, err := network.New(t.Context())
	if err != nil {
		t.Fatalf("make a network: %v", err)
	}
	testcontainers.CleanupNetwork(t, n)
	return n.Name
}

func (s *stage) startServers() {
	s.Helper()
	for i := range 3 {
		n := &node{t: s.T, name: fmt.Sprintf("nats-%d", i+1), store: s.store, network: s.store, ready: ":8222/healthz"}
		n.run(testcontainers.ContainerRequest{
			Image: natsImage, Networks: []string{s.store}, Env: map[string]string{"NATS_NAME": n.name},
			Files: []testcontainers.ContainerFile{
				{HostFilePath: filepath.Join("..", "..", "deploy", "nats-cluster.conf"), ContainerFilePath: "/nats.conf", FileMode: 0o644},
				{HostFilePath: filepath.Join("..", "..", "deploy", "nats-accounts.conf"), ContainerFilePath: "/accounts.conf", FileMode: 0o644},
				{Reader: strings.NewReader(natsPassword), ContainerFilePath: "/password.conf", FileMode: 0o644},
			},
		})
		s.servers = append(s.servers, n)
	}
	for _, n := range s.servers {
		n.becomesReady(30 * time.Second)
	}
}

// startInstances also serves the vendors on the host's own address in the network that instances reach them on. Channel
// Program is https there, with an authority that the instances trust: plain http goes to loopback only.
func (s *stage) startInstances() {
	s.Helper()
	host := s.host()
	certificate, authority := newCertificate(s.T, host)
	vendor := serve(s.T, host+":0", autotask(s.tenants), nil)
	target := serve(s.T, host+":0", s.target.Handler(), &tls.Config{Certificates: []tls.Certificate{certificate}})
	for i := range 2 {
		n := &node{t: s.T, name: fmt.Sprintf("channelsync-%d", i+1), store: s.store, network: s.outside, ready: ":8081/readyz"}
		n.run(testcontainers.ContainerRequest{
			Image: productImage, Networks: []string{s.outside, s.store},
			Files: []testcontainers.ContainerFile{{
				HostFilePath: authority, ContainerFilePath: "/etc/ssl/certs/ca-certificates.crt", FileMode: 0o644,
			}},
			Env: map[string]string{
				"CHANNELSYNC_CALLBACK_LISTEN":        "0.0.0.0:8080",
				"CHANNELSYNC_ADMIN_LISTEN":           "0.0.0.0:8081",
				"CHANNELSYNC_ADMIN_PLAINTEXT":        "true",
				"CHANNELSYNC_DATA_DIR":               "/data",
				"CHANNELSYNC_NATS_URL":               s.natsByName(),
				"CHANNELSYNC_NATS_PLAINTEXT":         "true",
				"CHANNELSYNC_MASTER_KEY":             masterKey,
				"CHANNELSYNC_ADMIN_TOKEN":            adminToken,
				"CHANNELSYNC_PUBLIC_URL":             "https://callbacks.example", // the front takes it, whatever its name
				"CHANNELSYNC_CHANNEL_PROGRAM_URL":    "https://" + target,
				"CHANNELSYNC_AUTOTASK_DISCOVERY_URL": "http://" + vendor + "/atservicesrest",
				"CHANNELSYNC_AUTOTASK_ALLOW_HOSTS":   vendor,
				"CHANNELSYNC_WEBHOOK_CHECK_INTERVAL": "5s",
				"CHANNELSYNC_LOG_FORMAT":             "json",
			},
		})
		s.instances = append(s.instances, n)
	}
	s.connect("http://any-instance:8081", nil)
}

// host is this machine's address on the network that the instances reach it on.
func (s *stage) host() string {
	s.Helper()
	return docker(s, "network", "inspect", "--format", "{{(index .IPAM.Config 0).Gateway}}", s.outside)
}

// natsByName is where instances find the servers.
func (s *stage) natsByName() string {
	var urls []string
	for _, n := range s.servers {
		urls = append(urls, "nats://"+natsUser+n.name+":4222")
	}
	return strings.Join(urls, ",")
}

// connect waits for the instances, and lets the admin API of any of them be asked under a URL.
func (s *stage) connect(adminURL string, over *tls.Config) {
	s.Helper()
	s.waitReady()
	s.front.transport.MaxIdleConnsPerHost = 16
	s.adminTransport = &http.Transport{DisableKeepAlives: true, DialContext: s.dialAdmin, TLSClientConfig: over}
	admin, err := client.New(client.Config{URL: adminURL, Token: adminToken, Transport: s.adminTransport})
	if err != nil {
		s.Fatal(err)
	}
	s.admin = admin
}

// waitReady waits until every server and instance is ready, and points the front at where the instances are now.
func (s *stage) waitReady() {
	s.Helper()
	for _, n := range append(append([]*node{}, s.servers...), s.instances...) {
		// A server that was cut off may take most of a minute until each of its streams has a leader that all agree on.
		n.becomesReady(2 * time.Minute)
	}
	s.front.to(s.instances[0].addr(":8080"), s.instances[1].addr(":8080"))
}

// dialAdmin reaches whichever instance takes a connection.
func (s *stage) dialAdmin(ctx context.Context, network, _ string) (conn net.Conn, err error) {
	for _, n := range s.instances {
		d := net.Dialer{Timeout: time.Second}
		if conn, err = d.DialContext(ctx, network, n.addr(":8081")); err == nil {
			return conn, nil
		}
	}
	return nil, err
}

// install installs every tenant and waits until all are live.
func (s *stage) install() {
	s.Helper()
	for _, one := range s.tenants {
		// While the instances share out the work, a request is answered 503 and asks to be sent again.
		var in v1.Installation
		eventually(s, "an installation is made", 30*time.Second, func() (err error) {
			in, err = s.admin.CreateInstallation(s.Context(), v1.CreateInstallation{
				Name: one.user, Username: one.user, Secret: secret, TrackingIdentifier: tracking, Syncs: []v1.Sync{v1.SyncActiveCustomers},
				ChannelProgram: v1.ChannelProgramTarget{ConnectionID: one.connection, Token: token},
			})
			return err
		})
		one.id = in.ID
	}
	s.level(60 * time.Second)
}

// level waits until every installation is live, called by its webhooks, and nothing is due.
func (s *stage) level(within time.Duration) {
	s.Helper()
	eventually(s, "level", within, func() error {
		list, err := s.admin.Installations(s.Context())
		if err != nil {
			return err
		}
		n := 0
		for _, in := range list {
			called := len(in.Webhooks) > 0
			for _, h := range in.Webhooks {
				called = called && h.Active && h.Ready
			}
			if in.State == v1.StateLive && in.Backlog == 0 && called {
				n++
			}
		}
		if n != len(s.tenants) {
			return fmt.Errorf("%d of %d: %+v", n, len(s.tenants), list)
		}
		return nil
	})
}

// leader is the server that leads the stream of changes, and a follower of it.
func (s *stage) leader() (leader, follower *node) {
	s.Helper()
	nc, err := nats.Connect(s.natsURLs(), nats.IgnoreDiscoveredServers())
	if err != nil {
		s.Fatal(err)
	}
	defer nc.Close()
	js, err := jetstream.New(nc)
	if err != nil {
		s.Fatal(err)
	}
	stream, err := js.Stream(s.Context(), "CHANGES")
	if err != nil {
		s.Fatal(err)
	}
	at := stream.CachedInfo().Cluster
	if at == nil || at.Leader == "" || len(at.Replicas) != 2 {
		s.Fatalf("the stream is not led, or not held three times: %+v", at)
	}
	for _, n := range s.servers {
		switch n.name {
		case at.Leader:
			leader = n
		case at.Replicas[0].Name:
			follower = n
		}
	}
	return leader, follower
}

func (s *stage) natsURLs() string {
	var urls []string
	for _, n := range s.servers {
		urls = append(urls, "nats://"+natsUser+n.addr(":4222"))
	}
	return strings.Join(urls, ",")
}

// serve serves on an address until the test ends, on a free port if that is 0, and returns host:port.
func serve(t *testing.T, address string, h http.Handler, over *tls.Config) string {
	t.Helper()
	l, err := net.Listen("tcp", address)
	if err != nil {
		t.Fatalf("listen where containers reach it: %v", err)
	}
	srv := httptest.NewUnstartedServer(h)
	_ = srv.Listener.Close()
	srv.Listener, srv.TLS = l, over
	if over != nil {
		srv.StartTLS()
	} else {
		srv.Start()
	}
	t.Cleanup(srv.Close)
	return l.Addr().String()
}

// newCertificate makes a certificate for an address and names, and the file by which it is trusted.
func newCertificate(t *testing.T, host string, names ...string) (certificate tls.Certificate, authority string) {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	harness.OK(t, err)
	der, err := x509.CreateCertificate(rand.Reader, &x509.Certificate{
		SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "simulators"}, NotBefore: time.Now().Add(-time.Hour),
		NotAfter: time.Now().Add(24 * time.Hour), IPAddresses: []net.IP{net.ParseIP(host)}, DNSNames: names, IsCA: true, BasicConstraintsValid: true,
		KeyUsage: x509.KeyUsageDigitalSignature | x509.KeyUsageCertSign,
	}, &x509.Certificate{SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "simulators"}}, &key.PublicKey, key)
	harness.OK(t, err)
	authority = filepath.Join(t.TempDir(), "authority.pem")
	harness.OK(t, os.WriteFile(authority, pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der}), 0o600))
	return tls.Certificate{Certificate: [][]byte{der}, PrivateKey: key}, authority
}
