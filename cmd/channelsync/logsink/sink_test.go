package logsink

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
	"sync"
	"syscall"
	"testing"
	"testing/synctest"
	"time"

	"channelsync/test/harness"
)

func TestMain(m *testing.M) { harness.Main(m) }

func write(t *testing.T, s *Sink, line string) {
	t.Helper()
	if n, err := io.WriteString(s, line); n != len(line) || err != nil {
		t.Errorf("write: %d, %v", n, err)
	}
}

func TestLinesAreWrittenInOrder(t *testing.T) {
	var out bytes.Buffer
	s := New(&out)
	var want strings.Builder
	line := make([]byte, 0, 16)
	for i := range 1000 {
		line = fmt.Appendf(line[:0], "line %d\n", i) // as zap does, in one buffer
		want.Write(line)
		write(t, s, string(line))
	}
	if !s.Stop(10*time.Second) || out.String() != want.String() || s.Dropped() != 0 {
		t.Errorf("%d bytes are written of %d, %d dropped", out.Len(), want.Len(), s.Dropped())
	}
	write(t, s, "after the stop\n")
	if !s.Stop(0) && s.Dropped() != 1 {
		t.Errorf("%d dropped after the stop, want 1", s.Dropped())
	}
}

// A pipe whose reader never reads blocks its writer for ever.
func TestReaderThatNeverReadsBlocksNobody(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r, w := io.Pipe()
		s := New(w)
		began := time.Now()
		for range 100 {
			write(t, s, strings.Repeat("x", maxBytes/10)+"\n")
		}
		if time.Since(began) != 0 {
			t.Errorf("writing took %s", time.Since(began))
		}
		if waiting := len(s.waiting); s.Dropped() < 80 || waiting > maxBytes {
			t.Errorf("%d dropped, %d bytes wait", s.Dropped(), waiting)
		}
		if s.Stop(2*time.Second) || time.Since(began) != 2*time.Second {
			t.Errorf("the stop took %s", time.Since(began))
		}
		_ = r.Close() // the process would end here
		<-s.done
	})
}

// flaky fails while it has an error.
type flaky struct {
	mu  sync.Mutex
	err error
	out bytes.Buffer
}

func (f *flaky) Write(b []byte) (int, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.err != nil {
		return 0, f.err
	}
	return f.out.Write(b)
}

func (f *flaky) fail(err error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.err = err
}

// A full disk has room again one day; the log then says how much is missing.
func TestLogGoesOnAfterAFullDisk(t *testing.T) {
	for _, cause := range []error{syscall.ENOSPC, syscall.EPIPE, errors.New("anything")} {
		synctest.Test(t, func(t *testing.T) {
			f := &flaky{}
			s := New(f)
			s.OnLost(func(n uint64) []byte { return fmt.Appendf(nil, "%d lost\n", n) })
			write(t, s, "one\n")
			synctest.Wait()
			f.fail(cause)
			write(t, s, "two\n")
			write(t, s, "three\n")
			<-time.After(gatherFor)
			synctest.Wait()
			f.fail(nil)
			write(t, s, "four\n")
			if !s.Stop(time.Second) {
				t.Error("it did not stop")
			}
			if got := f.out.String(); got != "one\n2 lost\nfour\n" || s.Dropped() != 2 {
				t.Errorf("written is %q, %d dropped", got, s.Dropped())
			}
		})
	}
}

// each counts what is written, and how often.
type each struct {
	mu     sync.Mutex
	writes []string
}

func (e *each) Write(b []byte) (int, error) {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.writes = append(e.writes, string(b))
	return len(b), nil
}

// TestLinesOfABusyServiceShareAWrite: a lone line is written at once, those that come
// right after it together, and a stop waits for no more.
func TestLinesOfABusyServiceShareAWrite(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		to := &each{}
		s := New(to)
		began := time.Now()
		write(t, s, "1\n")
		synctest.Wait()
		write(t, s, "2\n")
		write(t, s, "3\n")
		<-time.After(gatherFor)
		synctest.Wait()
		write(t, s, "4\n")
		if !s.Stop(time.Minute) || time.Since(began) != gatherFor {
			t.Errorf("stopped after %s, want %s", time.Since(began), gatherFor)
		}
		if want := []string{"1\n", "2\n3\n", "4\n"}; !slices.Equal(to.writes, want) {
			t.Errorf("written is %q, want %q", to.writes, want)
		}
	})
}

// TestOnlyWhatWasNotWrittenIsLost of lines that shared a write.
func TestOnlyWhatWasNotWrittenIsLost(t *testing.T) {
	s := New(half{})
	write(t, s, "one\ntwo\nthree\n")
	if !s.Stop(10*time.Second) || s.Dropped() != 2 {
		t.Errorf("%d dropped, want 2", s.Dropped())
	}
}

// half writes half of what it is given.
type half struct{}

func (half) Write(b []byte) (int, error) { return len(b) / 2, io.ErrShortWrite }

func TestWritesBesideTheStop(t *testing.T) {
	s := New(io.Discard)
	var wg sync.WaitGroup
	for range 8 {
		wg.Go(func() {
			for range 500 {
				write(t, s, "line\n")
			}
		})
	}
	s.Stop(10 * time.Second)
	wg.Wait()
}
