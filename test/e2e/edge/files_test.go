package edge

import (
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"encoding/json"
	"encoding/pem"
	"fmt"
	"math/big"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"go.uber.org/zap"
	"go.uber.org/zap/zaptest"

	"channelsync/cmd/channelsync/app"
	"channelsync/cmd/channelsync/config"
	"channelsync/test/harness"
	"channelsync/test/harness/service"
)

// authority issues certificates for a file.
type authority struct {
	t     *testing.T
	cert  *x509.Certificate
	key   *ecdsa.PrivateKey
	roots *x509.CertPool
}

func newAuthority(t *testing.T) *authority {
	t.Helper()
	a := &authority{t: t, roots: x509.NewCertPool()}
	a.key = a.newKey()
	template := &x509.Certificate{
		SerialNumber: big.NewInt(1), IsCA: true, BasicConstraintsValid: true, KeyUsage: x509.KeyUsageCertSign,
		NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour),
	}
	der, err := x509.CreateCertificate(rand.Reader, template, template, a.key.Public(), a.key)
	harness.OK(t, err)
	if a.cert, err = x509.ParseCertificate(der); err != nil {
		t.Fatal(err)
	}
	a.roots.AddCert(a.cert)
	return a
}

func (a *authority) newKey() *ecdsa.PrivateKey {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	harness.OK(a.t, err)
	return key
}

// issue makes a pair, PEM.
func (a *authority) issue(serial int64) (cert, key []byte) {
	a.t.Helper()
	private := a.newKey()
	der, err := x509.CreateCertificate(rand.Reader, &x509.Certificate{
		SerialNumber: big.NewInt(serial), DNSNames: []string{domain}, NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour),
	}, a.cert, private.Public(), a.key)
	harness.OK(a.t, err)
	raw, err := x509.MarshalPKCS8PrivateKey(private)
	harness.OK(a.t, err)
	return pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der}), pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: raw})
}

func (a *authority) write(path string, content []byte) {
	a.t.Helper()
	harness.OK(a.t, os.WriteFile(path, content, 0o600))
}

// files writes a first certificate and its key.
func (a *authority) files() (cert, key string) {
	a.t.Helper()
	dir := a.t.TempDir()
	cert, key = filepath.Join(dir, "tls.crt"), filepath.Join(dir, "tls.key")
	firstCert, firstKey := a.issue(1001)
	a.write(cert, firstCert)
	a.write(key, firstKey)
	return cert, key
}

// A certificate in files is replaced, one file after the other, while callbacks come in:
// none fails, and what is served while the files do not fit is said.
func TestACertificateInFilesIsReplacedUnderLoad(t *testing.T) {
	t.Parallel()
	a := newAuthority(t)
	cert, key := a.files()
	addr := service.FreeAddr(t)
	w := service.New(t, service.Options{NoWebhooks: true, Settings: map[string]string{
		"callback-listen": addr, "public-url": "https://" + domain, "callback-tls-cert": cert, "callback-tls-key": key,
	}})
	l := newLoad(t, w, addr, a.roots)
	l.start()
	defer l.end()
	l.until(1)

	nextCert, nextKey := a.issue(1002)
	a.write(cert, nextCert)
	w.Eventually("the mismatch is said", soon, func() error {
		if said := readiness(t, w.AdminURL, http.DefaultTransport); !strings.Contains(said, "warning: the files are not served") {
			return fmt.Errorf("it says %q", said)
		}
		return nil
	})
	if n := l.certificates(); n != 1 {
		t.Errorf("while the files do not fit, %d certificates were served", n)
	}
	a.write(key, nextKey)
	l.until(2)
}

// The admin listener takes a new certificate as well, without a restart.
func TestTheAdminCertificateIsReplaced(t *testing.T) {
	t.Parallel()
	a := newAuthority(t)
	cert, key := a.files()
	cfg, err := config.Parse([]string{
		"--admin-listen=127.0.0.1:0", "--callback-listen=127.0.0.1:0", "--data-dir=" + t.TempDir(), "--admin-tls-cert=" + cert, "--admin-tls-key=" + key,
	}, func(string) (string, bool) { return "", false })
	harness.OK(t, err)
	service, err := app.New(t.Context(), app.Options{Config: cfg, Version: "test", Log: zaptest.NewLogger(t, zaptest.Level(zap.WarnLevel))})
	harness.OK(t, err)
	defer func() {
		if err := service.Stop(context.WithoutCancel(t.Context())); err != nil {
			t.Error(err)
		}
	}()
	harness.OK(t, service.Start(t.Context()))
	_, addr := service.Addr()
	served := func() string {
		conn, err := tls.Dial("tcp", addr, &tls.Config{RootCAs: a.roots, ServerName: domain})
		harness.OK(t, err)
		defer func() { _ = conn.Close() }()
		return conn.ConnectionState().PeerCertificates[0].SerialNumber.String()
	}
	if got := served(); got != "1001" {
		t.Errorf("at first serial %s is served, want 1001", got)
	}
	nextCert, nextKey := a.issue(1002)
	a.write(cert, nextCert)
	a.write(key, nextKey)
	for deadline := time.Now().Add(soon); served() != "1002"; <-time.After(100 * time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatal("the new certificate is not served")
		}
	}
}

// readiness is what /readyz says of the public listener's certificate.
func readiness(t *testing.T, admin string, transport http.RoundTripper) string {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, admin+"/readyz", http.NoBody)
	harness.OK(t, err)
	req.Close = true
	resp, err := transport.RoundTrip(req)
	harness.OK(t, err)
	defer func() { _ = resp.Body.Close() }()
	var answer struct {
		Checks []struct{ Name, Detail string }
	}
	harness.OK(t, json.NewDecoder(resp.Body).Decode(&answer))
	for _, c := range answer.Checks {
		if c.Name == "callback certificate" {
			return c.Detail
		}
	}
	return ""
}
