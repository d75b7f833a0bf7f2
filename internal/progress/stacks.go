package progress

import (
	"bytes"
	"cmp"
	"runtime/pprof"
	"time"

	"go.uber.org/zap"
)

const (
	// stacksMost bounds one dump, in bytes. Goroutines with the same stack are written
	// once, with their number, so that thousands of installations fit.
	stacksMost = 512 << 10
	// stacksLine bounds one line of the log: collectors cut longer ones off.
	stacksLine = 12 << 10
	// stacksEvery is how often at most they are logged.
	stacksEvery = 10 * time.Minute
)

// stacks logs the stacks of all goroutines.
type stacks struct {
	log *zap.Logger
	at  time.Time // of the last dump; zero before the first
}

func (s *stacks) dump() {
	now := time.Now()
	if !s.at.IsZero() && now.Sub(s.at) < stacksEvery {
		s.log.Info("stacks not logged again", zap.Time("last", s.at))
		return
	}
	s.at = now
	var all bytes.Buffer
	if err := pprof.Lookup("goroutine").WriteTo(&all, 1); err != nil { // a buffer takes whatever it is given
		return
	}
	rest := all.Bytes()
	cut := max(0, len(rest)-stacksMost)
	rest = rest[:len(rest)-cut]
	lines := chunks(rest, stacksLine)
	for i, part := range lines {
		s.log.Error("stacks of all goroutines", zap.Int("part", i+1), zap.Int("of", len(lines)), zap.Int("cut", cut), zap.ByteString("stacks", part))
	}
}

// chunks parts a text into pieces of at most size bytes, between lines where it can.
func chunks(text []byte, size int) [][]byte {
	var parts [][]byte
	for len(text) > size {
		at := cmp.Or(bytes.LastIndexByte(text[:size], '\n')+1, size)
		parts, text = append(parts, text[:at]), text[at:]
	}
	return append(parts, text)
}
