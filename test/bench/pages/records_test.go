package pages

import (
	"context"
	"fmt"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"go.uber.org/zap"

	v1 "channelsync/api/v1"
	"channelsync/events"
	"channelsync/handlers"
	"channelsync/handlers/admin"
	"channelsync/handlers/console/session"
	"channelsync/sync/ledger"
	"channelsync/test/harness"
	"channelsync/test/harness/sessions"
	"channelsync/test/harness/stores"
	"channelsync/test/harness/vaults"
)

const (
	pageRecords      = 20_000
	pageInstallation = "01hzx3q8r9k2m4n6p8s0t2v4w6"
	pageToken        = "token-of-the-benchmark"
)

// BenchmarkRecordsPage is the console's page of records of an installation with
// 20,000 of them: the list and the counts out of a sealed ledger, through the
// admin API, to HTML. One page may take 50 ms.
func BenchmarkRecordsPage(b *testing.B) {
	pages := recordPages(b)
	cookie := loggedIn(b, pages)
	at := "/installations/" + pageInstallation + "/records"
	for name, query := range map[string]string{
		"first":     "",
		"filtered":  "?kind=company&outcome=not_met&reason=type_not_customer",
		"search":    "?q=number+1999",
		"last page": "?cursor=" + url.QueryEscape(fmt.Sprintf("contract:%d", pageRecords-100)),
		"nothing":   "?q=nobody",
		"record":    "/company/4",
	} {
		b.Run(name, func(b *testing.B) {
			for b.Loop() {
				r := httptest.NewRequest(http.MethodGet, at+query, nil)
				r.AddCookie(cookie)
				w := httptest.NewRecorder()
				pages.ServeHTTP(w, r)
				if w.Code != http.StatusOK || !strings.Contains(w.Body.String(), "</html>") {
					b.Fatalf("%d: %s", w.Code, w.Body)
				}
			}
		})
	}
}

// recordPages is the admin listener before a ledger with pageRecords records.
func recordPages(b *testing.B) http.Handler {
	b.Helper()
	bus := stores.Open(b)
	l := sealedLedger(b, bus)
	var entries []*ledger.Entry
	for i := range pageRecords {
		entries = append(entries, pageEntry(int64(i)))
		if len(entries) == 500 {
			harness.OK(b, l.Write(b.Context(), pageInstallation, entries))
			entries = entries[:0]
		}
	}
	known := pageRecordsOf{l}
	api := admin.New(admin.Config{Installations: pageInstallations{}, Records: known, Log: zap.NewNop()})
	pages, err := handlers.Admin(handlers.AdminConfig{
		API: api, Tokens: pageTokens{}, Sessions: session.New(session.Config{Table: sessions.NewMemory(), Sealer: sessions.Ring()}), Key: pageToken, Metrics: prometheus.NewRegistry(), Version: "bench", Log: zap.NewNop(),
	})
	harness.OK(b, err)
	return pages
}

// pageTokens knows the one token that the pages are asked for with.
type pageTokens struct{}

func (pageTokens) Authenticate(given v1.Secret) (v1.Identity, bool) {
	who, ok := pageTokens{}.Current(v1.RootName, 0)
	return who, ok && given == pageToken
}

func (pageTokens) Current(id string, _ int) (v1.Identity, bool) {
	return v1.Identity{ID: v1.RootName, Name: v1.RootName, Role: v1.RoleAdmin}, id == v1.RootName
}

func sealedLedger(b *testing.B, bus *events.Bus) *ledger.Ledger {
	b.Helper()
	vault := vaults.Open(b, stores.Table(b, bus, "keys"))
	return ledger.New(stores.Table(b, bus, "ledger"), vault)
}

func pageEntry(i int64) *ledger.Entry {
	e := &ledger.Entry{
		Kind: v1.KindCompany, ID: i, Name: fmt.Sprintf("Client number %d of the benchmark", i), Outcome: v1.OutcomePushed, InScope: true,
		Projection: []byte(`{"name":"Client","address":null,"emails":[],"phones":[{"value":"518-555-0100"}],"websites":[]}`),
		ChangedAt:  time.Now(), ReconciledAt: time.Now(), PushedAt: time.Now(),
	}
	switch {
	case i%4 == 3:
		e.Kind = v1.KindContract
	case i%3 == 0:
		e.Outcome, e.Reasons, e.InScope = v1.OutcomeNotMet, []string{v1.ReasonTypeNotCustomer}, false
	}
	return e
}

// pageRecordsOf answers the admin API for records from a ledger.
type pageRecordsOf struct{ *ledger.Ledger }

func (p pageRecordsOf) Records(ctx context.Context, id string, q v1.RecordQuery) (v1.Page[v1.Record], error) {
	return p.List(ctx, id, q)
}

func (p pageRecordsOf) Record(ctx context.Context, id string, kind v1.Kind, rec int64) (v1.RecordDetail, error) {
	found, err := p.Read(ctx, id, kind, []int64{rec})
	if err != nil || found[rec] == nil {
		return v1.RecordDetail{}, err
	}
	return found[rec].Details(), nil
}

func (p pageRecordsOf) Explain(context.Context, string, v1.Kind, int64) (v1.Explanation, error) {
	return v1.Explanation{}, v1.NotFound("no page asks for it")
}

func (p pageRecordsOf) ReconcileRecords(context.Context, string, v1.BulkRecords) (v1.BulkResult, error) {
	return v1.BulkResult{}, v1.NotFound("no page asks for it")
}

func (p pageRecordsOf) ExcludeRecords(context.Context, string, v1.BulkRecords) (v1.BulkResult, error) {
	return v1.BulkResult{}, v1.NotFound("no page asks for it")
}

func (p pageRecordsOf) Reconcile(context.Context, string, v1.Kind, int64) error { return nil }

func (p pageRecordsOf) PushOurs(context.Context, string, v1.Kind, int64) error { return nil }

func (p pageRecordsOf) Versions(context.Context, string, v1.Kind, int64, v1.VersionQuery) (v1.VersionPage, error) {
	return v1.VersionPage{}, v1.NotFound("no page asks for them")
}

func (p pageRecordsOf) DriftList(ctx context.Context, id string, q v1.DriftQuery) (v1.Page[v1.Drift], error) {
	return p.Ledger.DriftList(ctx, id, q, time.Now())
}

func (p pageRecordsOf) RecordCounts(ctx context.Context, id string, q v1.RecordQuery) (v1.RecordCounts, error) {
	return p.Facets(ctx, id, q)
}

// pageInstallations is the one installation; the pages ask for nothing else.
type pageInstallations struct{ admin.Installations }

func (pageInstallations) Get(_ context.Context, id string) (v1.Installation, error) {
	return v1.Installation{ID: id, Name: "Bench MSP", State: v1.StateLive}, nil
}

func loggedIn(b *testing.B, pages http.Handler) *http.Cookie {
	b.Helper()
	r := httptest.NewRequest(http.MethodPost, "/login", strings.NewReader("token="+pageToken))
	r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	w := httptest.NewRecorder()
	pages.ServeHTTP(w, r)
	for _, c := range w.Result().Cookies() {
		if c.Value != "" {
			return c
		}
	}
	b.Fatalf("log in: %d", w.Code)
	return nil
}
