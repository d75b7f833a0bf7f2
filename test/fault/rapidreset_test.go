//go:build linux

package fault

import (
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"encoding/binary"
	"encoding/pem"
	"errors"
	"io"
	"math/big"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"syscall"
	"testing"
	"time"

	"go.uber.org/zap"

	"channelsync/cmd/channelsync/app"
	"channelsync/cmd/channelsync/config"
	"channelsync/test/harness"
)

// TestRapidReset: on the admin listener's HTTP/2, requests that are taken back as
// soon as they are made (CVE-2023-44487) keep nobody else from being answered.
func TestRapidReset(t *testing.T) {
	t.Parallel()
	addr, roots := adminOverTLS(t)
	flood, err := tls.Dial("tcp", addr, &tls.Config{RootCAs: roots, NextProtos: []string{"h2"}, MinVersion: tls.VersionTLS12})
	harness.OK(t, err)
	defer func() { _ = flood.Close() }()
	if p := flood.ConnectionState().NegotiatedProtocol; p != "h2" {
		t.Fatalf("speaks %q, want h2", p)
	}
	done := make(chan int, 1)
	go func() { done <- resetRapidly(flood) }()
	go func() { _, _ = io.Copy(io.Discard, flood) }() // its answers and, in the end, that it is sent away

	transport := &http.Transport{TLSClientConfig: &tls.Config{RootCAs: roots, MinVersion: tls.VersionTLS12}, ForceAttemptHTTP2: true}
	defer transport.CloseIdleConnections()
	client := &http.Client{Transport: transport, Timeout: 10 * time.Second}
	asked, sent := 0, 0
	for ; sent == 0 || asked < 20; asked++ {
		began := time.Now()
		resp, err := client.Get("https://" + addr + "/livez")
		if err != nil {
			t.Fatalf("during the flood: %v", err)
		}
		_ = resp.Body.Close()
		if took := time.Since(began); resp.StatusCode != http.StatusOK || took > 8*time.Second {
			t.Errorf("during the flood: %d after %s", resp.StatusCode, took)
		}
		select {
		case sent = <-done:
		default:
		}
	}
	t.Logf("%d requests taken back, %d others answered meanwhile", sent, asked)
}

// resetRapidly makes requests and takes each back at once, until it is cut off or
// has made enough of them; it returns how many.
func resetRapidly(conn net.Conn) int {
	const enough = 20_000
	_ = conn.SetWriteDeadline(time.Now().Add(10 * time.Second))
	hello := append([]byte("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"), frame(0x4, 0, 0, nil)...) // SETTINGS
	if _, err := conn.Write(hello); err != nil {
		return 1
	}
	const authority = "channelsync.example"
	// HPACK: GET, https, an :authority and the :path /metrics as literals.
	headers := append([]byte{0x82, 0x87, 0x01, byte(len(authority))}, authority...)
	headers = append(append(headers, 0x04, byte(len("/metrics"))), "/metrics"...)
	cancel := []byte{0, 0, 0, 8}
	for n := range enough {
		stream := uint32(2*n + 1)
		pair := append(frame(0x1, 0x5, stream, headers), frame(0x3, 0, stream, cancel)...) // HEADERS, RST_STREAM
		if _, err := conn.Write(pair); err != nil {
			return n + 1
		}
	}
	return enough
}

// frame is one frame of HTTP/2 (RFC 9113, 4.1).
func frame(kind, flags byte, stream uint32, payload []byte) []byte {
	f := make([]byte, 9, 9+len(payload))
	binary.BigEndian.PutUint32(f[0:4], uint32(len(payload))<<8) //nolint:gosec // of some bytes
	f[3], f[4] = kind, flags
	binary.BigEndian.PutUint32(f[5:9], stream)
	return append(f, payload...)
}

// adminOverTLS starts a service without installations whose admin listener has a certificate.
func adminOverTLS(t *testing.T) (addr string, roots *x509.CertPool) {
	t.Helper()
	cert, key, roots := certificate(t)
	cfg, err := config.Parse([]string{
		"--callback-listen=127.0.0.1:0", "--admin-listen=127.0.0.1:0", "--data-dir=" + t.TempDir(), "--admin-tls-cert=" + cert,
		"--admin-tls-key=" + key,
	}, func(string) (string, bool) { return "", false })
	harness.OK(t, err)
	a, err := app.New(t.Context(), app.Options{Config: cfg, Version: "test", Log: zap.NewNop()})
	harness.OK(t, err)
	harness.OK(t, a.Start(t.Context()))
	t.Cleanup(func() {
		ctx, cancel := context.WithTimeout(context.Background(), 20*time.Second)
		defer cancel()
		if err := a.Stop(ctx); err != nil && !errors.Is(err, syscall.EPIPE) { // the flood's connection is gone already
			t.Error(err)
		}
	})
	_, addr = a.Addr()
	return addr, roots
}

// certificate writes a certificate for loopback and its key, and returns a pool that trusts it.
func certificate(t *testing.T) (cert, key string, roots *x509.CertPool) {
	t.Helper()
	dir := t.TempDir()
	private, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	harness.OK(t, err)
	template := &x509.Certificate{
		SerialNumber: big.NewInt(1), IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)}, NotBefore: time.Now().Add(-time.Hour),
		NotAfter: time.Now().Add(time.Hour), IsCA: true, BasicConstraintsValid: true, KeyUsage: x509.KeyUsageDigitalSignature | x509.KeyUsageCertSign,
	}
	der, err := x509.CreateCertificate(rand.Reader, template, template, private.Public(), private)
	harness.OK(t, err)
	raw, err := x509.MarshalPKCS8PrivateKey(private)
	harness.OK(t, err)
	certPEM := pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der})
	roots = x509.NewCertPool()
	roots.AppendCertsFromPEM(certPEM)
	cert, key = filepath.Join(dir, "cert.pem"), filepath.Join(dir, "key.pem")
	keyPEM := pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: raw})
	harness.OK(t, errors.Join(os.WriteFile(cert, certPEM, 0o600), os.WriteFile(key, keyPEM, 0o600)))
	return cert, key, roots
}
