package console

import (
	"crypto/sha256"
	"encoding/hex"
	"io"
	"net/http"
	"net/http/cookiejar"
	"net/http/httptest"
	"net/url"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/PuerkitoBio/goquery"

	v1 "channelsync/api/v1"
	"channelsync/handlers/console/oidc"
	"channelsync/test/harness/clock"
	"channelsync/test/harness/issuer"
)

// organisation is a console whose people log in at an issuer.
type organisation struct {
	*env
	issuer *issuer.Issuer
	url    string       // of the console
	at     *clock.Clock // by which the issuer is asked again
}

func newOrganisation(t *testing.T, people ...issuer.Person) *organisation {
	t.Helper()
	at := issuer.Start(t, people...)
	o := &organisation{issuer: at, at: clock.At(time.Now())} // the issuer has no other time
	o.env = newEnvFor(t, oidc.New(oidc.Config{
		Issuer: at.URL, ClientID: issuer.ClientID, ClientSecret: issuer.ClientSecret, RoleClaim: "groups",
		Roles: map[string]v1.Grant{
			"ops": {Role: v1.RoleOperator}, "finance": {Role: v1.RoleViewer}, "heads": {Role: v1.RoleAdmin}, "acme": {Role: v1.RoleOperator, Installation: one},
		}, Now: o.at.Now,
	}))
	srv := httptest.NewServer(o.handler)
	t.Cleanup(srv.Close)
	o.url = srv.URL
	at.Redirect(srv.URL + callbackPath)
	return o
}

// browser follows redirects and keeps cookies, as browsers do.
func browser(t *testing.T) *http.Client {
	t.Helper()
	jar, err := cookiejar.New(nil)
	if err != nil {
		t.Fatal(err)
	}
	transport := &http.Transport{}
	t.Cleanup(transport.CloseIdleConnections)
	return &http.Client{Jar: jar, Transport: transport}
}

// visited is where a browser came to.
type visited struct {
	*answered
	at *url.URL
}

func read(t *testing.T, resp *http.Response, err error) visited {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = resp.Body.Close() }()
	body, err := io.ReadAll(resp.Body)
	if err != nil {
		t.Fatal(err)
	}
	doc, err := goquery.NewDocumentFromReader(strings.NewReader(string(body)))
	if err != nil {
		t.Fatal(err)
	}
	return visited{&answered{resp, string(body), doc}, resp.Request.URL}
}

func goTo(t *testing.T, b *http.Client, to string) visited {
	t.Helper()
	resp, err := b.Get(to)
	return read(t, resp, err)
}

// signIn logs somebody in, from a page of the console on, and returns where that leads to.
func (o *organisation) signIn(b *http.Client, name, page string) visited {
	o.t.Helper()
	login := goTo(o.t, b, o.url+page)
	href, found := login.doc.Find(`a[href^="/login/oidc"]`).Attr("href")
	if !found {
		o.t.Fatalf("no link to the issuer:\n%s", login.html)
	}
	form := goTo(o.t, b, o.url+href)
	if !strings.HasPrefix(form.at.String(), o.issuer.URL+"/login") {
		o.t.Fatalf("the link leads to %s:\n%s", form.at, form.html)
	}
	resp, err := b.PostForm(form.at.String(), url.Values{
		"id": {form.doc.Find("[name=id]").AttrOr("value", "")}, "username": {name}, "password": {issuer.Password},
	})
	return read(o.t, resp, err)
}

func TestPeopleLogInAtTheirOrganisation(t *testing.T) {
	o := newOrganisation(t,
		issuer.Person{Name: "ann", Email: "ann@msp.example", Groups: []string{"staff", "finance", "ops"}},
		issuer.Person{Name: "bob", Groups: []string{"finance"}},
		issuer.Person{Name: "root", Groups: []string{"heads"}},
		issuer.Person{Name: "one", Claims: map[string]any{"groups": "heads"}},
		issuer.Person{Name: "bea", Email: "not an address", Groups: []string{"ops"}},
		issuer.Person{Name: "ann@msp.example", Groups: []string{"finance"}}, // a name that she chose
		issuer.Person{Name: "eve", Groups: []string{"finance"}, Claims: map[string]any{"email": "ann@msp.example", "email_verified": false}},
		issuer.Person{Name: "ivy", Groups: []string{"finance"}, Claims: map[string]any{"email": "ann@msp.example"}}, // nobody says that it is hers
		issuer.Person{Name: "joe", Groups: []string{"finance"}, Claims: map[string]any{"email": "joe@msp.example", "email_verified": "true"}},
	)
	called := func(name string) string { // with a part of the id, which the issuer gives one person only
		sum := sha256.Sum256([]byte(o.issuer.URL + "\x00" + name))
		return v1.PersonPrefix + name + "#" + hex.EncodeToString(sum[:4])
	}
	seen := map[string]bool{}
	for name, want := range map[string]struct {
		who  string
		role v1.Role
	}{
		"ann": {"oidc:ann@msp.example", v1.RoleOperator}, "bob": {called("bob"), v1.RoleViewer}, "root": {called("root"), v1.RoleAdmin},
		"one": {called("one"), v1.RoleAdmin}, "bea": {called("bea"), v1.RoleOperator}, "ann@msp.example": {called("ann@msp.example"), v1.RoleViewer},
		"eve": {called("eve"), v1.RoleViewer}, "ivy": {called("ivy"), v1.RoleViewer}, "joe": {"oidc:joe@msp.example", v1.RoleViewer},
	} {
		if seen[want.who] {
			t.Errorf("two people are called %s", want.who)
		}
		seen[want.who] = true
		b := browser(t)
		got := o.signIn(b, name, "/installations/"+one+"/settings?a=b")
		if got.StatusCode != 200 || got.at.String() != o.url+"/installations/"+one+"/settings?a=b" {
			t.Fatalf("%s came to %s: %d\n%s", name, got.at, got.StatusCode, got.text("main"))
		}
		if who := got.text(".who"); who != want.who+" "+string(want.role) {
			t.Errorf("%s is logged in as %q, want %s, %s", name, who, want.who, want.role)
		}
		audited := *o.tokens.audited
		if e := audited[len(audited)-1]; e.Action != "log-in" || e.Who != want.who || !e.OK {
			t.Errorf("%s: audited %+v", name, e)
		}
		if got := got.doc.Find(`form[action$="/stop"]`).Length() > 0; got != want.role.Covers(v1.RoleOperator) {
			t.Errorf("%s, %s: a button to stop: %v", name, want.role, got)
		}
	}
}

func TestNobodyWithoutARoleGetsIn(t *testing.T) {
	o := newOrganisation(t, issuer.Person{Name: "eve" + mean, Groups: []string{"staff", "Ops"}}, issuer.Person{Name: "odd", Claims: map[string]any{"groups": map[string]any{"ops": true}}})
	b := browser(t)
	got := o.signIn(b, "eve"+mean, "/")
	got.clean(t)
	if got.StatusCode != 403 || !strings.Contains(got.text("[role=alert]"), "gives a role here") {
		t.Errorf("%d: %s", got.StatusCode, got.text("main"))
	}
	if again := goTo(t, b, o.url+"/"); again.at.Path != "/login" {
		t.Error("she is logged in all the same")
	}
	if e := (*o.tokens.audited)[0]; e.Action != "log-in" || e.OK || e.Detail != v1.CodeForbidden || !strings.HasPrefix(e.Who, "oidc:eve") {
		t.Errorf("audited %+v", e)
	}
	if got := o.signIn(browser(t), "odd", "/"); got.StatusCode != 401 {
		t.Errorf("a claim of another form: %d %s", got.StatusCode, got.text("main"))
	}
}

func TestAnIssuerThatIsDownSaysSoAndTokensWork(t *testing.T) {
	o := newOrganisation(t, issuer.Person{Name: "ann", Groups: []string{"ops"}})
	o.issuer.Down(true)
	b := browser(t)
	page := goTo(t, b, o.url+"/login")
	if page.StatusCode != 200 || !strings.Contains(page.text("#people-down"), "does not answer at the moment") {
		t.Errorf("the log-in page: %d %s", page.StatusCode, page.text("main"))
	}
	if got := goTo(t, b, o.url+"/login/oidc?next=/audit"); got.StatusCode != 503 || got.doc.Find("[name=next]").AttrOr("value", "") != "/audit" {
		t.Errorf("the link: %d %s", got.StatusCode, got.text("main"))
	}
	resp, err := b.PostForm(o.url+"/login", url.Values{"token": {token}})
	if got := read(t, resp, err); got.at.Path != "/" || got.StatusCode != 200 {
		t.Errorf("a token: %d at %s", got.StatusCode, got.at)
	}
	o.issuer.Down(false)
	o.at.Add(6 * time.Second) // it is asked again
	if got := o.signIn(browser(t), "ann", "/"); got.StatusCode != 200 || !strings.HasPrefix(got.text(".who"), "oidc:ann#") || !strings.HasSuffix(got.text(".who"), " operator") {
		t.Errorf("once it answers again: %d %s", got.StatusCode, got.text("main"))
	}
}

// TestAnswersOfAnotherLogInAreRefused: a state that was stolen, forged or used leads nowhere,
// and no code is exchanged for it.
func TestAnswersOfAnotherLogInAreRefused(t *testing.T) {
	o := newOrganisation(t, issuer.Person{Name: "ann", Groups: []string{"ops"}})
	begin := func(b *http.Client) url.Values {
		b.CheckRedirect = func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }
		got := goTo(t, b, o.url+"/login/oidc?next="+url.QueryEscape("https://evil.example/"))
		b.CheckRedirect = nil
		to, err := got.Location()
		if err != nil {
			t.Fatal(err)
		}
		return to.Query()
	}
	ann, eve := browser(t), browser(t)
	asked := begin(ann)
	if asked.Get("code_challenge_method") != "S256" || asked.Get("nonce") == "" || asked.Get("redirect_uri") != o.url+callbackPath || asked.Get("response_type") != "code" {
		t.Errorf("asked %v", asked)
	}
	for name, query := range map[string]url.Values{
		"a state of nobody's":      {"code": {"c"}, "state": {"forged"}},
		"no state":                 {"code": {"c"}},
		"two states":               {"code": {"c"}, "state": {asked.Get("state"), "x"}},
		"of another issuer":        {"code": {"c"}, "state": {asked.Get("state")}, "iss": {"https://evil.example"}},
		"an error of its own":      {"error": {"access_denied"}, "state": {asked.Get("state")}},
		"an error that is markup":  {"error": {mean}, "state": {asked.Get("state")}},
		"more than anybody writes": {"code": {strings.Repeat("c", 9000)}, "state": {asked.Get("state")}},
	} {
		b := browser(t)
		own := begin(b)
		if query.Get("state") == asked.Get("state") {
			query["state"][0] = own.Get("state")
		}
		got := goTo(t, b, o.url+callbackPath+"?"+query.Encode())
		got.clean(t)
		if got.StatusCode != 401 || got.doc.Find("[role=alert]").Length() != 1 {
			t.Errorf("%s: %d %s", name, got.StatusCode, got.text("main"))
		}
		if name == "an error of its own" && !strings.Contains(got.text("[role=alert]"), "refused by the issuer: access_denied") {
			t.Errorf("%s: %s", name, got.text("main"))
		}
	}
	if got := goTo(t, eve, o.url+callbackPath+"?"+url.Values{"code": {"c"}, "state": {asked.Get("state")}}.Encode()); got.StatusCode != 400 {
		t.Errorf("in another browser: %d %s", got.StatusCode, got.text("main"))
	}
	if n := o.issuer.Exchanged(); n != 0 {
		t.Errorf("%d codes were exchanged", n)
	}
	if got := goTo(t, ann, o.url+callbackPath+"?"+url.Values{"code": {"made-up"}, "state": {asked.Get("state")}}.Encode()); got.StatusCode != 401 {
		t.Errorf("a code that is made up: %d %s", got.StatusCode, got.text("main"))
	}
	if got := goTo(t, ann, o.url+callbackPath+"?"+url.Values{"code": {"made-up"}, "state": {asked.Get("state")}}.Encode()); got.StatusCode != 400 {
		t.Errorf("the same answer again: %d %s", got.StatusCode, got.text("main"))
	}
}

// TestManyLogInsAtASlowIssuerKeepNobodyOut: however many answers of somebody's own the issuer thinks about, others log in, from
// his network too; and whoever gives way has not spent the log-in.
func TestManyLogInsAtASlowIssuerKeepNobodyOut(t *testing.T) {
	o := newOrganisation(t, issuer.Person{Name: "ann", Groups: []string{"ops"}})
	release := o.issuer.Hold("made-up")
	defer release()
	ask := func(path string, cookies []*http.Cookie) *http.Response {
		r := httptest.NewRequest(http.MethodGet, o.url+path, nil)
		r.RemoteAddr = "203.0.113.7:1"
		for _, c := range cookies {
			r.AddCookie(c)
		}
		w := httptest.NewRecorder()
		o.handler.ServeHTTP(w, r)
		return w.Result()
	}
	const many = 40
	answers := make(chan *http.Response, many)
	for range many {
		begun := ask("/login/oidc", nil)
		to, err := begun.Location()
		if err != nil {
			t.Fatal(err)
		}
		go func() {
			answers <- ask(callbackPath+"?"+url.Values{"code": {"made-up"}, "state": {to.Query().Get("state")}}.Encode(), begun.Cookies())
		}()
	}
	for range many - finishingOfClient {
		got := <-answers
		if got.StatusCode != 503 || got.Header.Get("Retry-After") == "" || len(got.Cookies()) != 0 {
			t.Errorf("who gave way: %d, %v", got.StatusCode, got.Header)
		}
	}
	if got := o.signIn(browser(t), "ann", "/"); got.StatusCode != 200 || !strings.HasSuffix(got.text(".who"), " operator") {
		t.Errorf("somebody else: %d %s", got.StatusCode, got.text("main"))
	}
	if got := ask("/login/oidc", nil); got.StatusCode != 303 {
		t.Errorf("another log-in of their network is begun: %d", got.StatusCode)
	}
	release()
	for range finishingOfClient {
		if got := <-answers; got.StatusCode != 401 {
			t.Errorf("the others, once the issuer answers: %d", got.StatusCode)
		}
	}
}

// TestAnIssuerIsNotBelieved: what it says of itself leads nowhere that is not safe, and has an end.
func TestAnIssuerIsNotBelieved(t *testing.T) {
	o := newOrganisation(t)
	description := func(change func(map[string]any)) http.Handler {
		return http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
			d := map[string]any{
				"issuer": o.issuer.URL, "authorization_endpoint": o.issuer.URL + "/a", "token_endpoint": o.issuer.URL + "/t", "jwks_uri": o.issuer.URL + "/k",
				"id_token_signing_alg_values_supported": []string{"RS256"},
			}
			change(d)
			_, _ = w.Write(encode(t, d))
		})
	}
	for name, h := range map[string]http.Handler{
		"another issuer":     description(func(d map[string]any) { d["issuer"] = "https://evil.example" }),
		"a token in clear":   description(func(d map[string]any) { d["token_endpoint"] = "http://evil.example/t" }),
		"keys in clear":      description(func(d map[string]any) { d["jwks_uri"] = "http://evil.example/k" }),
		"a script":           description(func(d map[string]any) { d["authorization_endpoint"] = "javascript:alert(1)" }),
		"without end":        http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { _, _ = io.CopyN(w, endless{}, 8<<20) }),
		"another address":    http.RedirectHandler("http://127.0.0.1:9/", http.StatusFound),
		"nothing of it JSON": http.NotFoundHandler(),
	} {
		o.issuer.Answer(h)
		o.at.Add(time.Minute)
		if got := goTo(t, browser(t), o.url+"/login/oidc"); got.StatusCode != 503 {
			t.Errorf("%s: %d at %s: %s", name, got.StatusCode, got.at, got.text("main"))
		}
	}
}

type endless struct{}

func (endless) Read(p []byte) (int, error) {
	for i := range p {
		p[i] = ' '
	}
	return len(p), nil
}

// TestARoleForOneInstallation is never one for all, and gives a person the console of that one.
func TestARoleForOneInstallation(t *testing.T) {
	const two = "01jxtwoaaaaaaaaaaaaaaaaaaa"
	p := oidc.New(oidc.Config{Issuer: "https://login.example", Roles: map[string]v1.Grant{
		"all-viewer": {Role: v1.RoleViewer}, "all-admin": {Role: v1.RoleAdmin},
		"one-admin": {Role: v1.RoleAdmin, Installation: one}, "one-viewer": {Role: v1.RoleViewer, Installation: one},
		"two-admin": {Role: v1.RoleAdmin, Installation: two}, "two-viewer": {Role: v1.RoleViewer, Installation: two},
	}})
	for values, want := range map[string]struct {
		role v1.Role
		only []string
	}{
		"":                                {"", nil},
		"other":                           {"", nil},
		"all-viewer all-admin":            {v1.RoleAdmin, nil},
		"one-admin":                       {v1.RoleAdmin, []string{one}},
		"one-viewer one-admin other":      {v1.RoleAdmin, []string{one}},
		"two-admin one-admin one-admin":   {v1.RoleAdmin, []string{one, two}},
		"one-admin two-viewer":            {v1.RoleAdmin, []string{one}}, // and not viewer of the other one: a person has one role
		"one-viewer two-viewer":           {v1.RoleViewer, []string{one, two}},
		"one-admin all-viewer":            {v1.RoleViewer, nil}, // what is for all counts first
		"two-admin all-viewer one-viewer": {v1.RoleViewer, nil},
	} {
		role, only := p.Granted(strings.Fields(values))
		if role != want.role || !slices.Equal(only, want.only) {
			t.Errorf("%q: got %q, %v, want %q, %v", values, role, only, want.role, want.only)
		}
	}

	o := newOrganisation(t, issuer.Person{Name: "ann", Email: "ann@acme.example", Groups: []string{"acme"}})
	o.answer("GET /audit", v1.Page[v1.AuditEntry]{Items: []v1.AuditEntry{}})
	b := browser(t)
	got := o.signIn(b, "ann", "/audit")
	if got.StatusCode != 200 || !strings.Contains(got.text("header"), "oidc:ann@acme.example operator") {
		t.Fatalf("she came to %s: %d\n%s", got.at, got.StatusCode, got.text("body"))
	}
	if got := goTo(t, b, o.url+"/"); got.doc.Find("#integration").Length() != 1 || got.doc.Find("#list").Length() != 0 {
		t.Errorf("her console: %s", got.text("main"))
	}
	if got := goTo(t, b, o.url+"/installations/"+two); got.StatusCode != http.StatusNotFound {
		t.Errorf("another installation: %d", got.StatusCode)
	}
}
