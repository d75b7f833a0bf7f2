package forwarded

import (
	"crypto/tls"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"strings"
	"testing"
)

func proxies(networks ...string) (all Proxies) {
	for _, n := range networks {
		all = append(all, netip.MustParsePrefix(n))
	}
	return all
}

func request(peer string, lines ...string) *http.Request {
	r := httptest.NewRequest(http.MethodGet, "/", nil)
	r.RemoteAddr = peer
	if lines != nil {
		r.Header["X-Forwarded-For"] = lines
	}
	return r
}

func TestTheClientIsTheFirstThatIsNotTrusted(t *testing.T) {
	const loopback, dmz = "127.0.0.1:1", "10.0.0.9:1"
	for _, tc := range []struct {
		name  string
		peer  string
		lines []string
		want  string
	}{
		{"no proxy", "203.0.113.7:1", nil, "203.0.113.7"},
		{"a stranger's word counts for nothing", "203.0.113.7:1", []string{"198.51.100.1"}, "203.0.113.7"},
		{"a proxy that says nothing", loopback, nil, "127.0.0.1"},
		{"a proxy that says an empty list", loopback, []string{""}, "127.0.0.1"},
		{"one proxy", loopback, []string{"198.51.100.1"}, "198.51.100.1"},
		{"a proxy beyond this machine", dmz, []string{"198.51.100.1"}, "198.51.100.1"},
		{"what the client made up", dmz, []string{"1.1.1.1, 198.51.100.1"}, "198.51.100.1"},
		{"what the client made up, of a trusted address", dmz, []string{"10.0.0.1, 198.51.100.1"}, "198.51.100.1"},
		{"two proxies", loopback, []string{"198.51.100.1, 10.0.0.9"}, "198.51.100.1"},
		{"three proxies, on several lines", loopback, []string{"1.1.1.1", "198.51.100.1, 10.0.0.8", "10.0.0.9"}, "198.51.100.1"},
		{"a later line is to the right of an earlier", loopback, []string{"198.51.100.1", "198.51.100.2"}, "198.51.100.2"},
		{"all are trusted: the first", loopback, []string{"10.0.0.7,10.0.0.8"}, "10.0.0.7"},
		{"no address ends the walk", loopback, []string{"198.51.100.1, nonsense"}, "127.0.0.1"},
		{"no address ends the walk at the last good hop", loopback, []string{"198.51.100.1, unknown, 10.0.0.9"}, "10.0.0.9"},
		{"an empty element ends the walk", loopback, []string{"198.51.100.1,, 10.0.0.9"}, "10.0.0.9"},
		{"a name is no address", loopback, []string{"localhost"}, "127.0.0.1"},
		{"a network is no address", loopback, []string{"198.51.100.0/24"}, "127.0.0.1"},
		{"no address left of the client is not looked at", loopback, []string{"nonsense, 198.51.100.1"}, "198.51.100.1"},
		{"with a port", loopback, []string{"198.51.100.1:443"}, "198.51.100.1"},
		{"with tabs and blanks", loopback, []string{"\t198.51.100.1 ,\t10.0.0.9 "}, "198.51.100.1"},
		{"IPv6", "[::1]:1", []string{"2001:db8:1:2:3::4"}, "2001:db8:1:2:3::4"},
		{"IPv6 with a port", "[::1]:1", []string{"[2001:db8::4]:443"}, "2001:db8::4"},
		{"IPv6 in brackets", "[::1]:1", []string{"[2001:db8::4]"}, "2001:db8::4"},
		{"IPv6 proxy", "[fd00::1]:1", []string{"198.51.100.1"}, "198.51.100.1"},
		{"IPv4 within IPv6, trusted", "[::ffff:10.0.0.9]:1", []string{"198.51.100.1"}, "198.51.100.1"},
		{"IPv4 within IPv6, as an element", loopback, []string{"198.51.100.1, ::ffff:10.0.0.9"}, "198.51.100.1"},
		{"IPv4 within IPv6, the client", "[::ffff:203.0.113.7]:1", nil, "203.0.113.7"},
		{"with a zone", "[fe80::7%eth0]:1", nil, "fe80::7"},
		{"a trusted one with a zone", "[fd00::7%eth0]:1", []string{"198.51.100.1"}, "198.51.100.1"},
		{"a peer without address", "@", []string{"198.51.100.1"}, "unknown"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			p := proxies("127.0.0.0/8", "::1/128", "10.0.0.0/8", "fd00::/8")
			if got := p.Client(request(tc.peer, tc.lines...)).String(); got != tc.want {
				t.Errorf("got %s, want %s", got, tc.want)
			}
		})
	}
}

func TestNobodyIsTrustedUnlessNamed(t *testing.T) {
	if got := Proxies(nil).Client(request("127.0.0.1:1", "198.51.100.1")).String(); got != "127.0.0.1" {
		t.Errorf("got %s, want the peer", got)
	}
}

func TestTheSchemeIsBelievedOfWhomTheAddressIs(t *testing.T) {
	for _, tc := range []struct {
		name   string
		peer   string
		tls    bool
		hops   string
		protos []string
		want   bool
	}{
		{"plain", "203.0.113.7:1", false, "", nil, false},
		{"TLS of our own", "203.0.113.7:1", true, "", nil, true},
		{"a stranger's word", "203.0.113.7:1", false, "", []string{"https"}, false},
		{"a stranger cannot take it away", "203.0.113.7:1", true, "", []string{"http"}, true},
		{"a proxy's", "10.0.0.9:1", false, "198.51.100.1", []string{"https"}, true},
		{"a proxy's, in capitals", "10.0.0.9:1", false, "198.51.100.1", []string{"HTTPS"}, true},
		{"a proxy's that names no client", "10.0.0.9:1", false, "", []string{"https"}, true},
		{"a proxy that took plain text and speaks TLS to us", "10.0.0.9:1", true, "198.51.100.1", []string{"http"}, false},
		{"what is no scheme says nothing", "10.0.0.9:1", true, "198.51.100.1", []string{"gopher"}, true},
		{"a list, one proxy: what it wrote itself", "10.0.0.9:1", false, "198.51.100.1", []string{"https", "http"}, false},
		{"a list, two proxies", "10.0.0.9:1", false, "198.51.100.1, 10.0.0.8", []string{"https, http"}, true},
		{"one value, two proxies", "10.0.0.9:1", false, "198.51.100.1, 10.0.0.8", []string{"https"}, true},
		{"made up before two proxies", "10.0.0.9:1", false, "198.51.100.1, 10.0.0.8", []string{"https, http, http"}, false},
	} {
		t.Run(tc.name, func(t *testing.T) {
			r := request(tc.peer, tc.hops)
			if tc.hops == "" {
				r.Header.Del("X-Forwarded-For")
			}
			r.Header["X-Forwarded-Proto"] = tc.protos
			if tc.tls {
				r.TLS = &tls.ConnectionState{}
			}
			if got := proxies("10.0.0.0/8").Client(r).TLS; got != tc.want {
				t.Errorf("got %v, want %v", got, tc.want)
			}
		})
	}
}

func TestTheClientTravelsWithTheRequest(t *testing.T) {
	var got, fallback Client
	h := proxies("127.0.0.0/8").Middleware(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		got = Of(r)
	}))
	r := request("127.0.0.1:1", "198.51.100.1")
	r.Header.Set("X-Forwarded-Proto", "https")
	h.ServeHTTP(httptest.NewRecorder(), r)
	if got.String() != "198.51.100.1" || !got.TLS {
		t.Errorf("got %+v", got)
	}
	if fallback = Of(r); fallback.String() != "127.0.0.1" {
		t.Errorf("without middleware: got %s, want the peer", fallback)
	}
	if Of(r.WithContext(With(t.Context(), got))) != got {
		t.Error("a context gives back something else than it was given")
	}
}

// Whatever is sent, the client is an address that somebody trusted has named, or the peer.
func FuzzClient(f *testing.F) {
	f.Add("127.0.0.1:1", "1.1.1.1, ::1", "https")
	f.Add("[::1]:1", "[2001:db8::1]:443\n10.0.0.1", "http,https")
	f.Add("[fe80::1%a]:1", ",,", "")
	f.Add("203.0.113.7:1", "198.51.100.1", "https")
	f.Fuzz(func(t *testing.T, peer, hops, protos string) {
		r := request(peer, strings.Split(hops, "\n")...)
		r.Header["X-Forwarded-Proto"] = strings.Split(protos, "\n")
		p := proxies("127.0.0.0/8", "::1/128", "10.0.0.0/8")
		c := p.Client(r)
		at, err := netip.ParseAddrPort(peer)
		if (err == nil) != c.Addr.IsValid() {
			t.Fatalf("peer %q: client %v", peer, c.Addr)
		}
		if err != nil {
			return
		}
		own := plain(at.Addr())
		if !p.Trust(own) && (c.Addr != own || c.TLS) {
			t.Fatalf("%s is not trusted and is believed: %+v", own, c)
		}
		if c.Addr.Is4In6() || c.Addr.Zone() != "" || strings.ContainsAny(c.Network(), ", \n%") {
			t.Fatalf("client %v, network %q", c.Addr, c.Network())
		}
		// One untrusted hop more at the left changes nothing.
		if !p.Trust(c.Addr) {
			r.Header["X-Forwarded-For"] = append([]string{"192.0.2.1"}, r.Header["X-Forwarded-For"]...)
			if again := p.Client(r); again != c {
				t.Fatalf("got %+v, with a hop that was made up %+v", c, again)
			}
		}
	})
}
