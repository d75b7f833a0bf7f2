package browser

import (
	"io/fs"
	"net/http"
	"os"
	"path"
	"strings"
	"testing"

	"github.com/go-chi/chi/v5"
	"go.uber.org/zap"

	v1 "channelsync/api/v1"
	"channelsync/handlers/console"
	"channelsync/test/browser/chrome"
	"channelsync/test/browser/tour"
)

// elsewhere are the routes that the tour does not come by, and what does.
var elsewhere = map[string]string{
	"POST /installations/{id}/dead-letters/requeue": "TestDeadLetterIsRequeued",
	"POST /logout":                                           "TestWithoutScripts",
	"POST /installations/{id}/start":                         "TestStopAndStart",
	"POST /installations/{id}/reinstall":                     "TestUninstallReinstallErase",
	"POST /installations/{id}/held/approve":                  "TestMassChangeIsDecided",
	"POST /installations/{id}/held/discard":                  "TestLifecycle of handlers/console: beside the button that approves",
	"POST /installations/{id}/dead-letters/{letter}/dismiss": "TestDeadLetterIsRequeued",
	"POST /installations/{id}/jobs/{job}/cancel":             "TestCancelling of handlers/console: jobs of tests end too soon for a press",
	"POST /installations/{id}/syncs/{sync}/install":          "TestTheOtherSyncInstalls",
	"GET /installations/{id}/records/{kind}/{record}/bundle": "TestBundle of handlers/console: a file that is downloaded",
}

// TestEveryPage walks a realistic tenant and holds every page in every state against what
// must be true of all: see everythingHolds. The tour comes by every page and every route
// that the console has, so that nothing new is forgotten. The console is below a path of
// another site: what leaves that path fails the test.
func TestEveryPage(t *testing.T) {
	t.Parallel()
	w, people, base := tour.OrganisationBelow(t)
	tenant := tour.Realistic(w, 25)
	tenant.People = people
	p := tab(t, w, chrome.Options{Base: base})
	seen := map[string]bool{"tenant": true} // by TestEveryPageOfATenant
	tour.Walk(w, p, tenant, func(stop string, p *chrome.Page) {
		seen[chrome.Eval[string](p, `document.querySelector("main").dataset.page`)] = true
		everythingHolds(t, stop, p)
	})
	files, err := fs.Glob(os.DirFS("../../handlers/console/pages"), "*.html")
	if err != nil || len(files) < 20 {
		t.Fatalf("pages %v, %v", files, err)
	}
	for _, file := range files {
		if name := strings.TrimSuffix(path.Base(file), ".html"); !seen[name] {
			t.Errorf("the tour makes no stop at the page %s", name)
		}
	}
	asked := map[string]bool{}
	routes := consoleRoutes(t)
	for _, request := range p.Asked() {
		method, at, _ := strings.Cut(request, " ")
		if found := chi.NewRouteContext(); routes.Match(found, method, at) {
			asked[method+" "+found.RoutePattern()] = true
		}
	}
	err = chi.Walk(routes, func(method, route string, _ http.Handler, _ ...func(http.Handler) http.Handler) error {
		switch name := method + " " + route; {
		case strings.HasSuffix(route, "/export"): // a file that is downloaded
		case !asked[name] && elsewhere[name] == "":
			t.Errorf("the tour does not come by %s", name)
		case asked[name] && elsewhere[name] != "":
			t.Errorf("the tour comes by %s, and does not need %s for it", name, elsewhere[name])
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
}

// nobody is logged in by any token.
type nobody struct{}

func (nobody) Authenticate(v1.Secret) (v1.Identity, bool) { return v1.Identity{}, false }
func (nobody) Current(string, int) (v1.Identity, bool)    { return v1.Identity{}, false }

// consoleRoutes are those of the console as it is built.
func consoleRoutes(t *testing.T) chi.Routes {
	t.Helper()
	h, err := console.New(console.Config{Tokens: nobody{}, API: http.NotFoundHandler(), Log: zap.NewNop()})
	if err != nil {
		t.Fatal(err)
	}
	return h.(chi.Routes)
}
