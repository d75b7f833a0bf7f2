package lifecycle

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/cookiejar"
	"net/url"
	"regexp"
	"strings"
	"testing"

	"channelsync/api/client"
	v1 "channelsync/api/v1"
	"channelsync/test/harness"
	"channelsync/test/harness/service"
	atsim "channelsync/test/sim/autotask/sim"
	cpsim "channelsync/test/sim/channelprogram/sim"
)

// limited is somebody with a token for one of two installations.
type limited struct {
	t           *testing.T
	w           *service.Harness
	mine, other *neighbour
	company     int64 // of the other one
	token       string
	transport   *http.Transport
}

const (
	ownClient   = "Clinic of my own"
	otherClient = "Dentist of somebody else"
	nowhere     = "01hzx3q8r9k2m4n6p8s0t2v4w6" // an installation that never was
)

func newLimited(t *testing.T) *limited {
	t.Helper()
	both := neighbours(t, 2)
	x := &limited{t: t, mine: both[0], other: both[1], transport: &http.Transport{}}
	t.Cleanup(x.transport.CloseIdleConnections)
	x.w = service.New(t, service.Options{
		Autotask: service.Unlimited(),
		Target:   cpsim.Config{Connections: []cpsim.Connection{{ID: x.mine.connection, Token: x.mine.token()}, {ID: x.other.connection, Token: x.other.token()}}},
		Wrap: func(rest http.Handler) http.Handler {
			return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				for _, n := range both {
					if strings.EqualFold(r.Header.Get("UserName")+r.URL.Query().Get("user"), n.user) {
						n.ServeHTTP(w, r)
						return
					}
				}
				rest.ServeHTTP(w, r)
			})
		},
	})
	x.mine.Put("Companies", atsim.Row{"companyName": ownClient, "companyType": 1, "isActive": true})
	x.company = x.other.Put("Companies", atsim.Row{"companyName": otherClient, "companyType": 1, "isActive": true})
	for _, n := range both {
		n.create(x.w)
		is(x.w, n.installation, v1.StateLive)
		x.w.Eventually("a client of "+n.user, soon, func() error {
			if len(x.w.Target.Clients(n.connection)) == 0 {
				return errors.New("there is none")
			}
			return nil
		})
		// Something of everything that can be listed, and a refusal.
		if _, err := x.w.Admin.CreateBridge(t.Context(), n.installation, "bridge of "+n.user); err != nil {
			t.Fatal(err)
		}
		if _, err := x.w.Admin.Resync(t.Context(), n.installation, v1.ResyncRequest{}); err != nil {
			t.Fatal(err)
		}
		x.w.Quiesce(n.installation)
	}
	made, err := x.w.Admin.CreateToken(t.Context(), v1.CreateToken{Name: "limited", Role: v1.RoleAdmin, Installations: []string{x.mine.installation}})
	harness.OK(t, err)
	x.token = made.Token
	return x
}

// clean fails when an answer has a trace of the other installation.
func (x *limited) clean(where, answer string) {
	x.t.Helper()
	for _, trace := range []string{x.other.installation, x.other.user, x.other.connection, otherClient} {
		if strings.Contains(answer, trace) {
			x.t.Errorf("%s has %q of the other installation: %s", where, trace, answer)
		}
	}
}

func (x *limited) ask(method, path string) (int, string) {
	x.t.Helper()
	r, err := http.NewRequestWithContext(x.t.Context(), method, x.w.AdminURL+"/api/v1"+path, http.NoBody)
	harness.OK(x.t, err)
	r.Header.Set("Authorization", "Bearer "+x.token)
	resp, err := (&http.Client{Transport: x.transport}).Do(r)
	return read(x.t, resp, err)
}

func read(t *testing.T, resp *http.Response, err error) (int, string) {
	t.Helper()
	harness.OK(t, err)
	defer func() { _ = resp.Body.Close() }()
	body, err := io.ReadAll(resp.Body)
	harness.OK(t, err)
	return resp.StatusCode, string(body)
}

// TestATokenForOneInstallationSeesNoTraceOfAnother in whatever it reads: the API's lists, searches, audit, feed and refusals,
// and every page of the console that a link leads to.
func TestATokenForOneInstallationSeesNoTraceOfAnother(t *testing.T) {
	t.Parallel()
	x := newLimited(t)
	t.Run("API", func(t *testing.T) {
		x.t = t
		record := "/records/company/" + service.Text(x.company)
		for _, path := range []string{
			"/installations", "/status", "/audit?limit=500", "/audit?installation=" + x.other.installation, "/zones",
			"/installations/{id}", "/installations/{id}/records?kind=company", "/installations/{id}/records?q=" + url.QueryEscape("somebody"),
			"/installations/{id}/records/counts", "/installations/{id}/jobs", "/installations/{id}/dead-letters", "/installations/{id}/bridges",
			"/installations/{id}/activity", "/installations/{id}/history", "/installations/{id}" + record, "/installations/{id}" + record + "/explain",
		} {
			status, answer := x.ask("GET", strings.ReplaceAll(path, "{id}", x.mine.installation))
			if status != 200 && status != 404 {
				t.Errorf("%s: %d %s", path, status, answer)
			}
			x.clean(path, answer)
			if !strings.Contains(path, "{id}") {
				continue
			}
			status, answer = x.ask("GET", strings.ReplaceAll(path, "{id}", x.other.installation))
			if wantStatus, want := x.ask("GET", strings.ReplaceAll(path, "{id}", nowhere)); status != 404 || status != wantStatus || answer != want {
				t.Errorf("%s of the other one: %d %s; of one that never was: %d %s", path, status, answer, wantStatus, want)
			}
		}
		for _, path := range []string{"/stop", "/erase", "/resyncs", "/webhooks/repair", record + "/reconcile"} {
			status, answer := x.ask("POST", "/installations/"+x.other.installation+path)
			if wantStatus, want := x.ask("POST", "/installations/"+nowhere+path); status != 404 || status != wantStatus || answer != want {
				t.Errorf("POST %s of the other one: %d %s; of one that never was: %d %s", path, status, answer, wantStatus, want)
			}
		}
		_, answer := x.ask("GET", "/audit?limit=500") // what was refused just now is not in it by a name that it does not see
		x.clean("the audit of what was refused", answer)
		if strings.Contains(answer, `"who":"root"`) || !strings.Contains(answer, `"who":"somebody else","actor":"api","action":"installation.create"`) {
			t.Errorf("the audit names others: %s", answer)
		}
	})
	t.Run("console", func(t *testing.T) {
		x.t = t
		x.crawl(15)
	})
	t.Run("feed", func(t *testing.T) {
		x.t = t
		x.follow()
	})
}

// crawl opens every page that a link leads to.
func (x *limited) crawl(atLeast int) {
	jar, err := cookiejar.New(nil)
	harness.OK(x.t, err)
	browser := &http.Client{Jar: jar, Transport: x.transport}
	resp, err := browser.PostForm(x.w.AdminURL+"/login", url.Values{"token": {x.token}})
	if status, page := read(x.t, resp, err); status != 200 {
		x.t.Fatalf("log-in: %d %s", status, page)
	}
	link := regexp.MustCompile(`(?:href|action)="(/[^"]*)"`)
	todo, seen := []string{"/", "/installations/" + x.other.installation, "/audit?installation=" + x.other.installation}, map[string]bool{}
	shown := 0
	for len(todo) > 0 && len(seen) < 300 {
		path := strings.ReplaceAll(todo[0], "&amp;", "&")
		todo = todo[1:]
		if seen[path] || strings.HasPrefix(path, "/assets/") || strings.Contains(path, "/bundle") {
			continue
		}
		seen[path] = true
		resp, err := browser.Get(x.w.AdminURL + path)
		status, page := read(x.t, resp, err)
		if strings.Contains(path, x.other.installation) { // asked for by name: the address may come back in the page
			page = strings.ReplaceAll(page, x.other.installation, "")
		}
		x.clean("page "+path, page)
		for _, word := range []string{"/readyz", "/metrics", `href="/tokens`, "<bdi>root</bdi>", "Install for another company"} { // of the service, or of its operators
			if strings.Contains(page, word) {
				x.t.Errorf("page %s has %q of the service", path, word)
			}
		}
		if status == http.StatusOK {
			shown++
		}
		for _, to := range link.FindAllStringSubmatch(page, -1) {
			todo = append(todo, to[1])
		}
	}
	if shown < atLeast {
		x.t.Errorf("only %d pages were shown: %v", shown, seen)
	}
}

// follow follows the feed of the one while both change.
func (x *limited) follow() {
	c, err := client.New(client.Config{URL: x.w.AdminURL, Token: v1.Secret(x.token), Transport: x.transport})
	harness.OK(x.t, err)
	for _, err := range c.Feed(x.t.Context(), x.other.installation) {
		if p := problemOf(x.t, err); p.Status != 404 {
			x.t.Errorf("the feed of the other one: %v", err)
		}
	}
	ctx, cancel := context.WithTimeout(x.t.Context(), soon)
	defer cancel()
	events := make(chan v1.FeedEvent, 100)
	go func() {
		defer close(events)
		for e, err := range c.Feed(ctx, x.mine.installation) {
			if err != nil {
				return
			}
			events <- e
		}
	}()
	own := 0
	for n := 0; own == 0; n++ { // a feed has nothing of before it
		for _, one := range []*neighbour{x.other, x.mine} {
			name := map[*neighbour]string{x.other: otherClient, x.mine: ownClient}[one]
			one.Put("Companies", atsim.Row{"companyName": fmt.Sprint(name, " ", n), "companyType": 1, "isActive": true})
			x.w.Eventually("the edit of "+one.user, soon, func() error {
				for _, c := range x.w.Target.Clients(one.connection) {
					if c.Data.Name == fmt.Sprint(name, " ", n) {
						return nil
					}
				}
				return errors.New("it has not arrived")
			})
		}
		for len(events) > 0 {
			e := <-events
			x.clean("the feed", fmt.Sprintf("%+v", e))
			own++
		}
		if ctx.Err() != nil {
			x.t.Fatal("the feed says nothing")
		}
	}
}
