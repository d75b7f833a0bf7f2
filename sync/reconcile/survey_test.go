package reconcile

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"channelsync/sync/upstream"

	"github.com/google/go-cmp/cmp"
	"go.uber.org/zap"

	"channelsync/api/autotask"
	v1 "channelsync/api/v1"
	"channelsync/sync/installation"
	"channelsync/test/harness"
	"channelsync/test/sim/autotask/fault"
	atsim "channelsync/test/sim/autotask/sim"
)

// surveyor is a reconciler with nothing but an Autotask.
type surveyor struct {
	*Reconciler
	t  *testing.T
	at *atsim.Sim
	in *installation.Installation
}

// newSurveyor may put something in front of the simulator.
func newSurveyor(t *testing.T, before func(http.Handler) http.Handler, syncs ...v1.Sync) *surveyor {
	t.Helper()
	t.Parallel()
	const user, secret, tracking = "api@msp.example", "secret-0123456789", "TRACK"
	at := atsim.New(atsim.Config{Username: user, Secret: secret, TrackingIdentifier: tracking})
	s := &surveyor{t: t, at: at}
	handler := s.at.Handler()
	if before != nil {
		handler = before(handler)
	}
	server := httptest.NewServer(handler)
	zone := v1.Zone{Name: "test", URL: server.URL + "/atservicesrest"}
	client := autotask.New(autotask.Config{
		Credentials: autotask.Credentials{Username: user, Secret: secret, TrackingIdentifier: tracking},
		Zone:        zone, Hosts: autotask.NewHosts([]string{strings.TrimPrefix(server.URL, "http://")}),
		Wait: func(context.Context, time.Duration) error { return nil },
	})
	t.Cleanup(func() {
		client.Close()
		s.at.Close()
		server.Close()
	})
	s.Reconciler = New(Config{Autotask: client, Now: time.Now, Log: zap.NewNop()})
	s.in = &installation.Installation{ID: inst, Syncs: map[v1.Sync]*installation.SyncSettings{}}
	for _, sync := range syncs {
		s.in.Syncs[sync] = &installation.SyncSettings{}
	}
	return s
}

func (s *surveyor) customer(name string) int64 {
	return s.at.Put("Companies", atsim.Row{"companyName": name, "companyType": 1, "isActive": true})
}

func (s *surveyor) contract(company int64) int64 {
	return s.at.Put("Contracts", atsim.Row{
		"companyID": company, "contractName": "Support", "contractType": 7, "status": 1,
		"startDate": "2026-01-01", "endDate": "2030-01-01",
	})
}

func (s *surveyor) survey(ctx context.Context) Survey {
	s.t.Helper()
	out, err := s.Survey(ctx, s.in)
	harness.OK(s.t, err)
	return out
}

func TestSurveySaysWhatItKnowsWhenItIsCutShort(t *testing.T) {
	var (
		open   = Surveyed{}
		syncs  = Surveyed{Decided: true}
		plain  = Surveyed{Decided: true, NoVendor: true, NoCost: true}
		either = []Surveyed{syncs, syncs}
	)
	hang := func(entity string) atsim.Fault { return atsim.Fault{Kind: fault.Hang, Entity: entity} }
	throttle := func(entity string) atsim.Fault {
		return atsim.Fault{Kind: fault.Throttle, Entity: entity, RetryAfter: 3600}
	}
	for name, one := range map[string]struct {
		fault                atsim.Fault
		syncs                []v1.Sync
		companies, contracts []Surveyed
		complete             bool
	}{
		"not at all":                {atsim.Fault{Kind: fault.Slow}, v1.Syncs, either, []Surveyed{plain}, true},
		"before the companies":      {hang("Companies"), v1.Syncs, nil, []Surveyed{open}, false},
		"before the contracts":      {hang("Contracts"), v1.Syncs, either, nil, false},
		"before their parts":        {hang("ContractServices"), v1.Syncs, either, []Surveyed{syncs}, false},
		"throttled at their parts":  {throttle("ContractCharges"), v1.Syncs, either, []Surveyed{syncs}, false},
		"contracts alone":           {hang("Contracts"), v1.Syncs[1:], []Surveyed{open, open}, nil, false},
		"contracts alone throttled": {throttle("Contracts"), v1.Syncs[1:], []Surveyed{open, open}, nil, false},
		"no contracts are needed":   {hang("Contracts"), v1.Syncs[:1], either, nil, true},
	} {
		t.Run(name, func(t *testing.T) {
			s := newSurveyor(t, nil, one.syncs...)
			s.contract(s.customer("Northwind"))
			s.customer("Without a contract")
			s.survey(t.Context()) // logs in: until that is done once, one request waits for another
			s.at.SetFault(one.fault)
			ctx, cancel := context.WithTimeout(t.Context(), time.Second)
			defer cancel()
			want := Survey{Companies: one.companies, Contracts: one.contracts, Complete: one.complete}
			if diff := cmp.Diff(want, s.survey(ctx)); diff != "" {
				t.Error(diff)
			}
		})
	}
}

func TestSurveyFailsWithTheUpstream(t *testing.T) {
	for name, f := range map[string]atsim.Fault{
		"away":           {Kind: fault.Status, Status: 503},
		"in the middle":  {Kind: fault.Status, Status: 503, Entity: "ContractServiceUnits"},
		"a missing text": {Kind: fault.Status, Status: 500, Text: "Something broke", Entity: "Companies"},
	} {
		t.Run(name, func(t *testing.T) {
			s := newSurveyor(t, nil, v1.Syncs...)
			s.contract(s.customer("Northwind"))
			s.at.SetFault(f)
			if out, err := s.Survey(t.Context(), s.in); err == nil || upstream.FailureOf(err, time.Now()).Upstream != upstream.Autotask {
				t.Errorf("got %+v, %v", out, err)
			}
		})
	}
}

// spoils answers a query that would tell a record, but for its id, as a database
// does that trips over one row.
func spoils(entity string, id int64) func(http.Handler) http.Handler {
	return func(next http.Handler) http.Handler {
		return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			body, _ := io.ReadAll(r.Body)
			r.Body = io.NopCloser(bytes.NewReader(body))
			answer := httptest.NewRecorder()
			next.ServeHTTP(answer, r)
			if strings.HasSuffix(r.URL.Path, entity+"/query") && bytes.Contains(body, []byte("companyName")) &&
				strings.Contains(answer.Body.String(), fmt.Sprintf(`"id":%d,`, id)) {
				w.WriteHeader(http.StatusInternalServerError)
				_, _ = io.WriteString(w, `{"errors":["Nobody has seen this text"]}`)
				return
			}
			w.WriteHeader(answer.Code)
			_, _ = w.Write(answer.Body.Bytes())
		})
	}
}

func TestOneSpoiltRowCostsASurveyOneRecord(t *testing.T) {
	const companies, spoilt = 900, 777 // on the second page
	s := newSurveyor(t, spoils("Companies", spoilt), v1.SyncActiveCustomers)
	for i := range companies {
		s.at.Put("Companies", atsim.Row{"id": i + 1, "companyName": "Northwind", "companyType": 1, "isActive": true})
	}
	out := s.survey(t.Context())
	if len(out.Companies) != companies || !out.Complete {
		t.Fatalf("%d companies, complete %v", len(out.Companies), out.Complete)
	}
	for i, c := range out.Companies {
		if want := map[bool]string{true: "row_unreadable"}[i+1 == spoilt]; c.Reason != want || !c.Decided {
			t.Errorf("company %d: %+v", i+1, c)
		}
	}
	if n := s.at.Stats().Requests["Companies"]["query"]; n > 40 {
		t.Errorf("%d queries to find one spoilt row", n)
	}
}
