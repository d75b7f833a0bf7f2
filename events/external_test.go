package events

import (
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"errors"
	"fmt"
	"math/big"
	"net"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"channelsync/events/kv"
	"channelsync/events/store"
	"channelsync/test/harness"
	"channelsync/test/harness/servers"

	"github.com/nats-io/nats-server/v2/server"
	"go.uber.org/zap"
	"go.uber.org/zap/zaptest/observer"
)

func TestExternal(t *testing.T) {
	t.Parallel()
	core, logs := observer.New(zap.InfoLevel)
	dir := t.TempDir()
	srv := servers.Listening(t, &server.Options{StoreDir: dir})
	var observed atomic.Int64
	b := open(t, func(c *store.Config) {
		c.DataDir, c.URL, c.Replicas, c.Log = "", srv.ClientURL(), 1, zap.New(core)
		c.Observe = func(string, time.Duration) { observed.Add(1) }
	})
	dispatch(t, b)
	publish(t, b, change(1), "m1")
	peekN(t, b, LaneLive, 1)
	if h := b.Health(t.Context()); h.Err != nil || h.Embedded || h.Flush != "unknown" {
		t.Errorf("%+v", h)
	}
	if observed.Load() == 0 {
		t.Error("no operation was timed")
	}
	// A stream whose last write failed is asked again, and is well.
	b.journal.Failing.Store(true)
	harness.Until(t, "the probe clears it", 10*time.Second, func() bool {
		return b.Health(t.Context()).Err == nil && !b.journal.Failing.Load()
	})
	// The server goes away and comes back.
	where := servers.Port(srv)
	srv.Shutdown()
	srv.WaitForShutdown()
	harness.Until(t, "an unhealthy answer", 10*time.Second, func() bool { return b.Health(t.Context()).Err != nil })
	ctx, cancel := context.WithTimeout(t.Context(), 300*time.Millisecond)
	defer cancel()
	if _, err := b.Journal().Publish(ctx, change(2), "m2"); err == nil {
		t.Error("acknowledged without a server")
	}
	servers.Listening(t, &server.Options{StoreDir: dir, Port: where})
	harness.Until(t, "a healthy answer", 10*time.Second, func() bool { return b.Health(t.Context()).Err == nil })
	publish(t, b, change(3), "m3")
	harness.Until(t, "records 1 and 3 enqueued", 20*time.Second, func() bool { return len(peek(t, b, LaneLive)) >= 2 })
	lost := logs.FilterMessageSnippet("connection lost").Len()
	back := logs.FilterMessageSnippet("connection is back").Len()
	if lost != 1 || back != 1 || b.Stats().Disconnects != 1 {
		t.Errorf("logged %d losses and %d returns: %v", lost, back, logs.All())
	}
}

func TestExternalOutOfReach(t *testing.T) {
	t.Parallel()
	ctx, cancel := context.WithTimeout(t.Context(), 200*time.Millisecond)
	defer cancel()
	_, err := Open(ctx, store.Config{URL: "nats://user:hunter2@127.0.0.1:1"})
	if !errors.Is(err, context.DeadlineExceeded) || strings.Contains(err.Error(), "hunter2") ||
		!strings.Contains(err.Error(), "127.0.0.1:1") {
		t.Errorf("got %v", err)
	}
}

// TestExternalDomainAndFlush: a JetStream domain, and an account that may ask the
// servers for their settings.
func TestExternalDomainAndFlush(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	file := filepath.Join(dir, "nats.conf")
	conf := fmt.Sprintf(`
		server_name: hub
		jetstream { store_dir: %s, domain: hub, sync_interval: always }
		system_account: SYS
		accounts {
			SYS { users: [{user: s, password: s}]
				exports: [{service: "$SYS.REQ.SERVER.PING.VARZ", response: stream}] }
			APP { users: [{user: a, password: a}], jetstream: enabled
				imports: [{service: {account: SYS, subject: "$SYS.REQ.SERVER.PING.VARZ"}}] }
		}`, strconv.Quote(dir))
	harness.OK(t, os.WriteFile(file, []byte(conf), 0o600))
	opts, err := server.ProcessConfigFile(file)
	harness.OK(t, err)
	srv := servers.Listening(t, opts)
	b := open(t, func(c *store.Config) {
		c.DataDir, c.URL, c.Domain, c.Replicas = "", fmt.Sprintf("nats://a:a@127.0.0.1:%d", servers.Port(srv)), "hub", 1
	})
	if h := b.Health(t.Context()); h.Err != nil || h.Flush != "always" {
		t.Errorf("%+v", h)
	}
	dispatch(t, b)
	publish(t, b, change(1), "m1")
	peekN(t, b, LaneLive, 1)
	tab := opened(t, b, kv.Config{Name: "t"})
	if _, err := tab.Put(t.Context(), "k", []byte("v")); err != nil {
		t.Fatal(err)
	}
	harness.OK(t, tab.PutMany(t.Context(), []kv.KeyValue{{Key: "k2", Value: []byte("v2")}, {Key: "k3", Value: []byte("v3")}}))
	got, err := tab.GetMany(t.Context(), []string{"k", "k2", "k3"})
	if err != nil || len(got) != 3 {
		t.Errorf("%v, %v", got, err)
	}
	if e, err := tab.Get(t.Context(), "k2"); err != nil || string(e.Value) != "v2" {
		t.Errorf("%+v, %v", e, err)
	}
}

func TestExternalTLS(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	pair := certificate(t, dir)
	pool := x509.NewCertPool()
	pool.AddCert(pair.Leaf)
	srv := servers.Listening(t, &server.Options{
		StoreDir: t.TempDir(), TLS: true, TLSVerify: true, TLSTimeout: 5,
		TLSConfig: &tls.Config{
			Certificates: []tls.Certificate{pair}, ClientCAs: pool, RootCAs: pool,
			ClientAuth: tls.RequireAndVerifyClientCert, MinVersion: tls.VersionTLS13,
		},
	})
	cert, key := filepath.Join(dir, "cert.pem"), filepath.Join(dir, "key.pem")
	b := open(t, func(c *store.Config) {
		c.DataDir, c.URL, c.Replicas = "", fmt.Sprintf("tls://127.0.0.1:%d", servers.Port(srv)), 1
		c.CACert, c.Cert, c.Key = cert, cert, key
	})
	publish(t, b, change(1), "m1")
	ctx, cancel := context.WithTimeout(t.Context(), 300*time.Millisecond)
	defer cancel()
	if _, err := Open(ctx, store.Config{URL: fmt.Sprintf("tls://127.0.0.1:%d", servers.Port(srv))}); err == nil {
		t.Error("trusted a server that nobody vouches for")
	}
}

// certificate writes cert.pem and key.pem, for both ends, vouching for itself.
func certificate(t *testing.T, dir string) tls.Certificate {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	harness.OK(t, err)
	tmpl := &x509.Certificate{
		SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "test"}, IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)},
		NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour), IsCA: true, BasicConstraintsValid: true,
		KeyUsage:    x509.KeyUsageDigitalSignature | x509.KeyUsageCertSign,
		ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth, x509.ExtKeyUsageClientAuth},
	}
	der, err := x509.CreateCertificate(rand.Reader, tmpl, tmpl, key.Public(), key)
	harness.OK(t, err)
	keyDER, err := x509.MarshalPKCS8PrivateKey(key)
	harness.OK(t, err)
	for name, block := range map[string]*pem.Block{
		"cert.pem": {Type: "CERTIFICATE", Bytes: der}, "key.pem": {Type: "PRIVATE KEY", Bytes: keyDER},
	} {
		harness.OK(t, os.WriteFile(filepath.Join(dir, name), pem.EncodeToMemory(block), 0o600))
	}
	pair, err := tls.LoadX509KeyPair(filepath.Join(dir, "cert.pem"), filepath.Join(dir, "key.pem"))
	harness.OK(t, err)
	return pair
}
