package archive

import (
	"archive/tar"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"hash"
	"io"
	"strings"
)

// Check reads a whole archive and returns its manifest when every part is there
// as the manifest says. An error is ErrDamaged, ErrNewer, or of the reader.
func Check(r io.Reader) (Manifest, error) {
	w := walk{tar: tar.NewReader(r)}
	var found []*seen
	for {
		part, piece, err := w.next()
		switch {
		case err != nil:
			return Manifest{}, err
		case part == "":
			return w.manifest(found)
		case len(found) == 0 || found[len(found)-1].name != part:
			found = append(found, &seen{name: part, sum: sha256.New()})
		}
		s := found[len(found)-1]
		n, err := io.Copy(s.sum, piece)
		if err != nil {
			return Manifest{}, damaged(err)
		}
		s.size += n
	}
}

// Read hands every part of an archive to use, in order; what use leaves unread is
// passed over. The manifest is what Check returned: a part that is another one by
// now, since the file was changed in between, is ErrDamaged after use has seen it.
func Read(r io.Reader, m Manifest, use func(Part, io.Reader) error) error {
	w := walk{tar: tar.NewReader(r)}
	part, piece, err := w.next()
	if err != nil {
		return err
	}
	for _, p := range m.Parts {
		c := &joined{walk: &w, name: p.Name, part: part, piece: piece, sum: sha256.New()}
		if err := use(p, c); err != nil {
			return err
		}
		if _, err := io.Copy(io.Discard, c); err != nil {
			return damaged(err)
		}
		if hex.EncodeToString(c.sum.Sum(nil)) != p.SHA256 {
			return fmt.Errorf("%w: part %s is not as its manifest says", ErrDamaged, p.Name)
		}
		part, piece = c.part, c.piece
	}
	return nil
}

// seen is a part as it was found.
type seen struct {
	name string
	sum  hash.Hash
	size int64
}

// walk goes through the entries and refuses any that do not stand where they must.
type walk struct {
	tar    *tar.Reader
	part   string
	pieces int
	last   []byte // the manifest, once it was reached
}

// next returns the next piece; an empty name is the end: the manifest.
func (w *walk) next() (part string, piece io.Reader, err error) {
	h, err := w.tar.Next()
	if errors.Is(err, io.EOF) {
		return "", nil, fmt.Errorf("%w: it has no manifest, so it was cut off", ErrDamaged)
	}
	if err != nil {
		return "", nil, damaged(err)
	}
	if h.Name == manifestName {
		w.last, err = io.ReadAll(io.LimitReader(w.tar, manifestMax))
		if err != nil {
			return "", nil, damaged(err)
		}
		return "", nil, nil
	}
	part, _, _ = strings.Cut(h.Name, "/")
	if part != w.part {
		w.part, w.pieces = part, 0
	}
	w.pieces++
	if h.Typeflag != tar.TypeReg || !validName(part) || h.Name != pieceName(part, w.pieces) || h.Size > pieceMax {
		return "", nil, fmt.Errorf("%w: %q does not belong there", ErrDamaged, h.Name)
	}
	return part, w.tar, nil
}

// manifest compares what was found with what there must be, in the same order.
func (w *walk) manifest(found []*seen) (Manifest, error) {
	m, err := parseManifest(w.last)
	if err != nil {
		return Manifest{}, err
	}
	if _, err := w.tar.Next(); !errors.Is(err, io.EOF) {
		return Manifest{}, fmt.Errorf("%w: something follows its manifest", ErrDamaged)
	}
	for _, p := range m.Parts {
		s := &seen{name: p.Name, sum: sha256.New()} // a part without content has no entry
		if p.Bytes > 0 && len(found) > 0 {
			s, found = found[0], found[1:]
		}
		if s.name != p.Name || s.size != p.Bytes || hex.EncodeToString(s.sum.Sum(nil)) != p.SHA256 {
			return Manifest{}, fmt.Errorf("%w: part %s is not as its manifest says", ErrDamaged, p.Name)
		}
	}
	if len(found) > 0 {
		return Manifest{}, fmt.Errorf("%w: it has parts that its manifest does not name", ErrDamaged)
	}
	return m, nil
}

// damaged is for errors of reading the tar: a file that is cut off in the middle
// and one that is no tar are the same to whoever needs it.
func damaged(err error) error { return fmt.Errorf("%w: %w", ErrDamaged, err) }

// joined is the content of one part again.
type joined struct {
	walk  *walk
	name  string
	part  string // of the piece that is open
	piece io.Reader
	sum   hash.Hash
}

func (c *joined) Read(b []byte) (int, error) {
	for c.part == c.name {
		n, err := c.piece.Read(b)
		_, _ = c.sum.Write(b[:n]) // never fails
		if !errors.Is(err, io.EOF) {
			return n, err //nolint:wrapcheck // a reader passes errors through
		}
		if n > 0 {
			return n, nil // the piece's end, not the part's
		}
		if c.part, c.piece, err = c.walk.next(); err != nil {
			return 0, err
		}
	}
	return 0, io.EOF
}
