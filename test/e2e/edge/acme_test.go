package edge

import (
	"crypto/x509"
	"io"
	"io/fs"
	"log"
	"net"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	"github.com/letsencrypt/challtestsrv"
	"github.com/letsencrypt/pebble/v2/ca"
	"github.com/letsencrypt/pebble/v2/db"
	"github.com/letsencrypt/pebble/v2/va"
	"github.com/letsencrypt/pebble/v2/wfe"

	"channelsync/test/harness"
	"channelsync/test/harness/service"
)

// lifetime of a certificate, in seconds: it is renewed when a third of it is left. An authority that shares a busy machine
// with the load needs several of them.
const lifetime = 36

// pebble starts an ACME authority that finds every name on this machine, and asks for
// challenges on the port of addr instead of 443. It returns the URL of its directory.
func pebble(t *testing.T, addr string) (directory string, roots *x509.CertPool) {
	t.Helper()
	_, port, err := net.SplitHostPort(addr)
	harness.OK(t, err)
	tlsPort, err := strconv.Atoi(port)
	harness.OK(t, err)
	quiet := log.New(io.Discard, "", 0)
	resolver := service.FreeAddr(t)
	names, err := challtestsrv.New(challtestsrv.Config{DNSAddrs: []string{resolver}, Log: quiet})
	harness.OK(t, err)
	names.SetDefaultDNSIPv4("127.0.0.1")
	names.SetDefaultDNSIPv6("")
	go names.Run()
	t.Cleanup(names.Shutdown)
	store := db.NewMemoryStore()
	authority := ca.New(quiet, store, "", "ecdsa", 0, 1, map[string]ca.Profile{"default": {ValidityPeriod: lifetime}})
	front := wfe.New(quiet, store, va.New(quiet, 1, tlsPort, true, resolver, store), authority, nil, true, false, 1, 1)
	server := httptest.NewTLSServer(front.Handler()) // with the certificate that a child process of the harness trusts
	t.Cleanup(server.Close)
	roots = x509.NewCertPool()
	if !roots.AppendCertsFromPEM(authority.GetRootCert(0).PEM()) {
		t.Fatal("the authority has no root")
	}
	return server.URL + wfe.DirectoryPath, roots
}

// The service gets its certificate by itself and renews it while callbacks come in: none fails.
func TestACertificateByACMEIsRenewedUnderLoad(t *testing.T) {
	t.Parallel()
	addr := service.FreeAddr(t)
	directory, roots := pebble(t, addr)
	w := service.New(t, service.Options{NoWebhooks: true, Binary: service.Build(t), TLS: true, Settings: map[string]string{
		"callback-listen": addr, "public-url": "https://" + domain, "callback-acme-domain": domain, "callback-acme-email": "ops@example.test", "acme-directory-url": directory,
	}})
	l := newLoad(t, w, addr, roots)
	l.start()
	l.until(2)
	l.end()
	private(t, filepath.Join(w.DataDir, "acme"))

	// What was issued is kept: a start asks for no other one.
	before := l.certificates()
	w.Stop()
	w.Start()
	w.Eventually("callbacks are taken after a restart", soon, func() error { return l.post(l.clients[0]) })
	if n := l.certificates(); n > before+1 { // a renewal may be due at that very moment
		t.Errorf("%d certificates before a restart and %d after", before, n)
	}
}

// private wants the account and the certificate to be their owner's alone.
func private(t *testing.T, dir string) {
	t.Helper()
	found := 0
	err := filepath.WalkDir(dir, func(path string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		info, err := os.Stat(path)
		if err != nil {
			return err
		}
		if info.Mode().Perm()&0o077 != 0 {
			t.Errorf("%s has mode %04o", path, info.Mode().Perm())
		}
		if strings.Contains(path, "acme_account") || strings.HasSuffix(path, domain) {
			found++
		}
		return nil
	})
	if err != nil || found < 2 {
		t.Errorf("%d files of account and certificate in %s, %v", found, dir, err)
	}
}
