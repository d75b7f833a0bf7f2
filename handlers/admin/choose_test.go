package admin

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	v1 "channelsync/api/v1"
	"channelsync/handlers/internal/identity"
)

// severalThere is some installations, by name as they are listed.
type severalThere struct {
	*fake
	all   []v1.Installation
	polls *atomic.Int64
}

func (f severalThere) List(context.Context) ([]v1.Installation, error) {
	f.polls.Add(1)
	return f.all, nil
}

func (f severalThere) Status(context.Context) (v1.Status, error) {
	st := v1.Status{Version: "test"}
	for _, in := range f.all {
		st.Installations = append(st.Installations, v1.InstallationStatus{
			ID: in.ID, Name: in.Name, State: in.State, Backlog: in.Backlog, Freshness: in.Freshness, Issues: in.Issues,
		})
	}
	return st, nil
}

func idOf(n int) string { return fmt.Sprintf("01jxfleet%017d", n) }

func allOfThem() severalThere {
	at := func(minutes int) v1.Freshness {
		t := time.Date(2026, 11, 30, 10, minutes, 0, 0, time.UTC)
		return v1.Freshness{LastAt: &t}
	}
	refused := v1.Issue{Code: "credentials_refused", Severity: v1.SeverityAct, Title: "Autotask refused the credentials", Fix: "Enter new ones."}
	rejected := v1.Issue{Code: "rejected", Severity: v1.SeverityAct, Title: "Rejected", Records: 3}
	slow := v1.Issue{Code: "throttled", Severity: v1.SeverityRetrying, Title: "Throttled"}
	f := severalThere{fake: &fake{}, polls: &atomic.Int64{}, all: []v1.Installation{
		{Name: "Acme", State: v1.StateLive, Freshness: at(5)},
		{Name: "Böhm & Söhne", State: v1.StateNeedsCredentials, Issues: []v1.Issue{refused}},
		{Name: "Corax", State: v1.StateLive, Backlog: 40, Freshness: at(9)},
		{Name: "Delta", State: v1.StateDegraded, Issues: []v1.Issue{slow}, Backlog: 7},
		{Name: "Echo", State: v1.StateLive, Issues: []v1.Issue{rejected, slow}, Freshness: at(1)},
		{Name: "Fox", State: v1.StateNeedsCredentials, Issues: []v1.Issue{refused}},
		{Name: "Golf", State: v1.StateStopped},
	}}
	for i := range f.all {
		f.all[i].ID = idOf(i)
	}
	return f
}

func TestInstallationsAreFilteredSortedAndPaged(t *testing.T) {
	f := allOfThem()
	cfg := f.config()
	cfg.Installations = f
	for query, want := range map[string]string{
		"":                                    "Acme Böhm & Söhne Corax Delta Echo Fox Golf",
		"?q=bohm":                             "Böhm & Söhne",
		"?q=" + idOf(2):                       "Corax",
		"?q=nobody":                           "",
		"?state=live":                         "Acme Corax Echo",
		"?standing=catching_up":               "Corax",
		"?standing=needs_attention":           "Echo",
		"?issue=any":                          "Böhm & Söhne Delta Echo Fox",
		"?issue=none":                         "Acme Corax Golf",
		"?issue=act":                          "Böhm & Söhne Echo Fox",
		"?issue=retrying":                     "Delta Echo",
		"?issue=credentials_refused":          "Böhm & Söhne Fox",
		"?issue=credentials_refused&q=fox":    "Fox",
		"?sort=-name":                         "Golf Fox Echo Delta Corax Böhm & Söhne Acme",
		"?sort=standing":                      "Böhm & Söhne Fox Delta Echo Corax Acme Golf",
		"?sort=state":                         "Delta Acme Corax Echo Böhm & Söhne Fox Golf",
		"?sort=issues":                        "Echo Böhm & Söhne Fox Delta Acme Corax Golf",
		"?sort=backlog":                       "Corax Delta Acme Böhm & Söhne Echo Fox Golf",
		"?sort=change":                        "Corax Acme Echo Böhm & Söhne Delta Fox Golf",
		"?limit=3":                            "Acme Böhm & Söhne Corax →3",
		"?limit=3&cursor=3":                   "Delta Echo Fox →6",
		"?limit=3&cursor=6":                   "Golf",
		"?limit=3&cursor=900":                 "",
		"?limit=2&cursor=1&sort=-change":      "Delta Fox →3",
		"?limit=2&issue=any&sort=standing":    "Böhm & Söhne Fox →2",
		"?limit=500&standing=action_required": "Böhm & Söhne Fox",
	} {
		var list v1.InstallationList
		var status v1.Status
		for path, into := range map[string]any{"/installations": &list, "/status": &status} {
			if err := json.Unmarshal([]byte(text(t, send(t, served(cfg), "GET", path+query, ""))), into); err != nil {
				t.Fatalf("%s%s: %v", path, query, err)
			}
		}
		var listed, lines []string
		for _, in := range list.Items {
			listed = append(listed, in.Name)
		}
		for _, in := range status.Installations {
			lines = append(lines, in.Name)
		}
		if list.NextCursor != nil {
			listed = append(listed, "→"+*list.NextCursor)
		}
		if status.NextCursor != nil {
			lines = append(lines, "→"+*status.NextCursor)
		}
		if got := strings.Join(listed, " "); got != want {
			t.Errorf("/installations%s: got %q, want %q", query, got, want)
		}
		if got := strings.Join(lines, " "); got != want {
			t.Errorf("/status%s: got %q, want %q", query, got, want)
		}
	}
	for _, query := range []string{"?state=broken", "?standing=x", "?sort=-", "?sort=id", "?limit=0", "?limit=501", "?cursor=-1", "?cursor=a", "?counts=yes", "?page=1"} {
		if resp := send(t, served(cfg), "GET", "/installations"+query, ""); resp.StatusCode != 422 {
			t.Errorf("%s: got %d, want 422", query, resp.StatusCode)
		}
	}
}

// TestWhatWasAnsweredBeforeStaysSo: who asks for nothing gets the list as it was.
func TestWhatWasAnsweredBeforeStaysSo(t *testing.T) {
	f := allOfThem()
	cfg := f.config()
	cfg.Installations = f
	for path, keys := range map[string]string{"/installations": "items nextCursor", "/status": "installations ready version"} {
		var got map[string]json.RawMessage
		if err := json.Unmarshal([]byte(text(t, send(t, served(cfg), "GET", path, ""))), &got); err != nil {
			t.Fatal(err)
		}
		for _, key := range strings.Fields(keys) {
			if _, is := got[key]; !is {
				t.Errorf("%s lacks %s", path, key)
			}
			delete(got, key)
		}
		if len(got) != 0 {
			t.Errorf("%s has more: %v", path, got)
		}
	}
}

func TestInstallationsAreCountedForWhoeverAsks(t *testing.T) {
	f := allOfThem()
	cfg := f.config()
	cfg.Installations = f
	counts := func(who v1.Identity, query string) string {
		var list v1.InstallationList
		if err := json.Unmarshal([]byte(text(t, send(t, servedTo(cfg, who), "GET", "/installations?counts=true"+query, ""))), &list); err != nil {
			t.Fatal(err)
		}
		var issues []string
		for _, i := range list.Counts.Issues {
			issues = append(issues, fmt.Sprintf("%s %s %d/%d", i.Code, i.Severity, i.Installations, i.Records))
		}
		return fmt.Sprint(len(list.Items), " ", list.Counts.Found, "/", list.Counts.Total, " ", list.Counts.Standings, " ", issues)
	}
	root := v1.Identity{ID: "root", Role: v1.RoleAdmin}
	want := "1 3/7 map[action_required:2 catching_up:1 in_sync:1 needs_attention:1 retrying:1 stopped:1] [credentials_refused act 2/0 rejected act 1/3 throttled retrying 2/0]"
	if got := counts(root, "&issue=act&limit=1"); got != want {
		t.Errorf("got  %s\nwant %s", got, want)
	}
	scoped := v1.Identity{ID: "t-1", Role: v1.RoleViewer, Installations: []string{idOf(0), idOf(5)}}
	want = "2 2/2 map[action_required:1 in_sync:1] [credentials_refused act 1/0]"
	if got := counts(scoped, ""); got != want {
		t.Errorf("scoped: got  %s\nwant %s", got, want)
	}
}

// TestAListOfASecondAgoIsSharedByThoseWhoTakeIt, whoever they are, and shows each what it sees.
func TestAListOfASecondAgoIsSharedByThoseWhoTakeIt(t *testing.T) {
	f := allOfThem()
	now := time.Date(2026, 11, 30, 10, 0, 0, 0, time.UTC)
	cfg := f.config()
	cfg.Installations, cfg.Now = f, func() time.Time { return now }
	api := New(cfg)
	ask := func(who v1.Identity, age string) string {
		r := httptest.NewRequest(http.MethodGet, "/installations", nil)
		r.Header.Set("Cache-Control", age)
		w := httptest.NewRecorder()
		api.ServeHTTP(w, r.WithContext(identity.With(r.Context(), identity.Caller{Identity: who})))
		return w.Body.String()
	}
	root := v1.Identity{ID: "root", Role: v1.RoleAdmin}
	scoped := v1.Identity{ID: "t-1", Role: v1.RoleAdmin, Installations: []string{idOf(0)}}
	for i, step := range []struct {
		who   v1.Identity
		age   string
		later time.Duration
		polls int64
	}{
		{root, "max-age=1", 0, 1},
		{scoped, "max-age=1", 500 * time.Millisecond, 1},
		{scoped, "", 0, 2},
		{root, "", 0, 3},
		{root, "max-age=1", 999 * time.Millisecond, 3},
		{root, "max-age=3600", time.Millisecond, 4},
		{scoped, "max-age=1", 0, 4},
	} {
		now = now.Add(step.later)
		got := ask(step.who, step.age)
		if n := f.polls.Load(); n != step.polls {
			t.Errorf("step %d: looked %d times, want %d", i, n, step.polls)
		}
		if sees := strings.Contains(got, "Corax"); !strings.Contains(got, "Acme") || sees == step.who.Scoped() {
			t.Errorf("step %d: %s got %s", i, step.who.ID, got)
		}
	}
}
