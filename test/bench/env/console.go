package env

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"net/http/cookiejar"
	"net/url"
	"strings"
	"time"
)

// Browser is somebody who is logged in at the program's console, with connections of its own:
// those of HTTP/1.1, and no more of them than browsers keep.
type Browser struct {
	base   string
	client *http.Client
}

// connectionsOfBrowser is how many connections browsers keep to a host over HTTP/1.1.
const connectionsOfBrowser = 6

// Browser logs somebody in.
func (b *Env) Browser(ctx context.Context) (*Browser, error) {
	jar, err := cookiejar.New(nil)
	if err != nil {
		return nil, fmt.Errorf("keep cookies: %w", err)
	}
	out := &Browser{base: "http://" + b.admin, client: &http.Client{
		Jar: jar, Transport: &http.Transport{MaxConnsPerHost: connectionsOfBrowser, MaxIdleConnsPerHost: connectionsOfBrowser},
	}}
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, out.base+"/login", strings.NewReader(url.Values{"token": {adminToken}}.Encode()))
	if err != nil {
		return nil, fmt.Errorf("log in: %w", err)
	}
	req.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	out.client.CheckRedirect = func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }
	resp, err := out.client.Do(req)
	if err != nil {
		return nil, fmt.Errorf("log in: %w", err)
	}
	defer func() { _ = resp.Body.Close() }()
	if resp.StatusCode != http.StatusSeeOther {
		return nil, fmt.Errorf("log in: got %s", resp.Status)
	}
	return out, nil
}

// Close closes the browser's connections.
func (w *Browser) Close() { w.client.CloseIdleConnections() }

// Page loads a page, and says how long that took.
func (w *Browser) Page(ctx context.Context, path string) (time.Duration, error) {
	began := time.Now()
	text, resp, err := w.get(ctx, path, nil)
	if err == nil && (resp.StatusCode != http.StatusOK || !strings.Contains(text, "</html>")) {
		err = fmt.Errorf("load %s: got %s", path, resp.Status)
	}
	return time.Since(began), err
}

// Poll asks for the live part of a page as an open tab does. It returns what to say the next
// time, and whether there was anything new.
func (w *Browser) Poll(ctx context.Context, path, last string) (tag string, news bool, err error) {
	_, resp, err := w.get(ctx, path, http.Header{"Accept": {"text/vnd.channelsync.live+html"}, "If-None-Match": {last}})
	if err != nil {
		return "", false, err
	}
	if resp.StatusCode != http.StatusOK && resp.StatusCode != http.StatusNotModified {
		return "", false, fmt.Errorf("look at %s: got %s", path, resp.Status)
	}
	return resp.Header.Get("ETag"), resp.StatusCode == http.StatusOK, nil
}

func (w *Browser) get(ctx context.Context, path string, header http.Header) (string, *http.Response, error) {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, w.base+path, nil)
	if err != nil {
		return "", nil, fmt.Errorf("load %s: %w", path, err)
	}
	if header != nil {
		req.Header = header
	}
	resp, err := w.client.Do(req)
	if err != nil {
		return "", nil, fmt.Errorf("load %s: %w", path, err)
	}
	defer func() { _ = resp.Body.Close() }()
	text, err := io.ReadAll(resp.Body)
	if err != nil {
		return "", nil, fmt.Errorf("load %s: %w", path, err)
	}
	return string(text), resp, nil
}
