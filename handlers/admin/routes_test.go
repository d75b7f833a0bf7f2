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
	"go.uber.org/zap"
	"go.uber.org/zap/zaptest/observer"

	v1 "channelsync/api/v1"
	"channelsync/events/kv"
	"channelsync/handlers/internal/access"
	"channelsync/test/harness"
)

// route is a request of every kind that the API takes, what it asks of the sync
// side, and what is audited of it.
type route struct {
	method, path, body string
	status             int
	asked, audited     string
	answer             string // a part of it
}

func routes() []route {
	const (
		in    = "/installations/" + one
		creds = `{"username":"u","secret":"new","trackingIdentifier":"t"}`
		claim = `{"name":"Acme MSP","username":"u","secret":"s","trackingIdentifier":"t","channelProgram":{"connectionId":"c","token":"tt"}}`
	)
	all := []route{
		{"GET", "/zones", "", 200, "", "", `{"items":[{"name":"UK","url":"https://uk/atservicesrest"}]}`},
		{"GET", "/zones?username=api%40acme.example", "", 200, "find zone of api@acme.example", "", `"found":{"name":"UK","url":"https://uk/atservicesrest"}}`},
		{"GET", "/zones?username=nobody", "", 200, "find zone of nobody", "", `{"items":[{"name":"UK","url":"https://uk/atservicesrest"}]}`},
		{"POST", "/installations", goodCreate, 201, "create Acme MSP", "installation.create ", `"webhooks":[]`},
		{"POST", "/installations?test=only", goodCreate, 200, "try Acme MSP", "installation.try ", `{"checks":[{"name":"zone","ok":true,"detail":""}]}`},
		{"POST", "/installations?preview=only", goodCreate, 200, "preview Acme MSP", "installation.preview ", `"companies":{"total":3,"willSync":1,"willNot":2,"reasons":[{"code":"type_not_customer","count":2,"detail":"d"}]},"contracts":{"total":1,"willSync":1,"willNot":0,"reasons":[],"withoutVendor":1,"withoutCost":0},"complete":true}`},
		{"POST", "/installations?preview=only&test=only", goodCreate, 200, "preview Acme MSP", "installation.preview ", `{"checks":[{"name":"zone"`},
		{"POST", "/installations?choices=only", goodCreate, 200, "choices of Acme MSP, counted false", "installation.try ", `{"contractTypes":[],"contractCategories":[],"companyClassifications":[],"companies":[],"options":{`},
		{"POST", "/installations?choices=counted&company=Acme%20West", goodCreate, 200, "choices of Acme MSP, counted true", "installation.try ", `"companies":[{"id":9,"name":"Acme West","records":null}]`},
		{"POST", "/installations/compare", `{"items":[` + claim + `]}`, 200, "compare Acme MSP with s", "installation.compare 1, 1 differ", `{"items":[{"installation":"` + one + `","differs":["secret"],"limited":false}]}`},
		{"GET", "/installations", "", 200, "list", "", `{"items":[{"id":"` + one},
		{"GET", in, "", 200, "get", "", `"issues":[]`},
		{"GET", in + "/issues", "", 200, "get", "", `"items":[]`},
		{"GET", in, "", 200, "get", "", `"resumesAt":"2026-11-23T13:00:00Z","goesOnAt":"2026-11-23T13:00:00Z"`}, // the former key until 1.0
		{"PATCH", in, `{"name":"New"}`, 200, "update name", "installation.update name", `"id":"` + one},
		{"PATCH", in, `{"name":"New","options":{}}`, 200, "update name, options", "installation.update name, options", ""},
		{"PATCH", in + "?preview=true", `{"options":{"emails":"none"}}`, 200, "preview options", "", `{"enter":1,"leave":2,"change":3,"sample":[]}`},
		{"GET", in + "/choices", "", 200, "choices", "", `{"contractTypes":[{"id":7,"name":"Recurring Service","records":null}],"contractCategories":[],"companyClassifications":[],"companies":[]}`},
		{"PATCH", in + "?preview=false", `{"options":{}}`, 200, "update options", "installation.update options", ""},
		{"PUT", in + "/credentials", creds, 200, "credentials new", "installation.set-credentials ", ""},
		{"PUT", in + "/channel-program", `{"connectionId":"c","token":"tt"}`, 200, "channel program tt", "installation.set-channel-program ", ""},
		{"POST", in + "/test", "", 200, "test", "installation.test ", `{"checks":[]}`},
		{"GET", in + "/records", "", 200, "records {Kind: Outcome: Reason: Q: Values:false Cursor: Limit:50}", "", `"nextCursor":"c2"`},
		{"GET", in + "/records?kind=company&outcome=not_met&reason=own_company&q=ac+me&cursor=c&limit=500", "", 200, "records {Kind:company Outcome:not_met Reason:own_company Q:ac me Values:false Cursor:c Limit:500}", "", `"reasons":[]`},
		{"GET", in + "/records/counts?kind=contract&outcome=dead&reason=rejected&q=a", "", 200, "count records {Kind:contract Outcome:dead Reason:rejected Q:a Values:false Cursor: Limit:0}", "", `{"total":3,"kinds":{"company":3},"outcomes":{"not_met":3},"reasons":{"type_not_customer":3}}`},
		{"GET", in + "/records/contract/7", "", 200, "record contract 7", "", `"timeline":[]`},
		{"POST", in + "/records/company/0/reconcile", "", 202, "reconcile company 0", "record.reconcile company/0", "{}"},
		{"GET", in + "/records/company/7/versions", "", 200, "versions of company 7 {At: Cursor: Limit:50}", "", `"trigger":"manual","by":"ann","projection":{"name":"Acme"},"changes":[]}],"nextCursor":null,"knownSince":"2026-11-22T09:00:00Z"}`},
		{"GET", in + "/records/company/7/versions?at=2026-11-03", "", 200, "versions of company 7 {At:2026-11-03 Cursor: Limit:50}", "", `"state":"version"`},
		{"GET", in + "/records/company/7/versions?at=2026-11-03T10:00:00Z&limit=7", "", 200, "versions of company 7 {At:2026-11-03T10:00:00Z Cursor: Limit:7}", "", `"until":null`},
		// an offset whose plus nobody escaped arrives with a blank
		{"GET", in + "/records/company/7/versions?at=2026-11-03T10:00:00+01:00", "", 200, "versions of company 7 {At:2026-11-03T10:00:00+01:00 Cursor: Limit:50}", "", `"state":"version"`},
		{"GET", in + "/records/company/7/versions?at=2026-11-03T10:00:00.5%2B05:30", "", 200, "versions of company 7 {At:2026-11-03T10:00:00.5+05:30 Cursor: Limit:50}", "", `"state":"version"`},
		{"POST", in + "/records/reconcile", `{"records":[{"kind":"company","id":"7"}]}`, 200, "bulk reconcile 1 <nil>", "records.reconcile named, 1 of them", `"done":1,"notPossible":[],`},
		{"POST", in + "/records/reconcile", `{"filter":{"kind":"company","outcome":"dead","q":"Acme"},"expect":3}`, 202, "bulk reconcile 0 &{company dead  Acme}", "records.reconcile kind company, outcome dead, a search, 3 of them", `"job":"j-9"`},
		{"POST", in + "/records/exclude", `{"filter":{"reason":"rejected"},"dryRun":true}`, 200, "bulk exclude 0 &{  rejected } true", "", ""},
		{"POST", in + "/dead-letters/bulk", `{"action":"requeue","ids":["company-7"]}`, 200, "bulk requeue 1 <nil>", "dead-letters.requeue company-7, 1 of them", `"done":1`},
		{"POST", in + "/dead-letters/bulk", `{"action":"dismiss","filter":{"code":"rejected"},"expect":2}`, 202, "bulk dismiss 0 &{rejected}", "dead-letters.dismiss code rejected, 2 of them", `"job":"j-9"`},
		{"GET", in + "/drift", "", 200, "drift {State: Kind: Cursor: Limit:50}", "", `"resolvedAt":null,"trigger":"","fields":[]}],"nextCursor":null}`},
		{"GET", in + "/drift?state=open&kind=contract&cursor=c&limit=7", "", 200, "drift {State:open Kind:contract Cursor:c Limit:7}", "", `"state":"open"`},
		{"POST", in + "/records/contract/7/push-ours", "", 202, "push ours contract 7", "record.push-ours contract/7", "{}"},
		{"GET", in + "/records/contract/7/explain", "", 200, "explain contract 7", "", `"differences":[]`},
		{"POST", in + "/resyncs", "", 202, "resync {Kinds:[] DryRun:false}", "resync ", `{"job":"j-1"}`},
		{"POST", in + "/resyncs", `{"kinds":["contract","company"],"dryRun":true}`, 202, "resync {Kinds:[contract company] DryRun:true}", "resync contract, company, dry run", `{"job":"j-1"}`},
		{"POST", in + "/replays", "", 202, "replay ", "replay ", `{"job":"j-2"}`},
		{"POST", in + "/replays", `{"from":"2026-11-22T10:00:00+01:00","to":"2026-11-23T09:00:00Z","dryRun":true}`, 202, "replay from 2026-11-22T09:00:00Z, to 2026-11-23T09:00:00Z, dry run", "replay from 2026-11-22T09:00:00Z, to 2026-11-23T09:00:00Z, dry run", `{"job":"j-2"}`},
		{"POST", in + "/replays", `{"fromSequence":18446744073709551615,"kind":"contact","id":"0","force":true}`, 202, "replay from sequence 18446744073709551615, contact/0, force", "replay from sequence 18446744073709551615, contact/0, force", ""},
		{"POST", in + "/replays", `{"kind":"company"}`, 202, "replay company", "replay company", ""},
		{"GET", in + "/dead-letters", "", 200, `dead letters "" 50`, "", `"id":"company-7"`},
		{"GET", in + "/dead-letters?cursor=x&limit=7", "", 200, `dead letters "x" 7`, "", `"nextCursor":null`},
		{"POST", in + "/dead-letters/requeue", `{"all":true}`, 202, "requeue {IDs:[] Code: All:true Until:<nil>}", "dead-letter.requeue all", "{}"},
		{"POST", in + "/dead-letters/requeue", `{"ids":["a"]}`, 202, "requeue {IDs:[a] Code: All:false Until:<nil>}", "dead-letter.requeue a", "{}"},
		{"POST", in + "/dead-letters/requeue", `{"ids":["a","b"],"all":false}`, 202, "requeue {IDs:[a b] Code: All:false Until:<nil>}", "dead-letter.requeue 2 of them", "{}"},
		{"POST", in + "/dead-letters/requeue", `{"code":"rejected"}`, 202, "requeue {IDs:[] Code:rejected All:false Until:<nil>}", "dead-letter.requeue code rejected", "{}"},
		{"POST", in + "/dead-letters/company-7/dismiss", "", 204, "dismiss company-7", "dead-letter.dismiss company-7", ""},
		{"GET", in + "/bridges", "", 200, "bridges", "", `{"items":[{"guid":"g","name":"rule","createdAt":"0001-01-01T00:00:00Z","lastUsedAt":null}]}`},
		{"POST", in + "/bridges", `{"name":"rule"}`, 201, "bridge rule", "bridge.create rule", `{"guid":"g"`},
		{"POST", in + "/bridges/g-1/rotate", "", 200, "rotate bridge g-1 false", "bridge.rotate g-1", `{"guid":"g-1","secret":"shown once"`},
		{"POST", in + "/bridges/g-1/rotate?now=true", "", 200, "rotate bridge g-1 true", "bridge.rotate g-1", `"secret":"shown once"`},
		{"DELETE", in + "/bridges/g-1", "", 204, "end bridge g-1", "bridge.delete g-1", ""},
		{"POST", in + "/bridges", "", 201, "bridge", "bridge.create ", `{"guid":"g","secret":"shown once","url":"https://cs.example/callbacks"}`},
		{"GET", "/tokens", "", 200, "", "", `{"items":[{"id":"t-1","name":"ops","role":"operator","installations":["` + one + `"],`},
		{"POST", "/tokens", `{"name":" ops ","role":"operator"}`, 201, "create token ops operator [] <nil>", "token.create ops, operator", `{"id":"t-1","token":"shown once"}`},
		{"POST", "/tokens", `{"name":"ops","role":"viewer","installations":["` + one + `"],"expiresAt":"2026-12-01T00:00:00Z"}`, 201, "get; create token ops viewer [" + one + "] 2026-12-01 00:00:00 +0000 UTC", "token.create ops, viewer", ""},
		{"POST", "/tokens/t-1/rotate", "", 200, "rotate token t-1 false", "token.rotate ops", `{"id":"t-1","token":"shown once"}`},
		{"POST", "/tokens/t-1/rotate?now=true", "", 200, "rotate token t-1 true", "token.rotate ops", `{"id":"t-1","token":"shown once"}`},
		{"DELETE", "/tokens/t-1", "", 204, "delete token t-1", "token.delete ops", ""},
		{"POST", in + "/held/approve", "", 202, "held true", "held.approve ", "{}"},
		{"POST", in + "/held/discard", "", 202, "held false", "held.discard ", "{}"},
		{"GET", in + "/history", "", 200, "history", "", `{"items":[{"from":"2026-11-23T12:00:00Z","changes":4,"pushed":2,"unchanged":1,"failed":3}]}`},
		{"GET", in + "/activity", "", 200, "activity 50", "", `"reasons":[],"trigger":"poll"`},
		{"GET", in + "/activity?limit=200", "", 200, "activity 200", "", `"id":"8"`},
		{"GET", in + "/jobs", "", 200, "jobs", "", `"replay":{"from":"2026-11-22T09:00:00Z","dryRun":true}`},
		{"GET", in + "/jobs/j-1", "", 200, "job j-1", "", `"state":"running"`},
		{"POST", in + "/jobs/j-1/cancel", "", 202, "cancel j-1", "job.cancel j-1", ""},
		{"POST", in + "/webhooks/repair", "", 202, "repair", "webhook.repair ", ""},
		{"POST", in + "/webhooks/rotate-secret", "", 202, "rotate", "webhook.rotate-secret ", ""},
		{"GET", "/status", "", 200, "status", "", `"issues":[]`},
		{"GET", "/audit/verify", "", 200, "verify audit", "", `{"ok":true,"entries":7,"first":1,"last":7,"before":0,"findings":[]}`},
		{"GET", "/audit?cursor=x&limit=2", "", 200, "audit {Installation: Only:[] Cursor:x Limit:2}", "", `{"items":[],"nextCursor":null}`},
		{"GET", "/audit?installation=" + one, "", 200, "audit {Installation:" + one + " Only:[] Cursor: Limit:50}", "", `{"items":[],"nextCursor":null}`},
		{"POST", in + "/syncs/active_customers/install", "", 202, `do install "active_customers"`, "sync.install active_customers", ""},
	}
	for _, action := range []string{"stop", "start", "uninstall", "reinstall", "erase"} {
		all = append(all,
			route{"POST", in + "/" + action, "", 202, `do ` + action + ` ""`, "installation." + action + " ", "{}"},
			route{
				"POST", in + "/syncs/active_customer_contracts/" + action, "", 202,
				`do ` + action + ` "active_customer_contracts"`, "sync." + action + " active_customer_contracts", "{}",
			})
	}
	return all
}

func TestRoutes(t *testing.T) {
	for _, tc := range routes() {
		t.Run(tc.method+" "+tc.path, func(t *testing.T) {
			f := &fake{}
			resp := send(t, served(f.config()), tc.method, tc.path, tc.body)
			body := text(t, resp)
			if resp.StatusCode != tc.status || !strings.Contains(body, tc.answer) {
				t.Errorf("got %d %s; want %d with %s", resp.StatusCode, body, tc.status, tc.answer)
			}
			if got := strings.Join(f.asked, "; "); got != tc.asked {
				t.Errorf("asked %q, want %q", got, tc.asked)
			}
			audited := ""
			for _, e := range f.audited {
				audited += e.Action + " " + e.Detail
				if !e.OK || e.Actor != "api" || e.Who != "root" || e.Address != "203.0.113.9" || e.Request != "r-1" || e.At.IsZero() || strings.Contains(fmt.Sprint(e), "s3cr3t") ||
					strings.Contains(fmt.Sprint(e), "shown once") {
					t.Errorf("audit entry %+v", e)
				}
			}
			if audited != tc.audited {
				t.Errorf("audited %q, want %q", audited, tc.audited)
			}
			h := resp.Header
			contentType := "application/json"
			if tc.status == http.StatusNoContent {
				contentType = ""
			}
			if h.Get("Content-Type") != contentType || h.Get("Cache-Control") != "no-store" || h.Get("ETag") != "" {
				t.Errorf("headers %v", h)
			}
		})
	}
}

func TestRefusalsOfTheSyncSide(t *testing.T) {
	for _, tc := range routes() {
		if tc.path == "/zones" || tc.path == "/tokens" && tc.method == "GET" {
			continue // has no error
		}
		t.Run(tc.method+" "+tc.path, func(t *testing.T) {
			core, logs := observer.New(zap.DebugLevel)
			f := &fake{err: errors.New("nats: no responders")}
			cfg := f.config()
			cfg.Log = zap.New(core)
			p := problem(t, send(t, served(cfg), tc.method, tc.path, tc.body))
			if p.Status != 500 || p.Code != v1.CodeInternal || strings.Contains(fmt.Sprint(p), "nats") {
				t.Errorf("got %+v", p)
			}
			if all := logs.All(); len(all) != 1 || all[0].ContextMap()[v1.LogCause] != "nats: no responders" {
				t.Errorf("log %v", all)
			}
			if tc.audited != "" && (len(f.audited) != 1 || f.audited[0].OK ||
				!strings.HasSuffix(f.audited[0].Detail, "internal")) {
				t.Errorf("audit %+v", f.audited)
			}

			f = &fake{err: fmt.Errorf("store it: %w", &kv.TooLargeError{Key: "one", Size: 2_000_000, Max: 1_000_000})}
			p = problem(t, send(t, served(f.config()), tc.method, tc.path, tc.body))
			if p.Status != 422 || !strings.Contains(p.Detail, "2000000 bytes, at most 1000000") || strings.Contains(p.Detail, "one") {
				t.Errorf("too large: got %+v", p)
			}

			want := v1.NewProblem(409, v1.CodeAlreadyInstalled, "Installed already.", "Use the other one.")
			want.Checks = []v1.Check{{Name: "zone", Detail: "d", Fix: "f"}}
			f = &fake{err: fmt.Errorf("do it: %w", want)}
			got := problem(t, send(t, served(f.config()), tc.method, tc.path, tc.body))
			if diff := cmp.Diff(*want, got); diff != "" {
				t.Error(diff)
			}
		})
	}
}

// A write that panicked may have done a part of what it was to do: the audit must say so.
func TestPanicOfAWriteIsAnsweredLoggedAndAudited(t *testing.T) {
	for _, tc := range routes() {
		if tc.audited == "" {
			continue
		}
		t.Run(tc.method+" "+tc.path, func(t *testing.T) {
			core, logs := observer.New(zap.DebugLevel)
			f := &fake{panics: "at the disco"}
			cfg := f.config()
			cfg.Log = zap.New(core)
			p := problem(t, send(t, served(cfg), tc.method, tc.path, tc.body))
			if p.Status != 500 || p.Code != v1.CodeInternal || strings.Contains(fmt.Sprint(p), "disco") {
				t.Errorf("got %+v", p)
			}
			if all := logs.All(); len(all) != 1 || all[0].ContextMap()[v1.LogCause] != "at the disco" || all[0].ContextMap()["stack"] == "" {
				t.Errorf("log %v", all)
			}
			if len(f.audited) != 1 || f.audited[0].OK || !strings.HasSuffix(f.audited[0].Detail, "internal") {
				t.Errorf("audit %+v", f.audited)
			}
		})
	}
}

func TestUnknownPathsMethodsAndIDs(t *testing.T) {
	f := &fake{}
	h := served(f.config())
	for _, tc := range []struct {
		method, path string
		status       int
		allow        string
	}{
		{"GET", "/nothing", 404, ""},
		{"GET", "/installations/", 404, ""},
		{"GET", "/installations/" + nowhere, 404, ""},
		{"GET", "/installations/" + strings.ToUpper(one), 404, ""},
		{"GET", "/installations/..%2f..%2fstatus", 404, ""},
		{"POST", "/installations/*/stop", 404, ""},
		{"POST", "/installations/" + one + "/explode", 404, ""},
		{"POST", "/installations/" + one + "/install", 404, ""},
		{"POST", "/installations/" + one + "/syncs/all/stop", 404, ""},
		{"GET", "/installations/" + one + "/records/contact/7", 404, ""},
		{"GET", "/installations/" + one + "/records/company/x", 404, ""},
		{"GET", "/installations/" + one + "/records/company/-1", 404, ""},
		{"GET", "/installations/" + one + "/records/company/007", 404, ""},
		{"GET", "/installations/" + one + "/records/company/99999999999999999999", 404, ""},
		{"GET", "/installations/" + one + "/jobs/a.b", 404, ""},
		{"GET", "/installations/" + nowhere + "/feed", 404, ""},
		{"GET", "/installations/x/feed", 404, ""},
		{"GET", "/installations/" + nowhere + "/dead-letters", 404, ""},
		{"GET", "/installations/" + nowhere + "/history", 404, ""},
		{"GET", "/installations/" + nowhere + "/activity", 404, ""},
		{"GET", "/installations/" + nowhere + "/jobs", 404, ""},
		{"POST", "/installations/" + one + "/history", 405, "GET, HEAD, OPTIONS"},
		{"POST", "/installations/" + one + "/dead-letters/a.b/dismiss", 404, ""},
		{"POST", "/installations/" + one + "/held/keep", 404, ""},
		{"GET", "/installations/" + one + "/records/company/x/explain", 404, ""},
		{"GET", "/installations/" + one + "/resyncs", 405, "POST, OPTIONS"},
		{"GET", "/installations/" + one + "/jobs/" + strings.Repeat("j", 65), 404, ""},
		{"DELETE", "/installations/" + one, 405, "GET, HEAD, PATCH, OPTIONS"},
		{"PUT", "/installations", 405, "GET, HEAD, POST, OPTIONS"},
		{"GET", "/installations/" + one + "/stop", 405, "POST, OPTIONS"},
		{"POST", "/status", 405, "GET, HEAD, OPTIONS"},
	} {
		resp := send(t, h, tc.method, tc.path, "")
		if resp.StatusCode != tc.status || resp.Header.Get("Allow") != tc.allow {
			t.Errorf("%s %s: got %d, Allow %q; want %d, %q",
				tc.method, tc.path, resp.StatusCode, resp.Header.Get("Allow"), tc.status, tc.allow)
		}
		problem(t, resp)
	}
	if resp := send(t, h, "HEAD", "/status", ""); resp.StatusCode != 200 {
		t.Errorf("HEAD: got %d", resp.StatusCode)
	}
	if resp := send(t, h, "OPTIONS", "/status", ""); resp.StatusCode != 204 || resp.Header.Get("Allow") != "GET, HEAD, OPTIONS" {
		t.Errorf("OPTIONS: got %d, Allow %q", resp.StatusCode, resp.Header.Get("Allow"))
	}
}

func TestWrongQueries(t *testing.T) {
	for _, tc := range []struct{ method, path, pointer string }{
		{"GET", "/installations/" + one + "/records?limit=0", "?limit"},
		{"GET", "/installations/" + one + "/records?limit=501", "?limit"},
		{"GET", "/installations/" + one + "/records/company/7/versions?at=yesterday", "?at"},
		{"GET", "/installations/" + one + "/records/company/7/versions?at=2026-11-03&cursor=3", "?cursor"},
		{"GET", "/installations/" + one + "/records/company/7/versions?at=2026-11-03+10:00", "?at"},
		{"GET", "/installations/" + one + "/records?limit=ten", "?limit"},
		{"GET", "/installations/" + one + "/records?limit=1&limit=2", "?limit"},
		{"GET", "/installations/" + one + "/records?kind=contact", "?kind"},
		{"GET", "/installations/" + one + "/records?outcome=happy", "?outcome"},
		{"GET", "/installations/" + one + "/records?q=" + strings.Repeat("q", 201), "?q"},
		{"GET", "/installations/" + one + "/records?cursor=" + strings.Repeat("c", 1025), "?cursor"},
		{"GET", "/installations/" + one + "/records?limt=5", "?limt"},
		{"GET", "/installations/" + one + "/records?reason=" + strings.Repeat("r", 65), "?reason"},
		{"GET", "/installations/" + one + "/records?reason=nonsense", "?reason"},
		{"GET", "/installations/" + one + "/records/counts?reason=nonsense", "?reason"},
		{"GET", "/installations/" + one + "/drift?state=odd", "?state"},
		{"GET", "/installations?issue=nonsense", "?issue"},
		{"GET", "/status?issue=nonsense", "?issue"},
		{"GET", "/installations/" + one + "/records/counts?kind=contact", "?kind"},
		{"GET", "/installations/" + one + "/records/counts?limit=5", "?limit"},
		{"GET", "/audit?limit=-1", "?limit"},
		{"GET", "/audit?installation=acme", "?installation"},
		{"GET", "/installations/" + one + "/activity?limit=0", "?limit"},
		{"GET", "/installations/" + one + "/activity?outcome=dead", "?outcome"},
		{"GET", "/installations/" + one + "/jobs?state=done", "?state"},
		{"GET", "/status?verbose=1", "?verbose"},
		{"POST", "/installations?test=yes", "?test"},
		{"POST", "/installations?preview=true", "?preview"},
		{"PATCH", "/installations/" + one + "?preview=1", "?preview"},
		{"PATCH", "/installations/" + one + "?preveiw=true", "?preveiw"},
		{"POST", "/installations/" + one + "/erase?dryRun=true", "?dryRun"},
		{"POST", "/tokens/t-1/rotate?now=yes", "?now"},
		{"DELETE", "/tokens/t-1?now=true", "?now"},
		{"POST", "/installations/" + one + "/resyncs?dryRun=true", "?dryRun"},
		{"POST", "/installations/" + one + "/held/discard?dryRun=true", "?dryRun"},
		{"GET", "/installations/" + one + "/dead-letters?limit=501", "?limit"},
		{"GET", "/installations/" + one + "/feed?since=1", "?since"},
		{"GET", "/installations/" + one + "/history?hours=48", "?hours"},
		{"GET", "/installations/" + one + "/records/company/7/explain?live=1", "?live"},
	} {
		f := &fake{}
		p := problem(t, send(t, served(f.config()), tc.method, tc.path, ""))
		if p.Status != 422 || p.Code != v1.CodeInvalid || len(p.Errors) != 1 || p.Errors[0].Pointer != tc.pointer ||
			!strings.HasPrefix(p.Errors[0].Detail, "got ") || !strings.Contains(p.Errors[0].Detail, "want ") {
			t.Errorf("%s %s: got %+v", tc.method, tc.path, p)
		}
		if len(f.asked)+len(f.audited) != 0 {
			t.Errorf("%s %s: asked %q", tc.method, tc.path, f.asked)
		}
	}
}

func TestCreated(t *testing.T) {
	f := &fake{}
	resp := send(t, served(f.config()), "POST", "/installations", goodCreate, access.ActorHeader, "cli")
	if got := resp.Header.Get("Location"); got != "/installations/"+one {
		t.Errorf("Location %q", got)
	}
	if f.created.Secret != "s3cr3t" || f.created.TrackingIdentifier != "TRACK" || f.created.ChannelProgram.Token != "t0k3n" {
		t.Errorf("secrets arrived as %q", f.created.Secret.Reveal())
	}
	want := v1.AuditEntry{
		At: f.config().Now(), Who: "root", Actor: "cli", Address: "203.0.113.9", Request: "r-1", Action: "installation.create", Installation: one, OK: true,
	}
	if diff := cmp.Diff([]v1.AuditEntry{want}, f.audited); diff != "" {
		t.Error(diff)
	}
}

func TestActors(t *testing.T) {
	for header, want := range map[string]string{"": "api", "cli": "cli", "console": "console", "root": "api"} {
		f := &fake{}
		send(t, served(f.config()), "POST", "/installations/"+one+"/stop", "", access.ActorHeader, header)
		if f.audited[0].Actor != want {
			t.Errorf("%q: got %q, want %q", header, f.audited[0].Actor, want)
		}
	}
}

func TestAuditOutlivesTheClient(t *testing.T) {
	f := &fake{}
	cfg := f.config()
	kept := &lastContext{}
	cfg.Auditor = kept
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	r, err := http.NewRequestWithContext(ctx, "POST", "/installations/"+one+"/stop", nil)
	harness.OK(t, err)
	served(cfg).ServeHTTP(discard{http.Header{}}, r)
	if !kept.called || kept.err != nil {
		t.Errorf("audit called %v with context error %v", kept.called, kept.err)
	}
}

type lastContext struct {
	called bool
	err    error
}

func (l *lastContext) Audit(ctx context.Context, _ v1.AuditEntry) { l.called, l.err = true, ctx.Err() }

type discard struct{ header http.Header }

func (d discard) Header() http.Header         { return d.header }
func (d discard) Write(b []byte) (int, error) { return len(b), nil }
func (d discard) WriteHeader(int)             {}

// slow takes longer than the server's read timeout, on a timer that ends with the request.
type slow struct{ *fake }

func (s slow) Test(ctx context.Context, _ string) (v1.Checks, error) {
	timer := time.NewTimer(300 * time.Millisecond)
	defer timer.Stop()
	select {
	case <-timer.C:
		return v1.Checks{}, nil
	case <-ctx.Done():
		return v1.Checks{}, context.Cause(ctx)
	}
}

func (s slow) TryCreate(ctx context.Context, _ v1.CreateInstallation) (v1.Checks, error) {
	return s.Test(ctx, "")
}

func TestSlowWorkOutlivesTheReadTimeout(t *testing.T) {
	f := &fake{}
	cfg := f.config()
	cfg.Setup, cfg.Settings = slow{f}, slow{f}
	srv := httptest.NewUnstartedServer(served(cfg))
	srv.Config.ReadTimeout = 100 * time.Millisecond
	srv.Start()
	defer srv.Close()
	for path, body := range map[string]string{"/installations/" + one + "/test": "", "/installations?test=only": goodCreate} {
		resp, err := srv.Client().Post(srv.URL+path, "application/json", strings.NewReader(body))
		harness.OK(t, err)
		_ = resp.Body.Close()
		if resp.StatusCode != 200 {
			t.Errorf("%s: got %d, want 200", path, resp.StatusCode)
		}
	}
}
