package archive

import (
	"archive/tar"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"hash"
	"io"
	"time"

	"channelsync/internal/mac"
)

// Writer writes an archive, part by part. It is for one goroutine.
type Writer struct {
	tar   *tar.Writer
	at    time.Time
	parts []Part
	open  *content
}

// NewWriter begins an archive. At is when the backup began; every entry carries it.
func NewWriter(w io.Writer, at time.Time) *Writer {
	return &Writer{tar: tar.NewWriter(w), at: at.UTC().Truncate(time.Second)}
}

// Begin begins a part; what is written until End is its content.
func (w *Writer) Begin(name string) (io.Writer, error) {
	if w.open != nil || !validName(name) {
		return nil, fmt.Errorf("begin part %q: it has no valid name, or another one is open", name)
	}
	for _, p := range w.parts {
		if p.Name == name {
			return nil, fmt.Errorf("begin part %q: there is one already", name)
		}
	}
	w.open = &content{w: w, name: name, sum: sha256.New(), piece: make([]byte, 0, pieceMax)}
	return w.open, nil
}

// End ends the part. Its name, size and hash are known; the rest is the caller's.
func (w *Writer) End(p Part) error {
	if w.open == nil {
		return errors.New("end part: none is open")
	}
	c := w.open
	w.open = nil
	if err := c.flush(); err != nil {
		return err
	}
	p.Name, p.Bytes, p.SHA256 = c.name, c.size, hex.EncodeToString(c.sum.Sum(nil))
	w.parts = append(w.parts, p)
	return nil
}

// Close writes the manifest, authenticated by the keys unless they are nil; its format, time
// and parts are filled in. Without it an archive is not whole.
func (w *Writer) Close(m Manifest, keys *mac.Keys) error {
	if w.open != nil {
		return errors.New("close archive: a part is open")
	}
	m.Format, m.At, m.Parts, m.MAC = Format, w.at, w.parts, nil
	if keys != nil {
		coded, err := m.coded()
		if err != nil {
			return err
		}
		m.MAC = keys.Sum(manifestPlace, coded)
	}
	b, err := json.MarshalIndent(m, "", "  ")
	if err != nil {
		return fmt.Errorf("encode manifest: %w", err)
	}
	if err := w.entry(manifestName, b); err != nil {
		return err
	}
	if err := w.tar.Close(); err != nil {
		return fmt.Errorf("end archive: %w", err)
	}
	return nil
}

func (w *Writer) entry(name string, b []byte) error {
	err := w.tar.WriteHeader(&tar.Header{Name: name, Mode: 0o600, Size: int64(len(b)), ModTime: w.at, Format: tar.FormatPAX})
	if err == nil {
		_, err = w.tar.Write(b)
	}
	if err == nil {
		err = w.tar.Flush()
	}
	if err != nil {
		return fmt.Errorf("write %s: %w", name, err)
	}
	return nil
}

// content cuts what is written into entries: a tar wants to know sizes beforehand.
type content struct {
	w      *Writer
	name   string
	sum    hash.Hash
	piece  []byte
	pieces int
	size   int64
}

func (c *content) Write(b []byte) (int, error) {
	n := len(b)
	for len(b) > 0 {
		part := b[:min(len(b), pieceMax-len(c.piece))]
		c.piece = append(c.piece, part...)
		b = b[len(part):]
		if len(c.piece) == pieceMax {
			if err := c.flush(); err != nil {
				return 0, err
			}
		}
	}
	return n, nil
}

func (c *content) flush() error {
	if len(c.piece) == 0 {
		return nil
	}
	c.pieces++
	_, _ = c.sum.Write(c.piece) // never fails
	c.size += int64(len(c.piece))
	err := c.w.entry(pieceName(c.name, c.pieces), c.piece)
	c.piece = c.piece[:0]
	return err
}

func pieceName(part string, n int) string { return fmt.Sprintf("%s/%08d", part, n) }
