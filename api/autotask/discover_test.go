package autotask

import (
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	v1 "channelsync/api/v1"
)

const discoveryURL = "https://webservices.autotask.net" + basePath

const zoneAnswer = `{"zoneName":"America East 3","url":"https://webservices22.autotask.net/atservicesrest/",` +
	`"webUrl":"https://ww22.autotask.net/","ci":510000}`

func discoverer(v *vendor) Discoverer {
	return Discoverer{URL: discoveryURL, Client: &http.Client{Transport: v}}
}

func TestDiscoverSendsTheUserNameAlone(t *testing.T) {
	v := always(200, zoneAnswer)
	v.answer = func(w http.ResponseWriter, r *http.Request) {
		if got := r.URL.Query().Get("user"); got != "a+b &c@example.test" {
			t.Errorf("user = %q", got)
		}
		reply(w, 200, zoneAnswer)
	}
	zone, err := discoverer(v).Discover(t.Context(), "a+b &c@example.test")
	if err != nil || zone != zone22 {
		t.Fatalf("Discover = %+v, %v", zone, err)
	}
	call := v.sent()[0]
	if call.method != "GET" || call.path != "/atservicesrest/v1.0/zoneInformation" {
		t.Errorf("asked %s %s", call.method, call.path)
	}
	for _, header := range []string{"Secret", "UserName", "Username", "ApiIntegrationCode", "Authorization"} {
		if _, there := call.header[header]; there {
			t.Errorf("sent the header %s", header)
		}
	}
}

func TestDiscoverFailures(t *testing.T) {
	for name, tc := range map[string]struct {
		status  int
		body    string
		unknown bool
		kind    Kind
	}{
		"unknown user":         {500, `{"errors":["Zone information could not be determined"]}`, true, ""},
		"blank":                {200, "", true, ""},
		"no url":               {200, `{"zoneName":null,"url":null}`, true, ""},
		"url empty":            {200, `{"zoneName":"","url":""}`, true, ""},
		"JSON null":            {200, `null`, true, ""},
		"not JSON":             {200, `<html>`, false, KindUndecodable},
		"server down":          {503, ``, false, KindUnavailable},
		"limit":                {429, ``, false, KindThrottled},
		"500 without a text":   {500, `<html>`, false, KindUnavailable},
		"another text":         {500, `{"errors":["Something else"]}`, false, KindUnknown},
		"404":                  {404, ``, false, KindNotFound},
		"a host of another":    {200, `{"url":"https://evil.test/atservicesrest/"}`, false, ""},
		"a vendor host, http":  {200, `{"url":"http://webservices22.autotask.net/atservicesrest/"}`, false, ""},
		"a host with password": {200, `{"url":"https://a:b@webservices22.autotask.net/atservicesrest/"}`, false, ""},
	} {
		t.Run(name, func(t *testing.T) {
			_, err := discoverer(always(tc.status, tc.body)).Discover(t.Context(), "key@example.test")
			if err == nil || errors.Is(err, ErrZoneUnknown) != tc.unknown || KindOf(err) != tc.kind {
				t.Errorf("error %v of kind %q, want kind %q, unknown %v", err, KindOf(err), tc.kind, tc.unknown)
			}
			if strings.Contains(err.Error(), "example.test") {
				t.Errorf("the error repeats the user name: %v", err)
			}
			if foreign := strings.HasPrefix(name, "a "); errors.Is(err, ErrForeignZone) != foreign && name != "another text" {
				t.Errorf("a zone that is not the vendor's: said %v, want %v: %v", errors.Is(err, ErrForeignZone), foreign, err)
			}
		})
	}
	v := always(200, zoneAnswer)
	if _, err := discoverer(v).Discover(t.Context(), "  "); !errors.Is(err, ErrZoneUnknown) || len(v.sent()) != 0 {
		t.Errorf("a blank user name: %v after %d calls", err, len(v.sent()))
	}
}

func TestDiscoverFollowsRedirectsToAllowedHostsOnly(t *testing.T) {
	other := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) {
		t.Error("a host that is not allowed was asked")
	}))
	defer other.Close()
	target := other.URL
	mux := http.NewServeMux()
	mux.HandleFunc("/first/v1.0/zoneInformation", func(w http.ResponseWriter, r *http.Request) {
		http.Redirect(w, r, target+"/second/v1.0/zoneInformation?"+r.URL.RawQuery, http.StatusFound)
	})
	mux.HandleFunc("/second/v1.0/zoneInformation", func(w http.ResponseWriter, r *http.Request) {
		_, _ = fmt.Fprintf(w, `{"zoneName":"Sim","url":"http://%s/atservicesrest/","user":%q}`, r.Host, r.FormValue("user"))
	})
	srv := httptest.NewServer(mux)
	defer srv.Close()
	host := strings.TrimPrefix(srv.URL, "http://")
	d := Discoverer{URL: srv.URL + "/first/", Hosts: NewHosts([]string{host}), Client: srv.Client()}

	_, err := d.Discover(t.Context(), "key@example.test")
	var refused *ZoneError
	if !errors.As(err, &refused) || KindOf(err) != KindUnavailable {
		t.Errorf("redirect to a other: %v, want a *ZoneError", err)
	}
	target = srv.URL
	zone, err := d.Discover(t.Context(), "key@example.test")
	if want := (v1.Zone{Name: "Sim", URL: srv.URL + "/atservicesrest"}); err != nil || zone != want {
		t.Errorf("redirect to an allowed host: %+v, %v", zone, err)
	}
}

func TestDiscoverTimesOut(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		v := &vendor{answer: func(_ http.ResponseWriter, r *http.Request) { <-r.Context().Done() }}
		start := time.Now()
		_, err := discoverer(v).Discover(t.Context(), "key@example.test")
		if KindOf(err) != KindUnavailable || !strings.Contains(err.Error(), "discover zone: unavailable: timed out after 30s") {
			t.Errorf("error %v", err)
		}
		if took := time.Since(start); took != discoveryTimeout {
			t.Errorf("took %s", took)
		}
	})
}

func TestResolveZone(t *testing.T) {
	d := discoverer(always(200, zoneAnswer))
	d.Hosts = NewHosts([]string{"127.0.0.1:9000"})
	for text, want := range map[string]v1.Zone{
		"":                zone22,
		"  ":              zone22,
		"america east":    zone3,
		" America East 3": zone22,
		"spanish (ESPAÑOL)": {
			Name: "Spanish (Español)", URL: "https://webservices12.autotask.net/atservicesrest",
		},
		"127.0.0.1:9000": {Name: "127.0.0.1:9000", URL: "http://127.0.0.1:9000/atservicesrest"},
		"https://webservices3.autotask.net/ATServicesRest/": zone3,
		"webservices3.autotask.net":                         zone3,
		"https://webservices31.autotask.net": {
			Name: "Zone 31", URL: "https://webservices31.autotask.net/atservicesrest",
		},
	} {
		if got, err := d.ResolveZone(t.Context(), text, "key@example.test"); err != nil || got != want {
			t.Errorf("ResolveZone(%q) = %+v, %v, want %+v", text, got, err, want)
		}
	}
	for _, text := range []string{"Atlantis", "https://evil.test", "evil.test", "http://webservices3.autotask.net"} {
		var typed *ZoneError
		if got, err := d.ResolveZone(t.Context(), text, "key@example.test"); !errors.As(err, &typed) {
			t.Errorf("ResolveZone(%q) = %+v, %v, want a *ZoneError", text, got, err)
		}
	}
}
