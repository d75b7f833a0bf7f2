//go:build linux

package fault

import (
	"bufio"
	"bytes"
	"compress/gzip"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"strings"
	"sync"
	"testing"
	"time"

	v1 "channelsync/api/v1"
	"channelsync/test/harness"
	"channelsync/test/harness/service"
	"channelsync/test/sim/autotask/callout"
	atsim "channelsync/test/sim/autotask/sim"
)

// target is a service with one installation, and what its Autotask signs with.
type target struct {
	*service.Harness
	in   v1.Installation
	hook atsim.Webhook
	id   int64
}

func newTarget(t *testing.T, settings map[string]string) *target {
	t.Helper()
	w := service.New(t, service.Options{Settings: settings})
	tg := &target{Harness: w, id: w.Autotask.Put("Companies", atsim.Row{"companyName": "Northwind", "companyType": 1, "isActive": true})}
	tg.in = w.Install(v1.SyncActiveCustomers)
	w.Until(tg.in.ID, "called by its webhooks", soon, called)
	for _, h := range w.Autotask.Webhooks() {
		if h.Collection == "CompanyWebhooks" {
			tg.hook = h
		}
	}
	return tg
}

// body is a callback that nobody sent before.
func (tg *target) body(sequence int) []byte {
	return callout.Envelope{
		Action: "Update", GUID: tg.hook.GUID, EntityType: "Account", ID: tg.id, EventTime: time.Now(), Sequence: int64(1_000_000 + sequence),
	}.Encode()
}

// raw is a callback as bytes on the wire.
func (tg *target) raw(body, signed []byte, headers ...string) []byte {
	var b bytes.Buffer
	fmt.Fprintf(&b, "POST /callbacks/autotask/%s HTTP/1.1\r\nHost: channelsync.example\r\n", tg.in.ID)
	fmt.Fprintf(&b, "%s: %s\r\n", callout.SignatureHeader, callout.Sign(tg.hook.Secret, signed))
	for _, h := range headers {
		b.WriteString(h + "\r\n")
	}
	fmt.Fprintf(&b, "Content-Length: %d\r\n\r\n", len(body))
	b.Write(body)
	return b.Bytes()
}

func (tg *target) callbacks() string { return strings.TrimPrefix(tg.CallbackURL, "http://") }

func (tg *target) admin() string { return strings.TrimPrefix(tg.AdminURL, "http://") }

// dial opens a connection that the test's cleanup closes.
func dial(t *testing.T, addr string) net.Conn {
	t.Helper()
	conn, err := net.Dial("tcp", addr)
	harness.OK(t, err)
	t.Cleanup(func() { _ = conn.Close() })
	return conn
}

// exchange sends bytes and returns the status of the answer; 0 when there is none.
func exchange(t *testing.T, addr string, raw []byte) int {
	t.Helper()
	conn := dial(t, addr)
	_ = conn.SetDeadline(time.Now().Add(20 * time.Second))
	_, _ = conn.Write(raw) // a refusal may come before everything is written
	resp, err := http.ReadResponse(bufio.NewReader(conn), nil)
	if err != nil {
		return 0
	}
	_ = resp.Body.Close()
	return resp.StatusCode
}

// TestSlowConnectionsAreCut: whoever sends a request a byte at a time is cut off
// after 5 s (headers) and 15 s (body), on both listeners, and others are answered meanwhile.
func TestSlowConnectionsAreCut(t *testing.T) {
	t.Parallel()
	tg := newTarget(t, nil)
	var all sync.WaitGroup
	for name, addr := range map[string]string{"callbacks": tg.callbacks(), "admin": tg.admin()} {
		for part, tc := range map[string]struct {
			start string
			most  time.Duration
		}{
			"header": {"POST / HTTP/1.1\r\nX-Slow: ", 5 * time.Second},
			"body": {
				fmt.Sprintf("POST /callbacks/autotask/%s HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer %s\r\nContent-Length: 1000\r\n\r\n",
					tg.in.ID, service.AdminToken), 15 * time.Second,
			},
		} {
			for range 25 {
				conn := dial(t, addr)
				all.Go(func() {
					if took := dribble(conn, tc.start, tc.most+10*time.Second); took > tc.most+3*time.Second {
						t.Errorf("%s, slow %s: cut after %s, want %s", name, part, took, tc.most)
					}
				})
			}
		}
	}
	answered := make(chan struct{})
	go func() {
		defer close(answered)
		tick := time.NewTicker(200 * time.Millisecond)
		defer tick.Stop()
		for n := range 50 {
			body := tg.body(n)
			began := time.Now()
			if got := exchange(t, tg.callbacks(), tg.raw(body, body)); got != http.StatusAccepted || time.Since(began) > 5*time.Second {
				t.Errorf("a callback between them: %d after %s", got, time.Since(began))
			}
			<-tick.C
		}
	}()
	all.Wait()
	<-answered
}

// dribble sends a byte every 100 ms and returns how long the other side put up with it.
func dribble(conn net.Conn, start string, most time.Duration) time.Duration {
	began := time.Now()
	_, _ = conn.Write([]byte(start))
	cut := make(chan struct{})
	go func() {
		defer close(cut)
		_ = conn.SetReadDeadline(began.Add(most))
		_, _ = io.Copy(io.Discard, conn) // an answer, and then the end
	}()
	tick := time.NewTicker(100 * time.Millisecond)
	defer tick.Stop()
	for {
		select {
		case <-cut:
			return time.Since(began)
		case <-tick.C:
			_, _ = conn.Write([]byte("x")) // the reader sees the end
		}
	}
}

// TestBodiesAreBytes: no encoding is undone. What was signed is what came, so a
// compressed body cannot grow here, and one over the limit is refused by its size.
func TestBodiesAreBytes(t *testing.T) {
	t.Parallel()
	tg := newTarget(t, nil)
	plain := tg.body(1)
	var packed bytes.Buffer
	z := gzip.NewWriter(&packed)
	if _, err := z.Write(plain); err != nil || z.Close() != nil {
		t.Fatal(err)
	}
	var bomb bytes.Buffer // 64 MiB of zeros in 64 KiB
	z = gzip.NewWriter(&bomb)
	for range 64 {
		if _, err := z.Write(make([]byte, 1<<20)); err != nil {
			t.Fatal(err)
		}
	}
	harness.OK(t, z.Close())
	large := bytes.Repeat([]byte("x"), 300<<10)
	for name, tc := range map[string]struct {
		body, signed []byte
		headers      []string
		want         int
	}{
		"compressed, signed before": {packed.Bytes(), plain, []string{"Content-Encoding: gzip"}, 401},
		"compressed, signed after":  {packed.Bytes(), packed.Bytes(), []string{"Content-Encoding: gzip"}, 400},
		"a bomb, signed":            {bomb.Bytes(), bomb.Bytes(), []string{"Content-Encoding: gzip"}, 400},
		"too large":                 {large, large, nil, 413},
		"said to be compressed":     {plain, plain, []string{"Content-Encoding: gzip"}, 202},
		"two lengths":               {plain, plain, []string{"Content-Length: 3"}, 400},
		"a length and chunks":       {append(bytes.Clone(plain), "\r\n"...), plain, []string{"Transfer-Encoding: chunked"}, 400},
	} {
		if got := exchange(t, tg.callbacks(), tg.raw(tc.body, tc.signed, tc.headers...)); got != tc.want {
			t.Errorf("%s: got %d, want %d", name, got, tc.want)
		}
	}
	admin := func(body []byte) int {
		head := fmt.Sprintf("POST /api/v1/installations HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer %s\r\nContent-Type: application/json\r\n"+
			"Content-Encoding: gzip\r\nContent-Length: %d\r\n\r\n", service.AdminToken, len(body))
		return exchange(t, tg.admin(), append([]byte(head), body...))
	}
	if got := admin(packed.Bytes()); got != http.StatusUnprocessableEntity {
		t.Errorf("compressed, to the admin API: %d", got)
	}
	if got := admin(bytes.Repeat([]byte(" "), 2<<20)); got != http.StatusRequestEntityTooLarge {
		t.Errorf("too large, to the admin API: %d", got)
	}
}

// TestHeaderFloods: more than 16 KiB of headers are refused, however they are cut up, on both listeners.
func TestHeaderFloods(t *testing.T) {
	t.Parallel()
	tg := newTarget(t, nil)
	many, endless := strings.Builder{}, strings.Repeat("x", 10<<20)
	for n := range 3000 {
		fmt.Fprintf(&many, "X-%d: y\r\n", n)
	}
	for name, addr := range map[string]string{"callbacks": tg.callbacks(), "admin": tg.admin()} {
		for flood, headers := range map[string]string{
			"one large": "X: " + strings.Repeat("x", 32<<10) + "\r\n", "many small": many.String(), "a line without end": "X: " + endless,
			"a cookie": "Cookie: " + strings.Repeat("a=b; ", 8<<10) + "\r\n",
		} {
			raw := "GET /livez HTTP/1.1\r\nHost: x\r\n" + headers + "\r\n"
			if got := exchange(t, addr, []byte(raw)); got != http.StatusRequestHeaderFieldsTooLarge {
				t.Errorf("%s, %s: got %d, want 431", name, flood, got)
			}
		}
	}
}

// TestPipelinedRequestsAreEachJudged: requests that share a connection are
// answered in their order, and none borrows the signature of the one before it.
func TestPipelinedRequestsAreEachJudged(t *testing.T) {
	t.Parallel()
	tg := newTarget(t, nil)
	const rounds = 20
	conn := dial(t, tg.callbacks())
	_ = conn.SetDeadline(time.Now().Add(soon))
	var all bytes.Buffer
	for n := range rounds {
		good, forged := tg.body(2*n), tg.body(2*n+1)
		all.Write(tg.raw(good, good))
		all.Write(tg.raw(forged, good))
	}
	go func() { _, _ = conn.Write(all.Bytes()) }() // the answers tell
	answers := bufio.NewReader(conn)
	for n := range 2 * rounds {
		resp, err := http.ReadResponse(answers, nil)
		if err != nil {
			t.Fatalf("answer %d: %v", n, err)
		}
		_, _ = io.Copy(io.Discard, resp.Body)
		_ = resp.Body.Close()
		if want := [2]int{202, 401}[n%2]; resp.StatusCode != want {
			t.Errorf("answer %d: got %d, want %d", n, resp.StatusCode, want)
		}
	}
}

// TestGuessingTheTokenBehindAProxy: through a proxy on this machine a guesser is
// known by the address that the proxy saw, whatever he claims before it, and
// guesses at the API and at the console's log-in are counted together.
func TestGuessingTheTokenBehindAProxy(t *testing.T) {
	t.Parallel()
	tg := newTarget(t, nil)
	guesser := &guesser{t: t, tg: tg, client: &http.Client{
		Transport:     &http.Transport{DisableKeepAlives: true},
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}}
	counts := map[int]int{}
	for n := range 40 {
		claimed := fmt.Sprintf("10.0.%d.%d", n/250, n%250)
		switch n % 4 {
		case 0:
			counts[guesser.api("guess", claimed+", 203.0.113.9")]++
		case 1: // as several headers
			counts[guesser.api("guess", claimed, "127.0.0.1", "203.0.113.9")]++
		case 2: // with a port, and in the other notation
			counts[guesser.api("guess", claimed+", [::ffff:203.0.113.9]:443")]++
		case 3:
			counts[guesser.login("guess", claimed+", 203.0.113.9")]++
		}
	}
	if counts[http.StatusTooManyRequests] < 25 || counts[http.StatusUnauthorized] > 15 {
		t.Errorf("40 guesses of one address by answer: %v, want most of them 429", counts)
	}
	if got := guesser.api(service.AdminToken, "203.0.113.9"); got != http.StatusOK {
		t.Errorf("the right token from that address: %d; wrong ones must not lock it out", got)
	}
	if got := guesser.login(service.AdminToken, "203.0.113.9"); got != http.StatusSeeOther {
		t.Errorf("the right token from that address, at the log-in: %d", got)
	}
	if got := guesser.api(service.AdminToken, "198.51.100.1"); got != http.StatusOK {
		t.Errorf("the right token from elsewhere: %d", got)
	}
	if got := guesser.login(service.AdminToken, "198.51.100.1"); got != http.StatusSeeOther {
		t.Errorf("the right token from elsewhere, at the log-in: %d", got)
	}
	if got := guesser.api(service.AdminToken); got != http.StatusOK {
		t.Errorf("the operator on the machine itself: %d", got)
	}
}

// guesser tries tokens, and says where he claims to come from.
type guesser struct {
	t      *testing.T
	tg     *target
	client *http.Client
}

func (g *guesser) api(token string, forwarded ...string) int {
	return g.ask(http.MethodGet, "/api/v1/status", token, "", forwarded)
}

func (g *guesser) login(token string, forwarded ...string) int {
	return g.ask(http.MethodPost, "/login", "", url.Values{"token": {token}}.Encode(), forwarded)
}

func (g *guesser) ask(method, path, token, form string, forwarded []string) int {
	g.t.Helper()
	req, err := http.NewRequestWithContext(g.t.Context(), method, g.tg.AdminURL+path, strings.NewReader(form))
	harness.OK(g.t, err)
	if token != "" {
		req.Header.Set("Authorization", "Bearer "+token)
	} else {
		req.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	}
	req.Header["X-Forwarded-For"] = forwarded
	resp, err := g.client.Do(req)
	harness.OK(g.t, err)
	_ = resp.Body.Close()
	return resp.StatusCode
}
