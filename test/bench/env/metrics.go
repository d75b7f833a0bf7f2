package env

import (
	"bufio"
	"context"
	"fmt"
	"net/http"
	"strconv"
	"strings"
	"time"
)

// Metric is the sum of a metric's series, as the program shows them now.
func (b *Env) Metric(ctx context.Context, name string) (float64, error) {
	ctx, cancel := context.WithTimeoutCause(ctx, 10*time.Second, fmt.Errorf("read metrics: not within 10 s"))
	defer cancel()
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, "http://"+b.admin+"/metrics", nil)
	if err != nil {
		return 0, fmt.Errorf("read metrics: %w", err)
	}
	resp, err := (&http.Client{Transport: b.transport}).Do(req)
	if err != nil {
		return 0, fmt.Errorf("read metrics: %w", err)
	}
	defer func() { _ = resp.Body.Close() }()
	sum := 0.0
	for lines := bufio.NewScanner(resp.Body); lines.Scan(); {
		series, value, _ := strings.Cut(lines.Text(), " ")
		if series, _, _ = strings.Cut(series, "{"); series != name {
			continue
		}
		f, err := strconv.ParseFloat(value, 64)
		if err != nil {
			return 0, fmt.Errorf("read metric %s: %w", name, err)
		}
		sum += f
	}
	return sum, nil
}

// Dispatched waits until every stored change has been carried to the worklist.
func (b *Env) Dispatched(ctx context.Context) error {
	return b.wait(ctx, "every change to be dispatched", func(ctx context.Context) (bool, error) {
		stored, err := b.Metric(ctx, "channelsync_journal_changes_total")
		if err != nil {
			return false, err
		}
		carried, err := b.Metric(ctx, "channelsync_dispatched_changes_total")
		return carried >= stored, err
	})
}
