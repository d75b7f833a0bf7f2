package autotask

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"

	"channelsync/api/autotask/internal/lenient"
	v1 "channelsync/api/v1"
	"channelsync/internal/clip"
)

const (
	discoveryTimeout = 30 * time.Second
	maxDiscoveryBody = 64 << 10
	maxRedirects     = 5
)

// ErrZoneUnknown means that the vendor knows no zone for a user name. Some valid
// users get this answer too, so a zone given by hand must always be possible.
var ErrZoneUnknown = errors.New("no zone found for this user name")

// ErrForeignZone means that the vendor named a zone for a user name that is not one of the vendor's hosts. Nothing is
// sent there; the *ZoneError says which host it is.
var ErrForeignZone = errors.New("the zone that discovery names is not Autotask's")

// Discoverer asks the vendor which zone a user belongs to. It sends the user name
// and nothing else: the call needs no credentials (vendor: getZoneInfo).
type Discoverer struct {
	URL    string       // REST base of the vendor's host that answers for every zone
	Hosts  Hosts        // redirects and the answer must pass
	Client *http.Client // for its transport and limits; nil = the standard library's default
}

// Discover finds the zone of a user name. It fails with ErrZoneUnknown when the
// vendor knows none, with ErrForeignZone and a *ZoneError when the answer is not an allowed host, and
// with an *Error otherwise. It takes at most 30 s.
func (d Discoverer) Discover(ctx context.Context, username string) (v1.Zone, error) {
	if strings.TrimSpace(username) == "" {
		return v1.Zone{}, fmt.Errorf("discover zone: %w", ErrZoneUnknown)
	}
	ctx, cancel := context.WithTimeoutCause(ctx, discoveryTimeout, timeout{discoveryTimeout})
	defer cancel()
	answer, err := d.ask(ctx, username)
	if err != nil {
		return v1.Zone{}, err
	}
	base := lenient.Text(answer.Get("url"))
	if base == "" {
		return v1.Zone{}, fmt.Errorf("discover zone: %w", ErrZoneUnknown)
	}
	u, err := d.Hosts.Check(base)
	if err != nil {
		return v1.Zone{}, fmt.Errorf("discover zone: %w: %w", ErrForeignZone, err)
	}
	return v1.Zone{Name: d.zoneName(lenient.Text(answer.Get("zoneName")), u), URL: u.String()}, nil
}

// ResolveZone turns what a person gave into a zone: a name of the list, a REST
// base URL or host, or nothing, which means discovery.
func (d Discoverer) ResolveZone(ctx context.Context, text, username string) (v1.Zone, error) {
	text = strings.TrimSpace(text)
	if text == "" {
		return d.Discover(ctx, username)
	}
	if zone, ok := d.Hosts.Named(text); ok {
		return zone, nil
	}
	if !strings.Contains(text, "://") {
		if !vendorHost.MatchString(strings.ToLower(text)) {
			return v1.Zone{}, &ZoneError{Got: quoted(text), Want: "a name from the list of zones, or a REST base URL"}
		}
		text = "https://" + text
	}
	u, err := d.Hosts.Check(text)
	if err != nil {
		return v1.Zone{}, err
	}
	return v1.Zone{Name: d.zoneName("", u), URL: u.String()}, nil
}

func (d Discoverer) ask(ctx context.Context, username string) (lenient.Object, error) {
	fail := func(kind Kind, cause error) error {
		return &Error{Kind: kind, Operation: "discover", Entity: "zone", Cause: cause}
	}
	target := strings.TrimRight(d.URL, "/") + "/v1.0/zoneInformation?user=" + url.QueryEscape(username)
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, target, nil)
	if err != nil {
		return nil, fail(KindInvalid, errors.New("the discovery URL is not a URL"))
	}
	req.Header.Set("Content-Type", "application/json")
	res, err := d.client().Do(req)
	if err != nil {
		return nil, fail(KindUnavailable, networkCause(ctx, err))
	}
	defer func() { _ = res.Body.Close() }()
	body, err := io.ReadAll(io.LimitReader(res.Body, maxDiscoveryBody))
	if err != nil {
		return nil, fail(KindUnavailable, networkCause(ctx, err))
	}
	if e := classify(res.StatusCode, res.Header, body, time.Now()); e != nil {
		if slices.ContainsFunc(e.Texts, refusedText.MatchString) {
			return nil, fmt.Errorf("discover zone: %w", ErrZoneUnknown)
		}
		e.Operation, e.Entity = "discover", "zone"
		return nil, e
	}
	if len(strings.TrimSpace(string(body))) == 0 {
		return nil, fmt.Errorf("discover zone: %w", ErrZoneUnknown)
	}
	var answer lenient.Object
	if err := json.Unmarshal(body, &answer); err != nil {
		return nil, fail(KindUndecodable, errors.New("the answer is not a JSON object"))
	}
	return answer, nil
}

// client is the given one, but following redirects to allowed hosts only.
func (d Discoverer) client() *http.Client {
	c := http.Client{}
	if d.Client != nil {
		c = *d.Client
	}
	c.CheckRedirect = func(req *http.Request, via []*http.Request) error {
		if len(via) >= maxRedirects {
			return fmt.Errorf("follow redirect: more than %d", maxRedirects)
		}
		if _, err := d.Hosts.host(req.URL); err != nil {
			return fmt.Errorf("follow redirect: %w", err)
		}
		return nil
	}
	return &c
}

// zoneName prefers the vendor's word, then the list's, then the number, then the host.
func (d Discoverer) zoneName(said string, u *url.URL) string {
	if said != "" {
		return clip.Text(said, 100)
	}
	return nameOf(u.Host)
}
