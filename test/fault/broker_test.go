//go:build linux

package fault

import (
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"os/exec"
	"syscall"
	"testing"
	"time"

	"github.com/nats-io/nats-server/v2/server"

	"channelsync/test/harness"
	"channelsync/test/harness/service"
	atsim "channelsync/test/sim/autotask/sim"
)

// brokerEnv makes the test program be a NATS server of its own instead; it has the store's directory.
const brokerEnv = "CHANNELSYNC_FAULT_BROKER"

// runBroker serves until the process is killed, or until the one that started it is gone.
func runBroker(dir string) {
	_, port, err := net.SplitHostPort(os.Getenv(brokerEnv + "_ADDR"))
	if err != nil {
		panic(err)
	}
	opts := &server.Options{Host: "127.0.0.1", NoSigs: true, NoLog: true, JetStream: true, StoreDir: dir, SyncAlways: true}
	if _, err := fmt.Sscan(port, &opts.Port); err != nil {
		panic(err)
	}
	srv, err := server.NewServer(opts)
	if err != nil {
		panic(err)
	}
	srv.Start()
	_, _ = io.Copy(io.Discard, os.Stdin) // ends with whoever started this
}

// broker is a NATS server as a process of its own.
type broker struct {
	t         *testing.T
	addr, dir string
	cmd       *exec.Cmd
	stdin     io.Closer
}

func newBroker(t *testing.T) *broker {
	t.Helper()
	b := &broker{t: t, addr: service.FreeAddr(t), dir: t.TempDir()}
	b.start()
	t.Cleanup(b.kill)
	return b
}

// start starts the server, after a kill on the same address and store, and returns when it takes connections.
func (b *broker) start() {
	b.t.Helper()
	b.cmd = exec.Command(os.Args[0], "-test.run=^$")
	b.cmd.Env = append(os.Environ(), brokerEnv+"="+b.dir, brokerEnv+"_ADDR="+b.addr)
	stdin, err := b.cmd.StdinPipe()
	harness.OK(b.t, err)
	b.stdin = stdin
	harness.OK(b.t, b.cmd.Start())
	end := time.After(soon)
	tick := time.NewTicker(20 * time.Millisecond)
	defer tick.Stop()
	for {
		conn, err := net.Dial("tcp", b.addr)
		if err == nil {
			_ = conn.Close()
			return
		}
		select {
		case <-tick.C:
		case <-end:
			b.t.Fatalf("the broker does not start: %v", err)
		}
	}
}

// kill ends the server without any chance to tidy up.
func (b *broker) kill() {
	if b.cmd == nil {
		return
	}
	_ = b.cmd.Process.Kill()
	_ = b.cmd.Wait() // it says "killed", which is what was asked for
	_ = b.stdin.Close()
	b.cmd = nil
}

func (b *broker) signal(s syscall.Signal) {
	b.t.Helper()
	harness.OK(b.t, b.cmd.Process.Signal(s))
}

// The vendor's times, scaled: ten minutes without a broker, a check of the webhooks every five.
const (
	outage       = 10 * time.Minute
	webhookCheck = 5 * time.Minute
	leaseTime    = 20 * time.Second // within it another instance, or the next start, takes a killed one's place
	mostWait     = 8 * time.Second  // the promise of 5 s for a refusal, and some for a busy machine; Autotask gives up after 10 s
)

func brokerScale() float64 { return form(0.02, 0.1) }

func scaled(d time.Duration) time.Duration { return time.Duration(float64(d) * brokerScale()) }

// external gives the service a broker of its own, whose address is also where its journal is read.
func external(b **broker) func(*testing.T, *service.Options) {
	return func(t *testing.T, o *service.Options) {
		*b = newBroker(t)
		o.NATSURL = "nats://" + (*b).addr
		o.Autotask = atsim.Config{Scale: brokerScale(), CalloutTimeout: vendorTimeout}
		o.Settings["webhook-check-interval"] = scaled(webhookCheck).String()
	}
}

// brokerFaults strike at an external NATS.
func brokerFaults() []fault {
	var gone, frozen *broker
	return []fault{
		{
			name: "broker gone for 10 minutes", own: true, options: external(&gone), repeats: true,
			strike: func(tr *trial) string { return tr.outage(gone) },
			// Two checks of the webhooks, without anybody's doing. The lease of the instance that was killed runs
			// out first, and its time is not scaled.
			within: func(*trial) time.Duration { return 2*scaled(webhookCheck) + leaseTime },
		},
		{
			name: "broker frozen", own: true, options: external(&frozen), repeats: true,
			strike: func(tr *trial) string {
				frozen.signal(syscall.SIGSTOP)
				tr.hold(during(8*time.Second, 60*time.Second))
				frozen.signal(syscall.SIGCONT)
				tr.over()
				return tr.refusedSoon()
			},
		},
	}
}

// outage kills the broker. The vendor's tries are spent meanwhile, the service is
// killed and starts into the outage, and Autotask switches a webhook off.
func (tr *trial) outage(b *broker) string {
	tr.Autotask.ResetStats()
	b.kill()
	tr.hold(scaled(outage) / 2)
	note := tr.refusedSoon()
	tr.Kill()
	tr.Launch()
	for _, h := range tr.Autotask.Webhooks() {
		if h.Collection == "CompanyWebhooks" {
			if err := tr.Autotask.Edit(h.Collection, h.ID, atsim.Row{"isActive": false}); err != nil {
				tr.Error(err)
			}
		}
	}
	tr.hold(scaled(outage) / 2)
	dropped := tr.Autotask.Stats().Callouts
	if dropped.Dropped == 0 {
		tr.Error("Autotask dropped no event: the outage was too short to prove anything")
	}
	b.start()
	tr.over()
	tr.Answers(soon)
	return fmt.Sprintf("scale %v; %s; the service killed and started meanwhile; %d events dropped, %d thrown away with a webhook "+
		"switched off", brokerScale(), note, dropped.Dropped, dropped.Discarded)
}

// refusedSoon holds the service to its promise about what it cannot store: 503 with Retry-After within 5 s.
func (tr *trial) refusedSoon() string {
	tr.Helper()
	tr.sender.mu.Lock()
	defer tr.sender.mu.Unlock()
	n := tr.sender.answers[http.StatusServiceUnavailable]
	if n == 0 || tr.sender.slowest > mostWait || tr.sender.hasty > 0 {
		tr.Errorf("%d refusals, the slowest after %s, %d without Retry-After; want some, within %s, with it",
			n, tr.sender.slowest, tr.sender.hasty, mostWait)
	}
	return fmt.Sprintf("%d tries answered 503 with Retry-After, the slowest after %.1f s", n, tr.sender.slowest.Seconds())
}
