// Package issuer is an OpenID Connect issuer in the process of a test: the certified
// provider of github.com/zitadel/oidc, with the people that a test names and a log-in page
// for browsers. It insists on what the console owes it: PKCE with S256, state and nonce. It
// imports nothing of channelsync.
package issuer

import (
	"context"
	"crypto/sha256"
	"html/template"
	"net/http"
	"net/http/httptest"
	"sync"
	"testing"

	"github.com/zitadel/oidc/v3/example/server/storage"
	"github.com/zitadel/oidc/v3/pkg/oidc"
	"github.com/zitadel/oidc/v3/pkg/op"

	"channelsync/test/harness"
)

// The client that every issuer knows.
const (
	ClientID     = "channelsync"
	ClientSecret = "the-secret-of-the-console"
	// Password is everybody's.
	Password = "open sesame"
)

// Person can log in.
type Person struct {
	Name   string   // what is entered, and preferred_username
	Email  string   // "" for none
	Groups []string // the claim groups
	Claims map[string]any
}

// Issuer is one that runs until its test ends.
type Issuer struct {
	URL string

	mu        sync.Mutex
	redirects []string
	people    map[string]Person
	down      bool
	answer    http.Handler // in the place of all others; nil: none
	exchanged int
	held      map[string]chan struct{} // codes whose exchange waits
}

// Start runs an issuer.
func Start(t testing.TB, people ...Person) *Issuer {
	t.Helper()
	i := &Issuer{people: map[string]Person{}}
	for _, p := range people {
		i.people[p.Name] = p
	}
	srv := httptest.NewUnstartedServer(nil)
	srv.Config.Handler = http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { http.Error(w, "not yet", http.StatusServiceUnavailable) })
	i.URL = "http://" + srv.Listener.Addr().String()
	keep := keeper{storage.NewStorageWithClients(i, map[string]*storage.Client{ClientID: storage.WebClient(ClientID, ClientSecret)}), i}
	provider, err := op.NewProvider(&op.Config{
		CryptoKey: sha256.Sum256([]byte(t.Name())), CodeMethodS256: true, AuthMethodPost: true,
	}, keep, op.StaticIssuer(i.URL), op.WithAllowInsecure())
	harness.OK(t, err)
	mux := http.NewServeMux()
	mux.HandleFunc("GET /login/username", func(w http.ResponseWriter, r *http.Request) { _ = form.Execute(w, r.FormValue("authRequestID")) })
	back := op.AuthCallbackURL(provider)
	mux.HandleFunc("POST /login/username", op.NewIssuerInterceptor(provider.IssuerFromRequest).HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if err := keep.CheckUsernamePassword(r.FormValue("username"), r.FormValue("password"), r.FormValue("id")); err != nil {
			http.Error(w, err.Error(), http.StatusForbidden)
			return
		}
		http.Redirect(w, r, back(r.Context(), r.FormValue("id")), http.StatusFound)
	}))
	mux.HandleFunc("GET /favicon.ico", func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusNoContent) })
	mux.Handle("/", provider)
	srv.Config.Handler = i.strict(mux)
	srv.Start()
	t.Cleanup(srv.Close)
	return i
}

var form = template.Must(template.New("").Parse(`<!doctype html><html lang="en"><title>The organisation</title><h1>The organisation</h1>
<form method="post"><input type="hidden" name="id" value="{{.}}"><label>User name <input name="username"></label>
<label>Password <input name="password" type="password"></label><button>Sign in</button></form>`))

// strict refuses what the protocol does not strictly demand, and the console owes all the same.
func (i *Issuer) strict(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		i.mu.Lock()
		down, answer := i.down, i.answer
		var held chan struct{}
		if r.URL.Path == "/oauth/token" {
			i.exchanged++
			held = i.held[r.FormValue("code")]
		}
		i.mu.Unlock()
		if held != nil {
			select {
			case <-held:
			case <-r.Context().Done():
			}
		}
		q := r.URL.Query()
		switch {
		case down:
			http.Error(w, "down", http.StatusBadGateway)
		case answer != nil:
			answer.ServeHTTP(w, r)
		case r.URL.Path == "/authorize" && (q.Get("code_challenge_method") != "S256" || len(q.Get("code_challenge")) != 43 ||
			len(q.Get("state")) < 22 || len(q.Get("nonce")) < 22 || q.Get("response_type") != "code"):
			http.Error(w, "want PKCE with S256, a state and a nonce: "+r.URL.RawQuery, http.StatusBadRequest)
		default:
			next.ServeHTTP(w, r)
		}
	})
}

// Redirect allows an address to send browsers back to.
func (i *Issuer) Redirect(uri string) {
	i.mu.Lock()
	defer i.mu.Unlock()
	i.redirects = append(i.redirects, uri)
}

// Down makes it answer everything with an error, or no longer.
func (i *Issuer) Down(yes bool) {
	i.mu.Lock()
	defer i.mu.Unlock()
	i.down = yes
}

// Answer puts a handler in the place of everything; nil: no longer.
func (i *Issuer) Answer(h http.Handler) {
	i.mu.Lock()
	defer i.mu.Unlock()
	i.answer = h
}

// Hold lets the exchange of a code wait until it is released.
func (i *Issuer) Hold(code string) (release func()) {
	i.mu.Lock()
	defer i.mu.Unlock()
	held := make(chan struct{})
	i.held = map[string]chan struct{}{code: held}
	return sync.OnceFunc(func() { close(held) })
}

// Exchanged is how often a code was to be exchanged.
func (i *Issuer) Exchanged() int {
	i.mu.Lock()
	defer i.mu.Unlock()
	return i.exchanged
}

// GetUserByID is one of storage.UserStore; the id of a person is the name.
func (i *Issuer) GetUserByID(id string) *storage.User {
	i.mu.Lock()
	defer i.mu.Unlock()
	p, ok := i.people[id]
	if !ok {
		return nil
	}
	return &storage.User{ID: p.Name, Username: p.Name, Password: Password, Email: p.Email, EmailVerified: p.Email != ""}
}

// GetUserByUsername is one of storage.UserStore.
func (i *Issuer) GetUserByUsername(name string) *storage.User { return i.GetUserByID(name) }

// ExampleClientID is one of storage.UserStore.
func (i *Issuer) ExampleClientID() string { return "" }

// keeper adds the claims of people to what the storage of the library's example knows.
type keeper struct {
	*storage.Storage
	issuer *Issuer
}

// GetClientByClientID returns the client with the addresses that the test allows.
func (k keeper) GetClientByClientID(ctx context.Context, id string) (op.Client, error) {
	c, err := k.Storage.GetClientByClientID(ctx, id)
	if err != nil {
		return nil, err
	}
	k.issuer.mu.Lock()
	defer k.issuer.mu.Unlock()
	return client{c, append([]string(nil), k.issuer.redirects...)}, nil
}

// SetUserinfoFromScopes adds nothing: SetUserinfoFromRequest does.
func (k keeper) SetUserinfoFromScopes(context.Context, *oidc.UserInfo, string, string, []string) error {
	return nil
}

// SetUserinfoFromRequest puts a person's claims into an ID token.
func (k keeper) SetUserinfoFromRequest(_ context.Context, info *oidc.UserInfo, token op.IDTokenRequest, _ []string) error {
	k.issuer.mu.Lock()
	defer k.issuer.mu.Unlock()
	for _, p := range k.issuer.people {
		if p.Name != token.GetSubject() {
			continue
		}
		info.Subject, info.PreferredUsername = p.Name, p.Name
		if p.Email != "" {
			info.Email, info.EmailVerified = p.Email, true
		}
		if p.Groups != nil {
			info.AppendClaims("groups", p.Groups)
		}
		for name, value := range p.Claims {
			info.AppendClaims(name, value)
		}
	}
	return nil
}

// client is one of storage's with other addresses.
type client struct {
	op.Client
	redirects []string
}

func (c client) RedirectURIs() []string { return c.redirects }

func (c client) IDTokenUserinfoClaimsAssertion() bool { return true }
