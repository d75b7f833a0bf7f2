package certificate

import (
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"math/big"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"go.uber.org/zap"
	"go.uber.org/zap/zaptest/observer"

	"channelsync/test/harness"
)

// pair makes a certificate of that serial number and its key, both PEM.
func pair(t *testing.T, serial int64, valid time.Duration) (cert, key []byte) {
	t.Helper()
	private, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	harness.OK(t, err)
	template := &x509.Certificate{
		SerialNumber: big.NewInt(serial), Subject: pkix.Name{CommonName: "hooks.example"}, DNSNames: []string{"hooks.example"},
		NotBefore: time.Now().Add(-time.Minute), NotAfter: time.Now().Add(valid),
	}
	der, err := x509.CreateCertificate(rand.Reader, template, template, private.Public(), private)
	harness.OK(t, err)
	raw, err := x509.MarshalPKCS8PrivateKey(private)
	harness.OK(t, err)
	return pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der}), pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: raw})
}

func put(t *testing.T, path string, content []byte) {
	t.Helper()
	harness.OK(t, os.WriteFile(path, content, 0o600))
}

// bench is a pair of files, and what is served of them.
type bench struct {
	*Files
	t    *testing.T
	logs *observer.ObservedLogs
}

func newBench(t *testing.T, cert, key []byte) *bench {
	t.Helper()
	core, logs := observer.New(zap.InfoLevel)
	dir := t.TempDir()
	cfg := FilesConfig{Cert: filepath.Join(dir, "tls.crt"), Key: filepath.Join(dir, "tls.key"), Every: 5 * time.Millisecond, Log: zap.New(core)}
	put(t, cfg.Cert, cert)
	put(t, cfg.Key, key)
	files, err := NewFiles(cfg)
	harness.OK(t, err)
	return &bench{files, t, logs}
}

// expect wants a serial number to be served, and a detail for /readyz.
func (b *bench) expect(when string, serial int64, detail string) {
	b.t.Helper()
	served, err := b.Config().GetCertificate(nil)
	if err != nil || served.Leaf.SerialNumber.Int64() != serial {
		b.t.Errorf("%s: serving %v, %v; want serial %d", when, served.Leaf.SerialNumber, err, serial)
	}
	got, err := b.Check(b.t.Context())
	if err != nil || !strings.HasPrefix(got, detail) {
		b.t.Errorf("%s: /readyz says %q, %v; want %q", when, got, err, detail)
	}
}

func TestTheLastPairThatFitsIsServed(t *testing.T) {
	cert1, key1 := pair(t, 1, time.Hour)
	cert2, key2 := pair(t, 2, time.Hour)
	b := newBench(t, cert1, key1)
	b.expect("at first", 1, "valid until")
	for _, step := range []struct {
		when   string
		change func()
		serial int64
		detail string
		lines  int // of the log, all together
	}{
		{"nothing changed", func() {}, 1, "valid until", 0},
		{"the certificate is new and the key is not", func() { put(t, b.Cert, cert2) }, 1, "warning: the files are not served", 1},
		{"still so", func() {}, 1, "warning: the files are not served", 1},
		{"the key follows", func() { put(t, b.Key, key2) }, 2, "valid until", 2},
		{"half a file", func() { put(t, b.Cert, cert1[:40]) }, 2, "warning: the files are not served", 3},
		{"the file is gone", func() { _ = os.Remove(b.Cert) }, 2, "warning: the files are not served", 4},
		{"both are back", func() { put(t, b.Cert, cert1); put(t, b.Key, key1) }, 1, "valid until", 5},
	} {
		step.change()
		b.reload()
		b.expect(step.when, step.serial, step.detail)
		if b.logs.Len() != step.lines {
			t.Errorf("%s: %d lines of the log, want %d: %v", step.when, b.logs.Len(), step.lines, b.logs.All())
		}
	}
}

func TestRunReadsTheFilesAgain(t *testing.T) {
	cert1, key1 := pair(t, 1, time.Hour)
	cert2, key2 := pair(t, 2, time.Hour)
	b := newBench(t, cert1, key1)
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan struct{})
	go func() { defer close(done); b.Run(ctx) }()
	put(t, b.Cert, cert2)
	put(t, b.Key, key2)
	for deadline := time.Now().Add(20 * time.Second); b.logs.FilterMessage("certificate replaced").Len() == 0; <-time.After(b.Every) {
		if time.Now().After(deadline) {
			t.Fatal("the new pair is not taken")
		}
	}
	cancel()
	<-done
	b.expect("after a while", 2, "valid until")
}

func TestAnExpiredCertificateIsServedAndSaid(t *testing.T) {
	cert, key := pair(t, 1, -time.Second)
	newBench(t, cert, key).expect("expired", 1, "warning: the certificate was valid until")
}

func TestAPairThatNeverFitIsRefused(t *testing.T) {
	cert, _ := pair(t, 1, time.Hour)
	_, key := pair(t, 2, time.Hour)
	dir := t.TempDir()
	cfg := FilesConfig{Cert: filepath.Join(dir, "tls.crt"), Key: filepath.Join(dir, "tls.key"), Log: zap.NewNop()}
	put(t, cfg.Cert, cert)
	put(t, cfg.Key, key)
	if _, err := NewFiles(cfg); err == nil || !strings.Contains(err.Error(), "private key does not match public key") || !strings.Contains(err.Error(), cfg.Key) {
		t.Errorf("got %v", err)
	}
}
