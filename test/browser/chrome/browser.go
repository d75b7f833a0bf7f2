package chrome

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"strings"
	"time"

	"github.com/chromedp/chromedp"
)

// ErrNone says that no Chromium is installed.
var ErrNone = errors.New("none of " + strings.Join(names, ", ") + " is installed")

// closeWithin is how long a browser may take to end.
const closeWithin = 15 * time.Second

// Browser is one running Chromium. Its pages share nothing but the process.
type Browser struct {
	ctx     context.Context
	cancels []context.CancelFunc
}

// names are of Chromium. The first two draw the same pages without a browser's own window, in half of the processor's time.
var names = []string{"chromium-headless-shell", "chrome-headless-shell", "chromium", "chromium-browser", "google-chrome"}

// find is the path of a Chromium, or ErrNone.
func find() (string, error) {
	for _, name := range names {
		if path, err := exec.LookPath(name); err == nil {
			return path, nil
		}
	}
	return "", ErrNone
}

// Start starts a headless Chromium; ErrNone when there is none. Close ends it.
func Start() (*Browser, error) {
	path, err := find()
	if err != nil {
		return nil, err
	}
	options := append(chromedp.DefaultExecAllocatorOptions[:], chromedp.ExecPath(path), chromedp.DisableGPU,
		chromedp.Flag("lang", "en-US"), chromedp.Flag("font-render-hinting", "none"))
	if os.Geteuid() == 0 {
		options = append(options, chromedp.NoSandbox) // Chromium's sandbox refuses to be root's
	}
	allocator, cancelAllocator := chromedp.NewExecAllocator(context.Background(), options...)
	ctx, cancel := chromedp.NewContext(allocator)
	b := &Browser{ctx: ctx, cancels: []context.CancelFunc{cancel, cancelAllocator}}
	if err := chromedp.Do(ctx); err != nil {
		return nil, errors.Join(fmt.Errorf("start %s: %w", path, err), b.Close())
	}
	return b, nil
}

// Close ends the browser and waits for it.
func (b *Browser) Close() error {
	ctx, cancel := context.WithTimeout(b.ctx, closeWithin)
	err := chromedp.Cancel(ctx)
	cancel()
	for _, cancel := range b.cancels {
		cancel()
	}
	if err != nil {
		return fmt.Errorf("close the browser: %w", err)
	}
	return nil
}
