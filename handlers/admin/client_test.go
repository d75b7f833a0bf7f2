package admin

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"channelsync/api/client"
	v1 "channelsync/api/v1"
	"channelsync/test/harness"
)

// TestClientSpeaksToTheAPI calls every method of the client: each must arrive at
// the sync side as what it is, and be audited as the command line's.
func TestClientSpeaksToTheAPI(t *testing.T) {
	f := &fake{}
	srv := httptest.NewServer(http.StripPrefix("/api/v1", served(f.config())))
	defer srv.Close()
	c, err := client.New(client.Config{URL: srv.URL + "/", Token: "t", Actor: "cli", Transport: srv.Client().Transport})
	harness.OK(t, err)
	ctx := context.Background()
	in := v1.CreateInstallation{
		Name: "Acme", Username: "u", Secret: "s1", TrackingIdentifier: "t1", Syncs: v1.Syncs,
		ChannelProgram: v1.ChannelProgramTarget{ConnectionID: "c", Token: "t2"}, Options: &v1.Options{Emails: "none"},
	}
	name := "New"
	for _, tc := range []struct {
		asked string
		call  func() error
	}{
		{"", func() error { z, err := c.Zones(ctx); return expect(err, len(z) == 1) }},
		{"find zone of a b@c", func() error {
			z, err := c.ZonesOf(ctx, "a b@c")
			return expect(err, len(z.Items) == 1 && z.Found != nil)
		}},
		{"create Acme", func() error { i, err := c.CreateInstallation(ctx, in); return expect(err, i.ID == one) }},
		{"try Acme", func() error { k, err := c.TryInstallation(ctx, in); return expect(err, len(k.Checks) == 1) }},
		{"preview Acme", func() error {
			p, err := c.PreviewInstallation(ctx, in)
			return expect(err, p.Complete && p.Companies.WillNot == 2 && p.Contracts.WithoutVendor == 1 && len(p.Checks) == 1)
		}},
		{"list", func() error { l, err := c.Installations(ctx); return expect(err, len(l) == 1) }},
		{"get", func() error { i, err := c.Installation(ctx, one); return expect(err, i.ID == one) }},
		{"update name", func() error {
			i, err := c.UpdateInstallation(ctx, one, v1.UpdateInstallation{Name: &name})
			return expect(err, i.ID == one)
		}},
		{"preview options", func() error {
			p, err := c.PreviewUpdate(ctx, one, v1.UpdateInstallation{Options: &v1.Options{}})
			return expect(err, p.Enter == 1 && p.Leave == 2 && p.Change == 3)
		}},
		{"credentials s2", func() error {
			i, err := c.SetCredentials(ctx, one, v1.Credentials{Username: "u", Secret: "s2", TrackingIdentifier: "t"})
			return expect(err, i.ID == one)
		}},
		{"channel program t3", func() error {
			i, err := c.SetChannelProgram(ctx, one, v1.ChannelProgramTarget{ConnectionID: "c", Token: "t3"})
			return expect(err, i.ID == one)
		}},
		{"test", func() error { _, err := c.TestInstallation(ctx, one); return err }},
		{`do stop ""`, func() error { return c.Act(ctx, one, "", "stop") }},
		{`do install "active_customers"`, func() error { return c.Act(ctx, one, v1.SyncActiveCustomers, "install") }},
		{"repair", func() error { return c.RepairWebhooks(ctx, one) }},
		{"rotate", func() error { return c.RotateWebhookSecret(ctx, one) }},
		{"records {Kind:company Outcome:dead Reason:rejected Q:a&b Values:false Cursor:c= Limit:5}", func() error {
			q := v1.RecordQuery{Kind: "company", Outcome: "dead", Reason: "rejected", Q: "a&b", Cursor: "c=", Limit: 5}
			p, err := c.Records(ctx, one, q)
			return expect(err, len(p.Items) == 1 && *p.NextCursor == "c2")
		}},
		{"count records {Kind:company Outcome: Reason:rejected Q:a&b Values:false Cursor: Limit:0}", func() error {
			n, err := c.RecordCounts(ctx, one, v1.RecordQuery{Kind: "company", Reason: "rejected", Q: "a&b", Cursor: "c=", Limit: 5})
			return expect(err, n.Total == 3 && n.Kinds[v1.KindCompany] == 3 && n.Reasons[v1.ReasonTypeNotCustomer] == 3)
		}},
		{"record contract 7", func() error {
			r, err := c.Record(ctx, one, v1.KindContract, "7")
			return expect(err, r.ID == "7")
		}},
		{"reconcile company 7", func() error { return c.ReconcileRecord(ctx, one, v1.KindCompany, "7") }},
		{"explain contract 7", func() error {
			e, err := c.Explain(ctx, one, v1.KindContract, "7")
			return expect(err, e.Met && e.ID == "7")
		}},
		{"resync {Kinds:[company] DryRun:true}", func() error {
			j, err := c.Resync(ctx, one, v1.ResyncRequest{Kinds: []v1.Kind{v1.KindCompany}, DryRun: true})
			return expect(err, j.Job == "j-1")
		}},
		{"replay from sequence 5, contact/7, force", func() error {
			j, err := c.Replay(ctx, one, v1.ReplayRequest{FromSequence: 5, Kind: v1.KindContact, ID: "7", Force: true})
			return expect(err, j.Job == "j-2")
		}},
		{`dead letters "c" 7`, func() error {
			p, err := c.DeadLetters(ctx, one, "c", 7)
			return expect(err, p.Items[0].ID == "company-7")
		}},
		{"requeue {IDs:[company-7] Code: All:false Until:<nil>}", func() error {
			return c.Requeue(ctx, one, v1.RequeueRequest{IDs: []string{"company-7"}})
		}},
		{"dismiss company-7 company-8", func() error {
			return c.DismissAll(ctx, one, v1.DismissRequest{IDs: []string{"company-7", "company-8"}})
		}},
		{"dismiss code rejected until 12:00:00", func() error {
			until := time.Date(2026, 9, 1, 12, 0, 0, 0, time.UTC)
			return c.DismissAll(ctx, one, v1.DismissRequest{Code: "rejected", Until: &until})
		}},
		{"dismiss company-7", func() error { return c.Dismiss(ctx, one, "company-7") }},
		{"bridge", func() error { b, err := c.CreateBridge(ctx, one, ""); return expect(err, b.Secret == "shown once") }},
		{"held true", func() error { return c.DecideMassChange(ctx, one, true) }},
		{"held false", func() error { return c.DecideMassChange(ctx, one, false) }},
		{"backup", func() error {
			var file strings.Builder
			size := int64(-1)
			err := c.Backup(ctx, &file, func(n int64) { size = n })
			return expect(err, file.String() == "a tar" && size == 5)
		}},
		{"feed", func() error {
			n := 0
			for e, err := range c.Feed(ctx, one) {
				if err != nil || e.Outcome != v1.OutcomePushed {
					return fmt.Errorf("got %+v, %w", e, err)
				}
				n++
			}
			return expect(nil, n == 1)
		}},
		{"history", func() error {
			h, err := c.History(ctx, one)
			return expect(err, len(h) == 1 && h[0].Changes == 4 && h[0].From.Hour() == 12)
		}},
		{"activity 50", func() error {
			a, err := c.Activity(ctx, one, 0)
			return expect(err, len(a) == 1 && a[0].ID == "8")
		}},
		{"activity 200", func() error { _, err := c.Activity(ctx, one, 200); return err }},
		{"jobs", func() error {
			l, err := c.Jobs(ctx, one)
			return expect(err, len(l) == 2 && l[0].Replay.From.Hour() == 9 && l[1].Kinds[0] == v1.KindCompany)
		}},
		{"job j", func() error { j, err := c.Job(ctx, one, "j"); return expect(err, j.State == v1.JobRunning) }},
		{"cancel j", func() error { return c.CancelJob(ctx, one, "j") }},
		{"status", func() error { s, err := c.Status(ctx); return expect(err, s.Version == "1") }},
		{"audit {Installation: Only:[] Cursor: Limit:50}", func() error { _, err := c.Audit(ctx, v1.AuditQuery{}); return err }},
		{"audit {Installation:" + one + " Only:[] Cursor:c Limit:7}", func() error {
			_, err := c.Audit(ctx, v1.AuditQuery{Installation: one, Cursor: "c", Limit: 7})
			return err
		}},
	} {
		f.asked = nil
		if err := tc.call(); err != nil {
			t.Errorf("%s: %v", tc.asked, err)
		}
		if got := strings.Join(f.asked, "; "); got != tc.asked {
			t.Errorf("asked %q, want %q", got, tc.asked)
		}
	}
	if diff := cmp.Diff(in, f.created); diff != "" {
		t.Error(diff)
	}
	for _, e := range f.audited {
		if e.Actor != "cli" {
			t.Errorf("%s is audited as %s's", e.Action, e.Actor)
		}
	}

	_, err = c.CreateInstallation(ctx, v1.CreateInstallation{})
	var p *v1.Problem
	if !errors.As(err, &p) || p.Code != v1.CodeInvalid || len(p.Errors) != 7 {
		t.Errorf("got %v, want the problem with every field", err)
	}
}

// expect turns an answer that is not as it should be into an error.
func expect(err error, asItShouldBe bool) error {
	if err == nil && !asItShouldBe {
		return errors.New("answer is not what the fake said")
	}
	return err
}
