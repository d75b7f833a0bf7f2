//go:build linux

package fault

import (
	"context"
	"fmt"
	"net"
	"net/http"
	"strings"
	"testing"
	"time"

	"channelsync/test/harness/relay"
	"channelsync/test/harness/service"
)

// upstreamFaults strike at the connections on all three sides.
func upstreamFaults() []fault {
	var target, autotask *relay.Relay
	return []fault{
		{
			name: "slow callback connections",
			strike: func(tr *trial) string {
				tr.sender.by(dribbling(40*time.Millisecond, 64))
				tr.hold(during(4*time.Second, 30*time.Second))
				tr.sender.by(&http.Transport{})
				tr.over()
				return "64 bytes every 40 ms"
			},
		},
		{name: "half-open callback connections", strike: halfOpen},
		{
			name: "half-open connections to Channel Program", repeats: true,
			options: func(t *testing.T, o *service.Options) {
				target = relay.New(t)
				o.Settings["channel-program-url"] = "http://" + target.Addr()
			},
			begin:  func(tr *trial) { target.To(strings.TrimPrefix(tr.TargetURL, "http://")) },
			strike: func(tr *trial) string { return tr.letDie(target) },
		},
		{
			name: "half-open connections to Autotask",
			options: func(t *testing.T, o *service.Options) {
				autotask = relay.New(t)
				o.Hosts = []string{autotask.Addr()}
				o.Settings["autotask-discovery-url"] = "http://" + autotask.Addr() + "/atservicesrest"
			},
			begin:  func(tr *trial) { autotask.To(strings.TrimPrefix(tr.AutotaskURL, "http://")) },
			strike: func(tr *trial) string { return tr.letDie(autotask) },
		},
	}
}

// letDie lets the open connections die silently, again and again; new ones work.
func (tr *trial) letDie(r *relay.Relay) string {
	n := 0
	for range form(4, 20) {
		tr.hold(time.Second)
		n += r.Kill()
	}
	tr.over()
	if n == 0 {
		tr.Error("no connection was open: nothing was shown")
	}
	return fmt.Sprintf("connections that died without a word: %d", n)
}

// halfOpen keeps many connections to the callback listener that have said half of a request and never say more.
func halfOpen(tr *trial) string {
	const connections = 300
	addr := strings.TrimPrefix(tr.CallbackURL, "http://")
	var open []net.Conn
	for range connections {
		conn, err := net.Dial("tcp", addr)
		if err != nil {
			tr.Fatal(err)
		}
		open = append(open, conn)
		tr.Cleanup(func() { _ = conn.Close() })
		if _, err := fmt.Fprintf(conn, "POST /callbacks/autotask/%s HTTP/1.1\r\nHost: x\r\nContent-Length: 400\r\n\r\n{\"Action\":", tr.in.ID); err != nil {
			tr.Fatal(err)
		}
	}
	before := tr.sender.acknowledged()
	tr.hold(during(3*time.Second, 20*time.Second))
	for _, conn := range open {
		_ = conn.Close() // in the long form the service has cut them by now
	}
	tr.over()
	n := tr.sender.acknowledged() - before
	if n == 0 {
		tr.Error("no callback was answered meanwhile")
	}
	return fmt.Sprintf("%d connections with half a request; %d callbacks acknowledged meanwhile", connections, n)
}

// dribbling is a transport over a slow line: it sends so many bytes at a time.
func dribbling(pause time.Duration, bytes int) *http.Transport {
	return &http.Transport{
		DisableKeepAlives: true,
		DialContext: func(ctx context.Context, network, addr string) (net.Conn, error) {
			conn, err := (&net.Dialer{}).DialContext(ctx, network, addr)
			return slowConn{conn, pause, bytes}, err
		},
	}
}

type slowConn struct {
	net.Conn
	pause time.Duration
	bytes int
}

// Write sends a little at a time.
func (c slowConn) Write(p []byte) (int, error) {
	sent := 0
	for sent < len(p) {
		n, err := c.Conn.Write(p[sent:min(len(p), sent+c.bytes)])
		sent += n
		if err != nil {
			return sent, err
		}
		<-time.After(c.pause)
	}
	return sent, nil
}
