package callout

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"net/http"
	"time"
)

// recentKept is how many attempts Recent remembers.
const recentKept = 500

// work empties one queue of a registration, then ends.
func (s *Sender) work(l *line, action string) {
	for {
		s.mu.Lock()
		queue := l.queues[action]
		if len(queue) == 0 || s.ctx.Err() != nil {
			l.busy[action] = false
			s.mu.Unlock()
			return
		}
		e := queue[0]
		l.queues[action] = queue[1:]
		s.mu.Unlock()

		s.deliver(l, e)

		s.mu.Lock()
		s.finish(1)
		s.mu.Unlock()
	}
}

// deliver tries an event until it is taken, given up or pointless.
func (s *Sender) deliver(l *line, e Event) {
	if !s.awaitThreshold(l, e.Hook.Collection) {
		return
	}
	message := ""
	for attempt := 1; ; attempt++ {
		var ok bool
		if message, ok = s.post(e, attempt); ok {
			s.succeeded(l)
			for range e.Copies {
				s.post(e, 1)
			}
			return
		}
		if attempt == Attempts {
			break
		}
		if !s.sleep(l, s.scaled(RetryGap)) {
			return
		}
	}
	if !e.Untracked {
		s.drop(l, e, message)
	}
}

func (s *Sender) succeeded(l *line) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.stats.Delivered++
	l.failed = 0
}

// drop gives an event up, and the registration when it is the last straw.
func (s *Sender) drop(l *line, e Event, message string) {
	s.mu.Lock()
	s.stats.Dropped++
	l.failed++
	giveUp := l.failed == GiveUpAfter
	s.mu.Unlock()
	s.cfg.Dropped(e, message)
	if giveUp {
		s.cfg.GiveUp(e.Hook)
	}
}

// post is one attempt; it returns what went wrong as the error log would say it.
func (s *Sender) post(e Event, attempt int) (string, bool) {
	d := Delivery{
		At: time.Now(), Hook: e.Hook, Action: e.Action, RecordID: e.RecordID,
		Sequence: e.Sequence, Attempt: attempt, Body: string(e.Body),
	}
	answer, err := s.send(e, &d)
	ok := err == nil && d.Status >= 200 && d.Status <= 299
	switch {
	case err != nil:
		d.Error = err.Error()
	case !ok:
		d.Error = fmt.Sprintf("%d %s: %s", d.Status, http.StatusText(d.Status), answer)
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if !ok {
		s.stats.FailedAttempts++
	}
	s.recent = append(s.recent, d)
	if len(s.recent) > recentKept {
		s.recent = append([]Delivery(nil), s.recent[len(s.recent)-recentKept:]...)
	}
	return d.Error, ok
}

func (s *Sender) send(e Event, d *Delivery) (string, error) {
	ctx, cancel := context.WithTimeoutCause(s.ctx, s.cfg.Timeout, fmt.Errorf("no answer within %s", s.cfg.Timeout))
	defer cancel()
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, e.URL, bytes.NewReader(e.Body))
	if err != nil {
		return "", fmt.Errorf("make callout: %w", err)
	}
	req.Header.Set("Content-Type", "application/json; charset=utf-8")
	if e.Secret != "" {
		req.Header.Set(SignatureHeader, Sign(e.Secret, e.Body))
	}
	resp, err := s.cfg.Do(req)
	if err != nil {
		if ctx.Err() != nil {
			err = context.Cause(ctx)
		}
		return "", fmt.Errorf("send callout: %w", err)
	}
	defer resp.Body.Close()
	d.Status = resp.StatusCode
	answer, err := io.ReadAll(io.LimitReader(resp.Body, 4000))
	if err != nil {
		return "", fmt.Errorf("read answer: %w", err)
	}
	return string(answer), nil
}

// awaitThreshold delays a callout until its entity is below the hourly threshold; false = do not send it any more.
func (s *Sender) awaitThreshold(l *line, collection string) bool {
	delayed := false
	for {
		wait := s.reserve(collection)
		if wait == 0 {
			return true
		}
		if !delayed {
			delayed = true
			s.mu.Lock()
			s.stats.Delayed++
			s.mu.Unlock()
		}
		if !s.sleep(l, wait) {
			return false
		}
	}
}

// reserve takes a place in the rolling window, or says how long until one is free.
func (s *Sender) reserve(collection string) time.Duration {
	s.mu.Lock()
	defer s.mu.Unlock()
	limit, now, window := s.cfg.PerHour(), time.Now(), s.scaled(Window)
	if limit <= 0 {
		return 0
	}
	sent := s.sent[collection]
	for len(sent) > 0 && now.Sub(sent[0]) >= window {
		sent = sent[1:]
	}
	var wait time.Duration
	if len(sent) >= limit {
		wait = max(sent[len(sent)-limit].Add(window).Sub(now), time.Millisecond)
	} else {
		sent = append(sent, now)
	}
	s.sent[collection] = sent
	return wait
}

func (s *Sender) scaled(d time.Duration) time.Duration {
	return time.Duration(float64(d) * s.cfg.Scale)
}

// sleep waits unless the sender or the registration stops first.
func (s *Sender) sleep(l *line, d time.Duration) bool {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
		return true
	case <-l.stopped:
		s.mu.Lock()
		s.stats.Discarded++
		s.mu.Unlock()
		return false
	case <-s.ctx.Done():
		return false
	}
}
