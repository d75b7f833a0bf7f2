package chrome

import (
	"fmt"
	"slices"
	"strings"
	"sync"

	"github.com/chromedp/cdproto/log"
	"github.com/chromedp/cdproto/network"
	"github.com/chromedp/cdproto/page"
	"github.com/chromedp/cdproto/runtime"
)

// watch notes what must not happen on any page, and the answers of its documents.
type watch struct {
	mu        sync.Mutex
	complaint []string
	documents map[string]bool // URLs asked for as a page of their own
	asked     []string        // every request: its method and URL
	last      *network.Response
	dialogs   chan struct{} // one is open
}

func newWatch() *watch {
	return &watch{documents: map[string]bool{}, dialogs: make(chan struct{}, 1)}
}

// see is called for each event of the tab, in order; it must not block.
func (w *watch) see(ev any) {
	w.mu.Lock()
	defer w.mu.Unlock()
	switch ev := ev.(type) {
	case *runtime.EventExceptionThrown:
		d := ev.ExceptionDetails
		text := d.Text
		if d.Exception != nil {
			text += " " + d.Exception.Description
		}
		w.add("a script failed: %s (%s:%d)", text, d.URL, d.LineNumber+1)
	case *runtime.EventConsoleAPICalled:
		if ev.Type == runtime.ConsoleAPICalledTypeError || ev.Type == runtime.ConsoleAPICalledTypeAssert {
			var said []string
			for _, arg := range ev.Args {
				said = append(said, string(arg.Value)+arg.Description)
			}
			w.add("console.%s: %s", ev.Type, strings.Join(said, " "))
		}
	case *log.EventEntryAdded:
		w.entry(ev.Entry)
	case *network.EventRequestWillBeSent:
		w.asked = append(w.asked, ev.Request.Method+" "+ev.Request.URL)
		if ev.Type == network.ResourceTypeDocument {
			w.documents[ev.Request.URL] = true
		}
	case *network.EventResponseReceived:
		if ev.Type == network.ResourceTypeDocument {
			w.last = ev.Response
		}
	case *page.EventJavascriptDialogOpening:
		w.add("a dialog opened: %s", ev.Message)
		select {
		case w.dialogs <- struct{}{}:
		default: // one is to be closed already
		}
	}
}

// entry judges an entry of the browser's log: a breach of the content security
// policy is one of them. That a page itself was answered with an error is none.
func (w *watch) entry(e *log.Entry) {
	if e.Level != log.EntryLevelError {
		return
	}
	if e.Source == log.EntrySourceNetwork && w.documents[e.URL] {
		return
	}
	w.add("the browser's log, %s: %s (%s)", e.Source, e.Text, e.URL)
}

func (w *watch) add(format string, args ...any) {
	w.complaint = append(w.complaint, fmt.Sprintf(format, args...))
}

// complaints takes what was noted so far.
func (w *watch) complaints() []string {
	w.mu.Lock()
	defer w.mu.Unlock()
	all := w.complaint
	w.complaint = nil
	return all
}

// requests are those that were made so far.
func (w *watch) requests() []string {
	w.mu.Lock()
	defer w.mu.Unlock()
	return slices.Clone(w.asked)
}

// answer is that of the last page; nil before the first.
func (w *watch) answer() *network.Response {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.last
}
