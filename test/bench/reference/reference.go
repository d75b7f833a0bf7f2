// Package reference is what the callback path of channelsync is compared with: two
// plain net/http handlers that read the body and check its signature. Bare answers at
// once; Synced first writes the body to a file and flushes it, one request at a time,
// which is the physical price of durability on that disk without any group commit.
//
// They share no code with the product. The benchmarks run each as a process of its own.
package reference

import (
	"context"
	"crypto/hmac"
	"crypto/sha1"
	"encoding/base64"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"time"
)

// Secret signs what the references are sent.
const Secret = "reference-secret-0123456789"

// Kind is one of the references.
type Kind string

// The references.
const (
	Bare     Kind = "bare"     // answers at once
	Synced   Kind = "synced"   // one write and one fdatasync, one request at a time
	Parallel Kind = "parallel" // the same for requests in parallel: the kernel joins flushes that meet
)

// Serve runs a reference until ctx ends; its file is in dir. ready is called with the address.
func Serve(ctx context.Context, kind Kind, dir string, ready func(addr string)) error {
	keep, done, err := keeper(kind, dir)
	if err != nil {
		return err
	}
	defer done()
	l, err := new(net.ListenConfig).Listen(ctx, "tcp", "127.0.0.1:0")
	if err != nil {
		return fmt.Errorf("listen: %w", err)
	}
	server := &http.Server{Handler: handler(keep), ReadHeaderTimeout: 5 * time.Second}
	ended := make(chan error, 1)
	go func() { ended <- server.Serve(l) }()
	ready(l.Addr().String())
	select {
	case err := <-ended:
		return fmt.Errorf("serve: %w", err)
	case <-ctx.Done():
		return server.Close()
	}
}

func handler(keep func([]byte) error) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, err := io.ReadAll(r.Body)
		if err != nil {
			http.Error(w, "body", http.StatusBadRequest)
			return
		}
		sum, err := base64.StdEncoding.DecodeString(strings.TrimPrefix(r.Header.Get("X-Hook-Signature"), "sha1="))
		mac := hmac.New(sha1.New, []byte(Secret))
		_, _ = mac.Write(body) // a hash takes everything
		if err != nil || !hmac.Equal(sum, mac.Sum(nil)) {
			http.Error(w, "signature", http.StatusUnauthorized)
			return
		}
		if err := keep(body); err != nil {
			http.Error(w, "store", http.StatusServiceUnavailable)
			return
		}
		w.WriteHeader(http.StatusAccepted)
	})
}

// keeper returns what stores a body, and what ends it.
func keeper(kind Kind, dir string) (keep func([]byte) error, done func(), err error) {
	if kind == Bare {
		return func([]byte) error { return nil }, func() {}, nil
	}
	f, err := os.OpenFile(filepath.Join(dir, string(kind)), os.O_CREATE|os.O_APPEND|os.O_WRONLY|os.O_TRUNC, 0o600)
	if err != nil {
		return nil, nil, fmt.Errorf("open the file to flush: %w", err)
	}
	store := func(body []byte) error {
		if _, err := f.Write(body); err != nil {
			return err
		}
		return flush(f)
	}
	if kind == Parallel {
		return store, func() { _ = f.Close() }, nil
	}
	var one sync.Mutex
	return func(body []byte) error {
		one.Lock()
		defer one.Unlock()
		return store(body)
	}, func() { _ = f.Close() }, nil
}
