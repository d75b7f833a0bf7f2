package cluster

import (
	"fmt"
	"io"
	"maps"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"
	"go.uber.org/zap"

	v1 "channelsync/api/v1"
	"channelsync/test/harness"
	"channelsync/test/harness/service"
	atsim "channelsync/test/sim/autotask/sim"
)

// TestSomebodyOnTheNATSNetwork writes whatever he likes into the account of two instances at work: it costs work, and
// never an installation, a token or a client's data. A restart of both changes nothing about it.
func TestSomebodyOnTheNATSNetwork(t *testing.T) {
	t.Parallel()
	f := newField(t, 6, 3)
	a := f.join(service.Options{Log: zap.NewNop()}) // what is ignored is logged as an error
	b := f.join(service.Options{Log: zap.NewNop()})
	both := []*service.Harness{a, b}
	owned(t, both)
	f.install(a, b)
	f.agree(30 * time.Second)
	made, err := a.Admin.CreateToken(t.Context(), v1.CreateToken{Name: "ops", Role: v1.RoleOperator})
	harness.OK(t, err)
	last := f.tenants[0].companies[2]
	if err := f.tenants[0].Edit("Companies", last, atsim.Row{"isActive": false}); err != nil { // must stay as it was pushed
		t.Fatal(err)
	}
	harness.OK(t, f.tenants[0].WaitCallouts(t.Context()))

	before := f.audited(a)
	f.forge(made.ID)
	f.rename(0, "After")
	f.renamed(0, "After", moveWithin)
	f.agree(30 * time.Second)
	f.live(a, 30*time.Second, 1000)
	for _, w := range both {
		ready := textOf(t, w.AdminURL+"/readyz")
		if !strings.Contains(ready, "warning: records that channelsync did not write") {
			t.Errorf("/readyz does not warn: %s", ready)
		}
		if !strings.Contains(textOf(t, w.AdminURL+"/metrics"), `channelsync_rejected_records_total{table="installations"}`) {
			t.Error("what was rejected is not counted")
		}
	}

	for _, w := range both { // who runs still knows what was removed, and tells what was put in from it
		w.Eventually("what is forged in the audit shows", 30*time.Second, func() error {
			after := f.audited(w)
			if after.forged != len(forgedAudit) || after.own < before.own {
				return fmt.Errorf("of %d entries before: %+v", before.own, after)
			}
			return nil
		})
	}
	f.broken(a)

	f.forge(made.ID)
	a.Stop()
	b.Stop()
	f.forge(made.ID)
	a.Start()
	b.Start()
	f.live(b, 60*time.Second, 1000)
	f.rename(1, "Later")
	f.renamed(1, "Later", moveWithin)
	f.agree(30 * time.Second)
	tokens, err := b.Admin.Tokens(t.Context())
	if err != nil || len(tokens) != 1 || tokens[0].Name != "ops" {
		t.Errorf("tokens: %+v, %v", tokens, err)
	}
	f.broken(b)
	if _, err := a.Admin.CreateToken(t.Context(), v1.CreateToken{Name: "later", Role: v1.RoleViewer}); err != nil {
		t.Fatal(err)
	}
	page, err := a.Admin.Audit(t.Context(), v1.AuditQuery{Limit: 500})
	harness.OK(t, err)
	if i := slices.IndexFunc(page.Items, func(e v1.AuditEntry) bool { return e.Action == "token.create" && e.Detail == "later, viewer" }); i < 0 || page.Items[i].Unverified {
		t.Errorf("what is done afterwards is not vouched for: %+v", page.Items)
	}
	for _, one := range f.tenants { // one that was made up says that nobody can read it, and keeps nobody from the others
		dead, err := b.Admin.DeadLetters(t.Context(), one.id, "", 500)
		if err != nil || len(dead.Items) != 1 || !strings.Contains(dead.Items[0].Detail, "cannot be read") {
			t.Errorf("dead letters: %+v, %v", dead, err)
		}
	}
}

// forgedAudit are entries as somebody else writes them: one that is backdated to before any chain, and one of tomorrow.
var forgedAudit = map[string]string{
	"01JXAAAAAAAAAAAAAAAAAAAAAA": `{"at":"2020-01-01T00:00:00Z","who":"root","actor":"api","action":"forged","address":"203.0.113.7","ok":true}`,
	"01JXAAAAAAAAAAAAAAAAAAAAAB": `{"at":"2030-01-01T00:00:00Z","who":"root","actor":"api","action":"forged","address":"203.0.113.7","ok":true,"n":3,"mac":"AAAA"}`,
}

// inAudit is how many entries the audit shows as its own, and how many of what was forged it marks.
type inAudit struct{ own, forged int }

func (f *field) audited(w *service.Harness) (n inAudit) {
	f.t.Helper()
	page, err := w.Admin.Audit(f.t.Context(), v1.AuditQuery{Limit: 500})
	harness.OK(f.t, err)
	for _, e := range page.Items {
		switch {
		case e.Action == "forged" && e.Unverified:
			n.forged++
		case e.Action != "forged" && !e.Unverified:
			n.own++
		default:
			f.t.Errorf("audited %+v", e)
		}
	}
	return n
}

// broken wants the audit to say that somebody has written to it.
func (f *field) broken(w *service.Harness) {
	f.t.Helper()
	got, err := w.Admin.VerifyAudit(f.t.Context())
	if err != nil || got.OK || got.Before != 0 || len(got.Findings) == 0 {
		f.t.Errorf("the audit is %+v, %v", got, err)
	}
}

// forge writes, as a client of NATS, into everything that the instances read.
func (f *field) forge(token string) {
	f.t.Helper()
	nc, err := nats.Connect(f.nats.running.ClientURL())
	harness.OK(f.t, err)
	defer nc.Close()
	say := func(subject, value string, headers ...string) {
		msg := nats.NewMsg(subject)
		msg.Data = []byte(value)
		for i := 0; i < len(headers); i += 2 {
			msg.Header.Set(headers[i], headers[i+1])
		}
		harness.OK(f.t, nc.PublishMsg(msg))
	}
	for _, one := range f.tenants {
		say("$KV.installations."+one.id, `{"id":"`+one.id+`","leaving":true}`)
		say("$KV.installations."+one.id, "", "KV-Operation", "PURGE", "Nats-Rollup", "sub")
		say("$KV.installations."+one.id, "", "KV-Operation", "DEL")
		say("$KV.keys."+one.id, "junk")
		say("$KV.keys."+one.id, "", "KV-Operation", "PURGE")
		say("$KV.jobs."+one.id+".forged", `{"id":"forged","installation":"`+one.id+`","type":"resync","state":"running","force":true}`)
		say("$KV.history."+one.id, "junk")
		say("delivered."+one.id, `{"guid":"x","at":"2030-01-01T00:00:00Z"}`)
		say("check."+one.id, "junk")
		say("feed."+one.id, "junk")
		say("dead."+one.id+".company-1", `{"kind":"company","recordId":"1","code":"forged","attempts":8,"sealed":"AAAA"}`)
		say("dead."+one.id+".company-2", "junk")
		say("dead."+one.id+".company-1", "", "Nats-Rollup", "all")
		for _, company := range append(one.companies, 0, 999999999) {
			id := strconv.FormatInt(company, 10)
			say("$KV.ledger."+one.id+".company."+id, "junk")
			say("$KV.ledger."+one.id+".company."+id, "", "KV-Operation", "PURGE")
			say("due."+one.id+".company.live."+id, `{"trigger":"callback","eventTime":"2030-01-01T00:00:00Z","attempt":99,"job":"forged"}`)
			say("due."+one.id+".company.bulk."+id, "junk")
			say("change."+one.id, `{"kind":"company","id":`+id+`,"action":"delete","trigger":"callback","eventTime":"2030-01-01T00:00:00Z"}`, "Channelsync-Round", "1")
		}
		say("change."+one.id, "junk", "Channelsync-Round", "1")
		say("change."+one.id, "junk")
	}
	say("$KV.keys.master", "junk")
	say("$KV.tokens."+token, "", "KV-Operation", "PURGE")
	say("$KV.tokens.forged", `{"id":"forged","name":"forged","role":"admin"}`)
	say("$KV.guard.unique", "junk")
	for shard := range 64 {
		say(fmt.Sprintf("$KV.shards.shard.%02d", shard), `{"owner":"01hzx3q8r9k2m4n6p8s0t2v4w6","epoch":99}`)
	}
	say("$KV.instances.01hzx3q8r9k2m4n6p8s0t2v4w6", `{"count":1,"version":"1","speaks":1}`)
	say("lease.changed", "junk")
	for _, subject := range subjectsOf(f.t, nc, "KV_audit") {
		say(subject, "", "KV-Operation", "DEL")
		say(subject, "", "KV-Operation", "PURGE", "Nats-Rollup", "sub")
	}
	for key, entry := range forgedAudit {
		say("$KV.audit."+key, entry)
	}
	say("$KV.audit.head", `{"n":1,"first":1}`)
	say("$KV.audit.key", "junk")
	say("$KV.audit.junk", "junk")
	for _, stream := range []string{"$KV.installations.", "$KV.keys.", "$KV.tokens.", "$KV.sessions.", "$KV.audit.", "$KV.ledger.", "change.", "due.", "dead."} {
		say(stream+"forged", "", "Nats-Rollup", "all") // of the worklist alone it takes everything away
	}
	harness.OK(f.t, nc.Flush())
}

// subjectsOf are those that a stream has messages of, as everybody on the network can ask.
func subjectsOf(t *testing.T, nc *nats.Conn, stream string) []string {
	t.Helper()
	js, err := jetstream.New(nc)
	harness.OK(t, err)
	s, err := js.Stream(t.Context(), stream)
	harness.OK(t, err)
	info, err := s.Info(t.Context(), jetstream.WithSubjectFilter(">"))
	harness.OK(t, err)
	return slices.Sorted(maps.Keys(info.State.Subjects))
}

func textOf(t *testing.T, url string) string {
	t.Helper()
	resp, err := http.Get(url)
	harness.OK(t, err)
	defer func() { _ = resp.Body.Close() }()
	body, err := io.ReadAll(resp.Body)
	harness.OK(t, err)
	return string(body)
}
