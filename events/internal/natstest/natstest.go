// Package natstest is what the tests of events and of the packages below it share: links
// to servers, inside the test's process or not. Only tests import it.
package natstest

import (
	"context"
	"path/filepath"
	"sync"
	"testing"
	"time"

	"github.com/nats-io/nats-server/v2/server"
	"go.uber.org/zap"

	js "channelsync/events/internal/jetstream"
)

// Ids of two installations.
const (
	Installation = "01hzx3q8r9k2m4n6p8s0t2v4w6"
	Other        = "01hzx3q8r9k2m4n6p8s0t2v4w7"
)

// Open connects to a server of its own inside the process, which keeps its streams in a
// directory and flushes every write. Both end with the test, or with the returned function.
func Open(t testing.TB, dir string) (link *js.Link, shut func()) {
	t.Helper()
	srv, err := server.NewServer(&server.Options{DontListen: true, NoSigs: true, NoLog: true, JetStream: true, StoreDir: dir, SyncAlways: true})
	if err != nil {
		t.Fatal(err)
	}
	srv.Start()
	if !srv.ReadyForConnections(10 * time.Second) {
		t.Fatal("server not ready")
	}
	return connect(t, js.Options{Server: srv, Disk: filepath.Join(dir, "jetstream", "$G", "streams")}, func() {
		srv.Shutdown()
		srv.WaitForShutdown()
	})
}

// Reach connects to servers that listen.
func Reach(t testing.TB, urls string, replicas int) (link *js.Link, shut func()) {
	t.Helper()
	return connect(t, js.Options{URL: urls, Replicas: replicas}, func() {})
}

func connect(t testing.TB, o js.Options, then func()) (link *js.Link, shut func()) {
	t.Helper()
	o.Log, o.Now, o.Observe = zap.NewNop(), time.Now, func(string, time.Duration) {}
	o.Replicas = max(o.Replicas, 1)
	link, err := js.Connect(t.Context(), o)
	if err != nil {
		then()
		t.Fatal(err)
	}
	var once sync.Once
	shut = func() {
		once.Do(func() {
			ctx, cancel := context.WithTimeout(context.Background(), 20*time.Second)
			defer cancel()
			if err := link.StopWork(ctx); err != nil {
				t.Errorf("stop what works on the link: %v", err)
			}
			if err := link.Disconnect(ctx); err != nil {
				t.Errorf("disconnect: %v", err)
			}
			then()
		})
	}
	t.Cleanup(shut)
	return link, shut
}
