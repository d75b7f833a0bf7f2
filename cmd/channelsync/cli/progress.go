package cli

import (
	"io"
	"os"
	"time"

	"github.com/schollz/progressbar/v3"
	"golang.org/x/term"

	"channelsync/cmd/channelsync/logsink"
)

// progress is a bar on standard error, drawn only where that is a terminal.
type progress struct {
	to    io.Writer // nil draws nothing
	label string
	bar   *progressbar.ProgressBar
}

func (s *session) progress(label string) *progress {
	if !isTerminal(s.Stderr) {
		return &progress{}
	}
	return &progress{to: s.Stderr, label: label}
}

// at says how far it is. The total may grow; 0 is not known yet.
func (p *progress) at(done, total int) {
	if p.to == nil || total <= 0 {
		return
	}
	if p.bar == nil {
		p.bar = progressbar.NewOptions(total,
			progressbar.OptionSetWriter(p.to), progressbar.OptionSetDescription(p.label),
			progressbar.OptionSetWidth(30), progressbar.OptionShowCount(), progressbar.OptionThrottle(50*time.Millisecond),
			progressbar.OptionClearOnFinish())
	}
	if p.bar.GetMax() != total {
		p.bar.ChangeMax(total)
	}
	// A full bar ends itself; whether there is more to come only the caller knows.
	_ = p.bar.Set(min(done, total-1)) // a bar that cannot be drawn stops nothing
}

// end takes the bar away.
func (p *progress) end() {
	if p.bar != nil {
		_ = p.bar.Finish()
		p.bar = nil
	}
}

func isTerminal(w io.Writer) bool {
	if sink, is := w.(*logsink.Sink); is {
		w = sink.Unwrap()
	}
	f, ok := w.(*os.File)
	return ok && term.IsTerminal(int(f.Fd()))
}
