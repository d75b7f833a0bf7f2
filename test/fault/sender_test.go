//go:build linux

package fault

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"strconv"
	"sync"
	"time"
)

// receipt names a delivery the way the vendor numbers it.
type receipt struct {
	GUID     string `json:"Guid"`
	Sequence int64  `json:"SequenceNumber"`
}

// delivery is what the sender knows of one callout.
type delivery struct {
	entity       string // the vendor's word
	record       int64
	attempts     int
	acknowledged bool // an attempt was answered 2xx
}

// sender carries Autotask's callouts and keeps the account of them.
type sender struct {
	mu         sync.Mutex
	next       *http.Transport
	deliveries map[receipt]*delivery
	answers    map[int]int   // attempts by status; 0 = none
	slowest    time.Duration // of the answers 503
	hasty      int           // answers 503 without Retry-After
}

func newSender() *sender {
	return &sender{next: &http.Transport{}, deliveries: map[receipt]*delivery{}, answers: map[int]int{}}
}

// RoundTrip posts a callout. Its number says which delivery it is a try of.
func (s *sender) RoundTrip(req *http.Request) (*http.Response, error) {
	raw, err := io.ReadAll(req.Body)
	if err != nil {
		return nil, fmt.Errorf("read callout: %w", err)
	}
	var sent struct {
		receipt
		Action, EntityType string
		ID                 int64 `json:"Id"`
	}
	if err := json.Unmarshal(raw, &sent); err != nil {
		return nil, fmt.Errorf("read callout: %w", err)
	}
	req.Body = io.NopCloser(bytes.NewReader(raw))
	counts := sent.Action != "Deactivated"
	if counts {
		s.tried(sent.receipt, sent.EntityType, sent.ID)
	}
	s.mu.Lock()
	next := s.next
	s.mu.Unlock()
	began := time.Now()
	resp, err := next.RoundTrip(req)
	if counts {
		s.answered(sent.receipt, resp, time.Since(began))
	}
	return resp, err
}

// by makes callouts travel another way from now on.
func (s *sender) by(next *http.Transport) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.next.CloseIdleConnections()
	s.next = next
}

// CloseIdleConnections lets the simulator close what is kept open.
func (s *sender) CloseIdleConnections() { s.by(&http.Transport{}) }

func (s *sender) tried(id receipt, entity string, record int64) {
	s.mu.Lock()
	defer s.mu.Unlock()
	d := s.deliveries[id]
	if d == nil {
		d = &delivery{entity: entity, record: record}
		s.deliveries[id] = d
	}
	d.attempts++
}

func (s *sender) answered(id receipt, resp *http.Response, took time.Duration) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if resp == nil {
		s.answers[0]++
		return
	}
	s.answers[resp.StatusCode]++
	switch {
	case resp.StatusCode/100 == 2:
		s.deliveries[id].acknowledged = true
	case resp.StatusCode == http.StatusServiceUnavailable:
		s.slowest = max(s.slowest, took)
		if n, err := strconv.Atoi(resp.Header.Get("Retry-After")); err != nil || n < 1 {
			s.hasty++
		}
	}
}

// acknowledged counts the deliveries that were answered 2xx.
func (s *sender) acknowledged() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	n := 0
	for _, d := range s.deliveries {
		if d.acknowledged {
			n++
		}
	}
	return n
}

// account is a copy of every delivery.
func (s *sender) account() map[receipt]delivery {
	s.mu.Lock()
	defer s.mu.Unlock()
	all := make(map[receipt]delivery, len(s.deliveries))
	for id, d := range s.deliveries {
		all[id] = *d
	}
	return all
}

// refusals is how often a try was answered with a status.
func (s *sender) refusals(status int) int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.answers[status]
}
