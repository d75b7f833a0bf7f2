package console

import (
	"bufio"
	"io"
	"strings"

	"go.uber.org/zap"
)

func nopLog() *zap.Logger { return zap.NewNop() }

// readEvents sends the data of each event and closes events at the end.
func readEvents(r io.Reader, events chan<- string) {
	defer close(events)
	lines := bufio.NewScanner(r)
	lines.Buffer(nil, 1<<20)
	var data []string
	for lines.Scan() {
		line := lines.Text()
		if text, ok := strings.CutPrefix(line, "data: "); ok {
			data = append(data, text)
			continue
		}
		if line == "" && len(data) > 0 {
			events <- strings.Join(data, "\n")
			data = nil
		}
	}
}
