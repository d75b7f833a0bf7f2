package certificate

import (
	"bytes"
	"context"
	"crypto/sha256"
	"crypto/tls"
	"fmt"
	"os"
	"sync"
	"time"

	"go.uber.org/zap"

	v1 "channelsync/api/v1"
	"channelsync/internal/lifecycle"
)

// readEvery is how often the files are read. They are small, and what they are mounted
// from tells of no change that could be relied on.
const readEvery = 10 * time.Second

// FilesConfig says which files. Every and Now may be left zero.
type FilesConfig struct {
	Cert, Key string // PEM; the certificate with its chain
	Every     time.Duration
	Log       *zap.Logger
	Now       func() time.Time
}

// Files is a certificate and its key in two files. While they do not fit together, or
// cannot be read, the last pair that did is served: they are replaced one after the other.
type Files struct {
	FilesConfig

	mu      sync.Mutex
	serving *tls.Certificate
	read    [sha256.Size]byte // of both files, as they were last tried
	problem error             // why what is in the files is not what is served
}

// NewFiles reads the pair for the first time, and refuses one that does not fit.
func NewFiles(cfg FilesConfig) (*Files, error) {
	if cfg.Every == 0 {
		cfg.Every = readEvery
	}
	if cfg.Now == nil {
		cfg.Now = time.Now
	}
	f := &Files{FilesConfig: cfg}
	f.reload()
	if f.serving == nil {
		return nil, f.problem
	}
	return f, nil
}

// Config serves the pair that is in force at the moment of each handshake.
func (f *Files) Config() *tls.Config {
	return config(func(*tls.ClientHelloInfo) (*tls.Certificate, error) {
		f.mu.Lock()
		defer f.mu.Unlock()
		return f.serving, nil
	})
}

// Run reads the files again until ctx ends.
func (f *Files) Run(ctx context.Context) {
	lifecycle.Every(ctx, f.Every, f.reload)
}

func (f *Files) reload() {
	pair, read, err := f.load()
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.serving != nil && f.read == read && (err == nil) == (f.problem == nil) {
		return
	}
	f.read = read
	f.problem = err
	switch {
	case err != nil && f.serving != nil:
		f.Log.Warn("reload certificate failed, the last good one is served", zap.String("cert", f.Cert), zap.String("key", f.Key), zap.NamedError(v1.LogCause, err))
	case err == nil && f.serving != nil:
		f.Log.Info("certificate replaced", zap.String("cert", f.Cert), zap.Time("valid_until", pair.Leaf.NotAfter))
	}
	if err == nil {
		f.serving = &pair
	}
}

// load reads both files; read tells whether they are those of last time.
func (f *Files) load() (pair tls.Certificate, read [sha256.Size]byte, err error) {
	cert, err := os.ReadFile(f.Cert)
	if err != nil {
		return pair, read, fmt.Errorf("read certificate: %w", err)
	}
	key, err := os.ReadFile(f.Key)
	if err != nil {
		return pair, read, fmt.Errorf("read key: %w", err)
	}
	read = sha256.Sum256(bytes.Join([][]byte{cert, key}, []byte{0}))
	pair, err = tls.X509KeyPair(cert, key)
	if err != nil {
		return pair, read, fmt.Errorf("load certificate %s with key %s: %w", f.Cert, f.Key, err)
	}
	return pair, read, nil
}

// Check says what is served, for /readyz. It never fails: clients who take the
// certificate all the same must be able to reach the service.
func (f *Files) Check(context.Context) (string, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	until := f.serving.Leaf.NotAfter
	switch {
	case f.problem != nil:
		return fmt.Sprintf("warning: the files are not served but the pair they held before, valid until %s: %v", rfc3339(until), f.problem), nil
	case f.Now().After(until):
		return fmt.Sprintf("warning: the certificate was valid until %s; replace %s and %s", rfc3339(until), f.Cert, f.Key), nil
	}
	return "valid until " + rfc3339(until), nil
}

func rfc3339(t time.Time) string { return t.UTC().Format(time.RFC3339) }
