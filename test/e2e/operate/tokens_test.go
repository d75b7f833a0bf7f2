package operate

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/cookiejar"
	"net/url"
	"strings"
	"testing"
	"time"

	"channelsync/api/client"
	v1 "channelsync/api/v1"
	"channelsync/test/harness"
	"channelsync/test/harness/service"
)

// endsWithin is what the API promises of a token that was deleted.
const endsWithin = 5 * time.Second

// clientOf is a client with a token of its own.
func clientOf(w *service.Harness, token string) *client.Client {
	w.T.Helper()
	transport := &http.Transport{}
	w.T.Cleanup(transport.CloseIdleConnections)
	c, err := client.New(client.Config{URL: w.AdminURL, Token: v1.Secret(token), Transport: transport})
	harness.OK(w.T, err)
	return c
}

func refusedWith(t *testing.T, err error, status int, code string) {
	t.Helper()
	if p, ok := errors.AsType[*v1.Problem](err); !ok || p.Status != status || p.Code != code {
		t.Errorf("got %v, want %d %s", err, status, code)
	}
}

// TestADeletedTokenEndsWithItsFeedsAndSessions on a running service, after a restart too.
func TestADeletedTokenEndsWithItsFeedsAndSessions(t *testing.T) {
	t.Parallel()
	w := start(t, service.Options{})
	w.Company("Northwind Dental")
	in := w.Install(customers)
	made, err := w.Admin.CreateToken(t.Context(), v1.CreateToken{Name: "ops", Role: v1.RoleOperator, Installations: []string{in.ID}})
	harness.OK(t, err)
	w.Stop()
	w.Start()
	ops := clientOf(w, made.Token)
	if all, err := ops.Installations(t.Context()); err != nil || len(all) != 1 {
		t.Fatalf("after a restart: %v, %v", all, err)
	}
	if err := ops.Act(t.Context(), in.ID, "", "stop"); err != nil {
		t.Errorf("an operator stops: %v", err)
	}
	refusedWith(t, ops.Act(t.Context(), in.ID, "", "erase"), 403, v1.CodeForbidden)
	_, err = ops.Tokens(t.Context())
	refusedWith(t, err, 403, v1.CodeForbidden)

	// What is open: a feed and a page of the console, both without an end of their own.
	browser := loggedIn(t, w, made.Token)
	ended := make(chan string, 2)
	for path, by := range map[string]*http.Client{"/api/v1/installations/" + in.ID + "/feed": nil, "/installations/" + in.ID: browser} {
		open(t, w, ended, stream{path, by, made.Token})
	}

	harness.OK(t, w.Admin.DeleteToken(t.Context(), made.ID))
	deadline := time.NewTimer(endsWithin)
	defer deadline.Stop()
	for range 2 {
		select {
		case <-ended:
		case <-deadline.C:
			t.Fatalf("a feed or a page of a deleted token is open after %s", endsWithin)
		}
	}
	_, err = ops.Installations(t.Context())
	refusedWith(t, err, 401, v1.CodeUnauthenticated)
	audited(w, v1.AuditEntry{Who: "ops", Action: "installation.stop", Installation: in.ID, OK: true})
	audited(w, v1.AuditEntry{Who: "ops", Action: "access", Installation: in.ID, Detail: "POST /installations/{id}/erase: forbidden"})
	audited(w, v1.AuditEntry{Who: "root", Action: "token.delete", Detail: "ops", OK: true})
	audited(w, v1.AuditEntry{Action: "log-in", Detail: v1.CodeUnauthenticated})
	if verified, err := w.Admin.VerifyAudit(t.Context()); err != nil || !verified.OK || verified.Entries < 6 || verified.Last != uint64(verified.Entries) {
		t.Errorf("the chain of the audit: %+v, %v", verified, err)
	}
	resp, err := browser.Get(w.AdminURL + "/installations/" + in.ID)
	harness.OK(t, err)
	_ = resp.Body.Close()
	if resp.Request.URL.Path != "/login" {
		t.Errorf("the session goes on: %s answered %d", resp.Request.URL, resp.StatusCode)
	}
}

// audited waits for an entry from this machine.
func audited(w *service.Harness, want v1.AuditEntry) {
	w.T.Helper()
	w.Eventually("the audit has "+want.Who+" "+want.Action, soon, func() error {
		page, err := w.Admin.Audit(w.T.Context(), v1.AuditQuery{Limit: 100})
		for _, e := range page.Items {
			if e.Address == "127.0.0.1" && e.Request != "" && e.Who == want.Who && e.Action == want.Action && e.Installation == want.Installation &&
				(want.Detail == "" || e.Detail == want.Detail) && e.OK == want.OK {
				return nil
			}
		}
		return errors.Join(err, fmt.Errorf("it has %+v", page.Items))
	})
}

// stream is an answer without an end: a page of a browser's, or what a token asks for.
type stream struct {
	path    string
	browser *http.Client
	token   string
}

// open opens a stream, and tells when it has ended.
func open(t *testing.T, w *service.Harness, ended chan<- string, s stream) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), soon)
	t.Cleanup(cancel)
	r, err := http.NewRequestWithContext(ctx, http.MethodGet, w.AdminURL+s.path, nil)
	harness.OK(t, err)
	r.Header.Set("Accept", "text/event-stream")
	by := s.browser
	if by == nil {
		transport := &http.Transport{}
		t.Cleanup(transport.CloseIdleConnections)
		by = &http.Client{Transport: transport}
		r.Header.Set("Authorization", "Bearer "+s.token)
	}
	resp, err := by.Do(r)
	harness.OK(t, err)
	if resp.StatusCode != http.StatusOK {
		t.Fatalf("%s: got %d", s.path, resp.StatusCode)
	}
	go func() {
		_, _ = io.Copy(io.Discard, resp.Body)
		_ = resp.Body.Close()
		ended <- s.path
	}()
}

// loggedIn is a browser with a session.
func loggedIn(t *testing.T, w *service.Harness, token string) *http.Client {
	t.Helper()
	jar, err := cookiejar.New(nil)
	harness.OK(t, err)
	transport := &http.Transport{}
	t.Cleanup(transport.CloseIdleConnections)
	browser := &http.Client{Jar: jar, Transport: transport}
	resp, err := browser.Post(w.AdminURL+"/login", "application/x-www-form-urlencoded", strings.NewReader(url.Values{"token": {token}}.Encode()))
	harness.OK(t, err)
	_ = resp.Body.Close()
	if resp.StatusCode != http.StatusOK || resp.Request.URL.Path != "/" {
		t.Fatalf("log-in: %d at %s", resp.StatusCode, resp.Request.URL)
	}
	return browser
}
