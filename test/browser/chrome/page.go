package chrome

import (
	"context"
	"fmt"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/chromedp/cdproto/cdp"
	"github.com/chromedp/cdproto/emulation"
	"github.com/chromedp/cdproto/network"
	"github.com/chromedp/cdproto/page"
	"github.com/chromedp/chromedp"
)

const (
	// patience is how long anything on a page may take: generous, since tests
	// share their machine.
	patience = 60 * time.Second
)

// Options is what the person in front of a page has.
type Options struct {
	Base     string // of paths: http://host:port
	Width    int    // of the window, in CSS pixels; 0 = 1440. Below 600 it is a phone
	Dark     bool
	NoScript bool   // scripts are switched off
	Before   string // a script that runs before those of each page
}

// Page is one tab in a browser context of its own. Whatever does not happen
// within a minute fails the test, with a picture and the text of the page.
type Page struct {
	T     testing.TB
	ctx   context.Context
	base  string
	watch *watch
	in    string // name of the region that things are looked for in; empty: all of it
}

// Page opens a tab that ends with the test.
func (b *Browser) Page(t testing.TB, o Options) *Page {
	t.Helper()
	return tab(t, b.ctx, o, chromedp.WithNewBrowserContext())
}

// Tab opens another tab of the same person, with the same cookies and connections. Both are
// looked at, as in two windows side by side.
func (p *Page) Tab(o Options) *Page {
	p.T.Helper()
	q := tab(p.T, p.ctx, o)
	for _, one := range []*Page{p, q} {
		one.must("look at the tab", Command(emulation.SetFocusEmulationEnabled, emulation.SetFocusEmulationEnabledParams{Enabled: true}))
	}
	return q
}

func tab(t testing.TB, parent context.Context, o Options, options ...chromedp.ContextOption) *Page {
	t.Helper()
	w := newWatch()
	ctx, cancel := chromedp.NewContext(parent, append(options, chromedp.WithListener(w.see))...)
	p := &Page{T: t, ctx: ctx, base: o.Base, watch: w}
	closed := make(chan struct{})
	if err := chromedp.Do(ctx); err != nil {
		cancel()
		t.Fatalf("open a tab: %v", err)
	}
	go func() {
		defer close(closed)
		p.closeDialogs()
	}()
	t.Cleanup(func() {
		for _, c := range w.complaints() {
			t.Errorf("on %s: %s", p.path(), c)
		}
		if t.Failed() {
			p.show()
		}
		if err := chromedp.Cancel(ctx); err != nil {
			t.Errorf("close the tab: %v", err)
		}
		cancel()
		<-closed
	})
	p.Resize(o.Width)
	p.Dark(o.Dark)
	if o.Before != "" {
		p.must("have a script run first", Command(page.AddScriptToEvaluateOnNewDocument, page.AddScriptToEvaluateOnNewDocumentParams{Source: o.Before}))
	}
	if o.NoScript {
		p.must("switch scripts off", Command(emulation.SetScriptExecutionDisabled, emulation.SetScriptExecutionDisabledParams{Value: true}))
	}
	return p
}

// In is the same page, looked at only within the region of that name.
func (p *Page) In(region string) *Page {
	q := *p
	q.in = region
	return &q
}

// Resize makes the window that wide.
func (p *Page) Resize(width int) {
	p.T.Helper()
	switch {
	case width == 0:
		p.must("resize", chromedp.EmulateViewport(1440, 1000))
	case width < 600:
		p.must("resize", chromedp.EmulateViewport(int64(width), 812, chromedp.EmulateMobile))
	default:
		p.must("resize", chromedp.EmulateViewport(int64(width), 1000))
	}
}

// Zoom makes a window of 1280 pixels as a person has it who zooms in: it holds fewer
// pixels of the page, each of which is larger.
func (p *Page) Zoom(percent int) {
	p.T.Helper()
	scale := float64(percent) / 100
	p.must("zoom", chromedp.EmulateViewport(int64(1280/scale), int64(1000/scale), chromedp.EmulateScale(scale)))
}

// Dark switches between the light and the dark scheme.
func (p *Page) Dark(dark bool) {
	p.T.Helper()
	scheme := "light"
	if dark {
		scheme = "dark"
	}
	p.Media("", "prefers-color-scheme", scheme)
}

// Media has the page shown on a kind of media, print or "" for the screen, to somebody who
// prefers that: names of features, each followed by its value.
func (p *Page) Media(kind string, features ...string) {
	p.T.Helper()
	params := emulation.SetEmulatedMediaParams{Media: kind}
	for i := 0; i+1 < len(features); i += 2 {
		params.Features = append(params.Features, &emulation.MediaFeature{Name: features[i], Value: features[i+1]})
	}
	p.must("choose the media", Command(emulation.SetEmulatedMedia, params))
}

// Open goes to a path of the base, or to a URL.
func (p *Page) Open(path string) {
	p.T.Helper()
	if strings.HasPrefix(path, "/") {
		path = p.base + path
	}
	p.must("open "+path, chromedp.Navigate(path))
}

// Path is where the page is, without the base.
func (p *Page) Path() string {
	p.T.Helper()
	at, err := run(p, chromedp.Location())
	if err != nil {
		p.T.Fatalf("ask where the page is: %v", err)
	}
	return strings.TrimPrefix(at, p.base)
}

// At waits until the page is at a path, whatever its query.
func (p *Page) At(path string) {
	p.T.Helper()
	p.until("being at "+path, func() error {
		at, err := url.Parse(p.Path())
		if err == nil && at.Path != path {
			err = fmt.Errorf("it is at %s", at)
		}
		return err
	})
}

// Status is the HTTP status of the page that is open.
func (p *Page) Status() int { return int(p.answer().Status) }

// Asked lists what the tab has asked the base for so far: methods and paths, without queries.
func (p *Page) Asked() []string {
	var all []string
	for _, asked := range p.watch.requests() {
		method, at, _ := strings.Cut(asked, " ")
		if path, own := strings.CutPrefix(at, p.base); own {
			path, _, _ = strings.Cut(path, "?")
			all = append(all, method+" "+path)
		}
	}
	return all
}

// Header is one of the page's response headers, by its name in small letters.
func (p *Page) Header(name string) string {
	for key, value := range p.answer().Headers {
		if strings.EqualFold(key, name) {
			return fmt.Sprint(value)
		}
	}
	return ""
}

func (p *Page) answer() *network.Response {
	p.T.Helper()
	answer := p.watch.answer()
	if answer == nil {
		p.T.Fatal("no page was opened yet")
	}
	return answer
}

// Cookies are those that the browser sends to the page's address.
func (p *Page) Cookies() []*network.Cookie {
	p.T.Helper()
	cookies, err := run(p, func(ctx context.Context, t *chromedp.Target) ([]*network.Cookie, error) {
		res, err := cdp.Call(ctx, t, network.GetCookies, network.GetCookiesParams{})
		return res.Cookies, err
	})
	if err != nil {
		p.T.Fatalf("ask for the cookies: %v", err)
	}
	return cookies
}

// Based is the same page, whose paths are of another base.
func (p *Page) Based(base string) *Page {
	q := *p
	q.base = base
	return &q
}

// For is the same page for a subtest: what does not happen fails that.
func (p *Page) For(t testing.TB) *Page {
	q := *p
	q.T = t
	return &q
}

// Complaints takes what the browser has had to complain of so far; a test that
// provokes it takes it, any other fails for it at its end.
func (p *Page) Complaints() []string { return p.watch.complaints() }

// Screenshot is the whole page as a PNG.
func (p *Page) Screenshot() []byte {
	p.T.Helper()
	png, err := run(p, chromedp.FullScreenshot(100))
	if err != nil {
		p.T.Fatalf("take a screenshot: %v", err)
	}
	return png
}

// Clip is a part of the page as a PNG: from so far down, as wide and high as that.
func (p *Page) Clip(top float64, width, height int) []byte {
	p.T.Helper()
	png, err := run(p, func(ctx context.Context, t *chromedp.Target) ([]byte, error) {
		res, err := cdp.Call(ctx, t, page.CaptureScreenshot, page.CaptureScreenshotParams{
			Format: page.CaptureScreenshotFormatPng, CaptureBeyondViewport: new(true),
			Clip: &page.Viewport{Y: top, Width: float64(width), Height: float64(height), Scale: 1},
		})
		return res.Data, err
	})
	if err != nil {
		p.T.Fatalf("take a picture: %v", err)
	}
	return png
}

// show leaves what a person would want to see of a page whose test has failed.
func (p *Page) show() {
	ctx, cancel := context.WithTimeout(p.ctx, 5*time.Second)
	defer cancel()
	text, err := chromedp.Run(ctx, chromedp.Evaluate[string](textOf))
	p.T.Logf("the page at %s says (%v):\n%s", p.path(), err, text)
	png, err := chromedp.Run(ctx, chromedp.FullScreenshot(100))
	if err != nil {
		p.T.Logf("no screenshot: %v", err)
		return
	}
	file := filepath.Join(p.T.ArtifactDir(), "page.png")
	if err := os.WriteFile(file, png, 0o600); err != nil {
		p.T.Logf("keep the screenshot: %v", err)
		return
	}
	p.T.Logf("a screenshot is in %s (kept with -artifacts)", file)
}

func (p *Page) path() string {
	ctx, cancel := context.WithTimeout(p.ctx, 5*time.Second)
	defer cancel()
	at, err := chromedp.Run(ctx, chromedp.Location())
	if err != nil {
		return "an unknown place"
	}
	return strings.TrimPrefix(at, p.base)
}

// closeDialogs closes what would hold the page up; that it opened was noted.
func (p *Page) closeDialogs() {
	for {
		select {
		case <-p.ctx.Done():
			return
		case <-p.watch.dialogs:
			ctx, cancel := context.WithTimeout(p.ctx, patience)
			_, _ = chromedp.Call(ctx, page.HandleJavaScriptDialog, page.HandleJavaScriptDialogParams{}) // the test fails anyway
			cancel()
		}
	}
}
