package notify

import (
	"context"
	"errors"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"testing/synctest"

	v1 "channelsync/api/v1"
)

func TestAllowedAddresses(t *testing.T) {
	for address, want := range map[string]struct{ https, plain bool }{
		"127.0.0.1:80":                     {true, true},
		"[::1]:80":                         {true, true},
		"[::ffff:127.0.0.1]:80":            {true, true},
		"93.184.216.34:443":                {true, false},
		"10.0.0.1:443":                     {true, false}, // an operator's own network is where receivers are
		"[2606:2800::1]:443":               {true, false},
		"169.254.169.254:80":               {},
		"169.254.0.1:443":                  {},
		"[::ffff:169.254.169.254]:80":      {},
		"[64:ff9b::a9fe:a9fe]:80":          {},
		"[fe80::1]:443":                    {},
		"[fe80::1%eth0]:443":               {},
		"[febf::1]:443":                    {},
		"[fd00:ec2::254]:80":               {},
		"[fd20:ce::254]:80":                {},
		"100.100.100.200:80":               {},
		"168.63.129.16:80":                 {},
		"0.0.0.0:80":                       {},
		"[::]:80":                          {},
		"224.0.0.1:80":                     {},
		"ops.example:443":                  {}, // not resolved
		"[64:ff9b::5db8:d822]:443":         {true, false},
		"[0:0:0:0:0:ffff:a9fe:0001]:65535": {},
	} {
		for plain, may := range map[bool]bool{false: want.https, true: want.plain} {
			if err := allowed(address, plain); (err == nil) != may || (err != nil && !errors.Is(err, errBlocked)) {
				t.Errorf("%s, plain %v: %v, want allowed %v", address, plain, err, may)
			}
		}
	}
}

func TestSign(t *testing.T) {
	// printf '1700000000.{"a":1}' | openssl dgst -sha256 -hmac 0123456789abcdef
	const want = "sha256=9eb18f493f8ec135d9eb2dad817c369bb4e9cbfa818657897a7437c1cd8c3a23"
	if got := Sign("0123456789abcdef", "1700000000", []byte(`{"a":1}`)); got != want {
		t.Errorf("got %s, want %s", got, want)
	}
}

func TestPostToWhatIsNotAllowedDialsNobody(t *testing.T) {
	for _, url := range []v1.Secret{"https://169.254.169.254/?key=hush", "https://[fe80::1]/?key=hush", "http://192.0.2.1/?key=hush"} {
		result, err := newPoster(Config{URL: url, Secret: "0123456789abcdef"}).post(t.Context(), Event{}, noon)
		if result != resultBlocked || err == nil || strings.Contains(err.Error(), "hush") {
			t.Errorf("%s: %s, %v", url.Reveal(), result, err)
		}
	}
}

func TestAnswers(t *testing.T) {
	for status, want := range map[int]struct {
		result string
		away   bool
	}{
		200: {resultDelivered, false},
		204: {resultDelivered, false},
		302: {resultRefused, false},
		307: {resultRefused, false},
		401: {resultRefused, false},
		408: {resultRefused, true},
		410: {resultRefused, false},
		429: {resultRefused, true},
		503: {resultRefused, true},
	} {
		posts := 0
		srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			posts++
			if r.URL.Path != "/" {
				t.Errorf("%d: the redirect was followed to %s", status, r.URL)
			}
			w.Header().Set("Location", "/elsewhere")
			w.WriteHeader(status)
		}))
		p := newPoster(Config{URL: v1.Secret(srv.URL), Secret: "0123456789abcdef"})
		result, err := p.post(t.Context(), Event{}, noon)
		p.client.CloseIdleConnections()
		srv.Close()
		if result != want.result || posts != 1 || (err == nil) != (result == resultDelivered) || (err != nil && away(err) != want.away) {
			t.Errorf("%d: %s after %d posts, %v", status, result, posts, err)
		}
	}
}

func TestNobodyAnswers(t *testing.T) {
	p := newPoster(Config{URL: "http://127.0.0.1:1/?key=hush", Secret: "0123456789abcdef"})
	result, err := p.post(t.Context(), Event{}, noon)
	if result != resultFailed || err == nil || !away(err) || strings.Contains(err.Error(), "hush") {
		t.Errorf("%s, %v", result, err)
	}
}

type answers func(*http.Request) (*http.Response, error)

func (f answers) RoundTrip(r *http.Request) (*http.Response, error) { return f(r) }

// silent is a receiver that takes the request and never answers.
func silent(r *http.Request) (*http.Response, error) {
	<-r.Context().Done()
	return nil, context.Cause(r.Context()) // as net/http does
}

func TestAPostHasADeadline(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := newPoster(Config{URL: "https://ops.example/", Secret: "0123456789abcdef", Transport: answers(silent)})
		result, err := p.post(t.Context(), Event{}, noon)
		if result != resultFailed || err == nil || err.Error() != "post notification: not within 10s" {
			t.Errorf("%s, %v", result, err)
		}
	})
}
