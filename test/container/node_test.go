package container

import (
	"context"
	"crypto/tls"
	"fmt"
	"io"
	"net/http"
	"os/exec"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/testcontainers/testcontainers-go"

	"channelsync/test/harness"
)

// node is one container of a cluster: a NATS server, or an instance of channelsync.
type node struct {
	t    *testing.T
	name string // its address on the store's network
	id   string // of the container

	store   string // the network of the store, which it can be cut off from
	network string // the one that the test reaches it on
	ready   string // :port/path that answers 200 when it is ready
	tls     bool   // ready is asked over TLS, whatever the certificate
}

// run starts a container and keeps it until the test's end.
func (n *node) run(req testcontainers.ContainerRequest) {
	n.t.Helper()
	req.NetworkAliases = map[string][]string{n.store: {n.name}}
	c, err := testcontainers.GenericContainer(n.t.Context(), testcontainers.GenericContainerRequest{
		ContainerRequest: req, Started: true,
	})
	if err != nil {
		n.t.Fatalf("start %s: %v", n.name, err)
	}
	n.id = c.GetContainerID()
	testcontainers.CleanupContainer(n.t, c)
	n.t.Cleanup(func() {
		if n.t.Failed() {
			n.t.Logf("the last of %s:\n%s", n.name, n.logs())
		}
	})
}

// create makes a container by docker's own arguments, which end with the image, and keeps it until the test's end. It is not started.
func (n *node) create(args ...string) {
	n.t.Helper()
	n.id = docker(n.t, append([]string{"create"}, args...)...)
	n.t.Cleanup(func() {
		if n.t.Failed() {
			n.t.Logf("the last of %s:\n%s", n.name, n.logs())
		}
		docker(n.t, "rm", "--force", "--volumes", n.id)
	})
}

// addr is where the test reaches a port of it now; the engine may give it another address whenever it starts.
func (n *node) addr(port string) string {
	n.t.Helper()
	return docker(n.t, "inspect", "--format", fmt.Sprintf("{{(index .NetworkSettings.Networks %q).IPAddress}}", n.network), n.id) + port
}

// kill ends it without a chance to tidy up; its disk stays.
func (n *node) kill() { n.t.Helper(); docker(n.t, "kill", "--signal", "KILL", n.id) }

// stop ends it as a roll-out does.
func (n *node) stop() { n.t.Helper(); docker(n.t, "stop", "--time", "30", n.id) }

func (n *node) start() { n.t.Helper(); docker(n.t, "start", n.id) }

// pause stops all of its threads where they stand: it keeps its connections and answers nothing.
func (n *node) pause()  { n.t.Helper(); docker(n.t, "pause", n.id) }
func (n *node) resume() { n.t.Helper(); docker(n.t, "unpause", n.id) }

// cut takes it off the network of the store. An instance still reaches both vendors, and they it.
func (n *node) cut() { n.t.Helper(); docker(n.t, "network", "disconnect", n.store, n.id) }

func (n *node) join() {
	n.t.Helper()
	docker(n.t, "network", "connect", "--alias", n.name, n.store, n.id)
}

// becomesReady waits until it says that it is.
func (n *node) becomesReady(within time.Duration) {
	n.t.Helper()
	client := &http.Client{Timeout: 2 * time.Second, Transport: &http.Transport{
		DisableKeepAlives: true, TLSClientConfig: &tls.Config{InsecureSkipVerify: true},
	}}
	scheme := "http://"
	if n.tls {
		scheme = "https://"
	}
	began, last := time.Now(), error(nil)
	defer func() {
		if took := time.Since(began); took > 5*time.Second {
			n.t.Logf("%s was ready after %.0f s; before that: %v", n.name, took.Seconds(), last)
		}
	}()
	eventually(n.t, n.name+" is ready", within, func() (err error) {
		defer func() {
			if err != nil {
				last = err
			}
		}()
		resp, err := client.Get(scheme + n.addr(n.ready)) //nolint:noctx // the client has a deadline
		if err != nil {
			return err
		}
		defer func() { _ = resp.Body.Close() }()
		if resp.StatusCode != http.StatusOK {
			body, _ := io.ReadAll(resp.Body)
			return fmt.Errorf("%s: %s", resp.Status, body)
		}
		return nil
	})
}

// eventually waits for what a container is to come to.
var eventually = harness.Eventually

// logs is the last that it said, but for what it did as a matter of course.
func (n *node) logs() string {
	out, err := exec.CommandContext(context.WithoutCancel(n.t.Context()), "docker", "logs", "--tail", "20000", n.id).CombinedOutput()
	if err != nil {
		return err.Error()
	}
	lines := slices.DeleteFunc(strings.Split(string(out), "\n"), func(line string) bool {
		return strings.Contains(line, `"msg":"callback"`) || strings.Contains(line, `"msg":"reconciled"`)
	})
	return strings.Join(lines[max(0, len(lines)-60):], "\n")
}
