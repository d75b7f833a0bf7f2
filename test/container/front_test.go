package container

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"slices"
	"strings"
	"sync"
	"time"
)

// What the proxy of deploy/proxy does: an instance that gives no answer in time is passed over for a while, and a
// callback that one instance did not take is handed to the other.
const (
	tryWithin = 3 * time.Second
	passOver  = 5 * time.Second
)

// receipt names a delivery the way the vendor numbers it; each tenant counts for itself.
type receipt struct {
	installation string
	GUID         string `json:"Guid"`
	Sequence     int64  `json:"SequenceNumber"`
}

// delivery is what the sender knows of one callout.
type delivery struct {
	company      int64
	acknowledged bool // an attempt was answered 2xx
}

// front carries the callouts of every tenant to the instances in turn, and keeps the account of them.
type front struct {
	transport *http.Transport
	next      int

	mu         sync.Mutex
	targets    []string
	shy        map[string]time.Time // passed over until then
	deliveries map[receipt]*delivery
	answers    map[int]int    // attempts by what the vendor was answered
	taken      map[string]int // acknowledged, by who took it
	acks       []time.Time
}

func newFront() *front {
	f := &front{transport: &http.Transport{}}
	f.reset()
	return f
}

// reset opens a new account.
func (f *front) reset() {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.deliveries, f.answers, f.acks = map[receipt]*delivery{}, map[int]int{}, nil
	f.taken, f.shy = map[string]int{}, map[string]time.Time{}
}

// to says where the instances are now.
func (f *front) to(targets ...string) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.targets = targets
}

// RoundTrip posts a callout to the instance whose turn it is.
func (f *front) RoundTrip(req *http.Request) (*http.Response, error) {
	raw, err := io.ReadAll(req.Body)
	if err != nil {
		return nil, fmt.Errorf("read callout: %w", err)
	}
	var sent struct {
		receipt
		Action string
		ID     int64 `json:"Id"`
	}
	if err := json.Unmarshal(raw, &sent); err != nil {
		return nil, fmt.Errorf("read callout: %w", err)
	}
	sent.installation = req.URL.Path[strings.LastIndexByte(req.URL.Path, '/')+1:]
	counts := sent.Action != "Deactivated"
	if counts {
		f.tried(sent.receipt, sent.ID)
	}
	resp, by, err := f.post(req, raw)
	if counts {
		f.answered(sent.receipt, resp, by)
	}
	return resp, err
}

// post offers the callout to one instance after the other.
func (f *front) post(req *http.Request, raw []byte) (resp *http.Response, by string, err error) {
	for _, target := range f.inTurn() {
		if resp != nil {
			_ = resp.Body.Close()
		}
		resp, err = f.try(req, target, raw)
		if err == nil && resp.StatusCode != http.StatusServiceUnavailable {
			return resp, target, nil
		}
		if err != nil {
			f.mu.Lock()
			f.shy[target] = time.Now().Add(passOver)
			f.mu.Unlock()
		}
	}
	return resp, "", err
}

// try returns the answer with its body read, so that no deadline is left hanging on it.
func (f *front) try(req *http.Request, target string, raw []byte) (*http.Response, error) {
	ctx, cancel := context.WithTimeoutCause(req.Context(), tryWithin, fmt.Errorf("post callback: no answer within %s", tryWithin))
	defer cancel()
	out := req.Clone(ctx)
	out.URL.Scheme, out.URL.Host, out.Body = "http", target, io.NopCloser(bytes.NewReader(raw))
	resp, err := f.transport.RoundTrip(out)
	if err != nil {
		return nil, err
	}
	defer func() { _ = resp.Body.Close() }()
	body, err := io.ReadAll(resp.Body)
	if err != nil {
		return nil, err
	}
	resp.Body = io.NopCloser(bytes.NewReader(body))
	return resp, nil
}

// inTurn is the instances in the order to try them: those that are passed over come last.
func (f *front) inTurn() []string {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.next++
	var good, shy []string
	for i := range f.targets {
		target := f.targets[(f.next+i)%len(f.targets)]
		if time.Now().Before(f.shy[target]) {
			shy = append(shy, target)
		} else {
			good = append(good, target)
		}
	}
	return append(good, shy...)
}

func (f *front) tried(id receipt, company int64) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.deliveries[id] == nil {
		f.deliveries[id] = &delivery{company: company}
	}
}

func (f *front) answered(id receipt, resp *http.Response, by string) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if resp == nil {
		f.answers[0]++
		return
	}
	f.answers[resp.StatusCode]++
	if d := f.deliveries[id]; resp.StatusCode/100 == 2 && d != nil {
		d.acknowledged = true
		f.taken[by]++
		f.acks = append(f.acks, time.Now())
	}
}

// acknowledged counts the answers 2xx.
func (f *front) acknowledged() int {
	f.mu.Lock()
	defer f.mu.Unlock()
	return len(f.acks)
}

// gap is the longest time from then on in which no callback was acknowledged.
func (f *front) gap(from, to time.Time) time.Duration {
	f.mu.Lock()
	defer f.mu.Unlock()
	var longest time.Duration
	last := from
	for _, at := range append(slices.Clone(f.acks), to) {
		if at.Before(from) || at.After(to) {
			continue
		}
		longest, last = max(longest, at.Sub(last)), at
	}
	return longest
}

// CloseIdleConnections lets a simulator close what is kept open.
func (f *front) CloseIdleConnections() { f.transport.CloseIdleConnections() }
