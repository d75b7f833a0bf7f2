package archive

import (
	"archive/tar"
	"bytes"
	"encoding/json"
	"errors"
	"io"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"channelsync/internal/mac"
	"channelsync/test/harness"
)

var began = time.Date(2026, 11, 23, 12, 0, 0, 0, time.UTC)

// written is an archive of the parts, in their order: name, content, name, content.
func written(t testing.TB, parts ...string) []byte {
	t.Helper()
	var out bytes.Buffer
	w := NewWriter(&out, began)
	for i := 0; i < len(parts); i += 2 {
		c, err := w.Begin(parts[i])
		harness.OK(t, err)
		if _, err := io.Copy(c, strings.NewReader(parts[i+1])); err != nil {
			t.Fatal(err)
		}
		err = w.End(Part{Messages: 3, Last: 7, Config: json.RawMessage(`{}`), State: json.RawMessage(`{}`)})
		harness.OK(t, err)
	}
	harness.OK(t, w.Close(Manifest{Store: 1, Version: "v1", Key: []byte("k")}, nil))
	return out.Bytes()
}

func TestWhatWasWrittenIsReadAgain(t *testing.T) {
	long := strings.Repeat("0123456789abcdef", pieceMax/8) // two pieces to the byte
	parts := []string{"CHANGES", long, "EMPTY", "", "KV_keys", long + "!", "KV_last", "x"}
	file := written(t, parts...)
	m, err := Check(bytes.NewReader(file))
	harness.OK(t, err)
	if m.Format != Format || m.Store != 1 || m.Version != "v1" || !m.At.Equal(began) || string(m.Key) != "k" || len(m.Parts) != 4 {
		t.Fatalf("got %+v", m)
	}
	var got []string
	err = Read(bytes.NewReader(file), m, func(p Part, r io.Reader) error {
		b, err := io.ReadAll(r)
		got = append(got, p.Name, string(b))
		return err
	})
	if err != nil || !cmp.Equal(parts, got) {
		t.Fatalf("got %d strings, %v", len(got), err)
	}
}

func TestPartsThatAreNotReadArePassedOver(t *testing.T) {
	file := written(t, "one", strings.Repeat("x", 3*pieceMax), "two", "content")
	m, err := Check(bytes.NewReader(file))
	harness.OK(t, err)
	var two []byte
	err = Read(bytes.NewReader(file), m, func(p Part, r io.Reader) error {
		if p.Name == "two" {
			two, err = io.ReadAll(r)
		}
		return err
	})
	if err != nil || string(two) != "content" {
		t.Fatalf("got %q, %v", two, err)
	}
	stop := errors.New("stop")
	if err := Read(bytes.NewReader(file), m, func(Part, io.Reader) error { return stop }); !errors.Is(err, stop) {
		t.Fatalf("got %v", err)
	}
}

func TestWhatIsNotWholeIsRefused(t *testing.T) {
	file := written(t, "CHANGES", strings.Repeat("abc", 5000), "KV_keys", "xyz")
	content := bytes.Index(file, []byte("abcabc"))
	flipped := bytes.Clone(file)
	flipped[content+100] ^= 1
	lying := bytes.Replace(file, []byte(`"bytes": 15000`), []byte(`"bytes": 14999`), 1)
	for name, bad := range map[string][]byte{
		"empty":                {},
		"no tar":               []byte("this is a text, and a text is no backup"),
		"cut off in a part":    file[:content+2000],
		"cut off at an entry":  file[:bytes.Index(file, []byte("KV_keys/"))-1024],
		"a byte changed":       flipped,
		"a manifest that lies": lying,
		"two joined":           append(bytes.TrimRight(bytes.Clone(file), "\x00"), file...),
	} {
		if m, err := Check(bytes.NewReader(bad)); !errors.Is(err, ErrDamaged) {
			t.Errorf("%s: got %+v, %v", name, m, err)
		}
	}
	for n := 0; n < len(file)-2048; n += 97 { // the last two blocks end a tar and say nothing
		if _, err := Check(bytes.NewReader(file[:n])); !errors.Is(err, ErrDamaged) {
			t.Fatalf("cut to %d of %d bytes: got %v", n, len(file), err)
		}
	}
}

func TestNewerFormatIsNamed(t *testing.T) {
	_, err := parseManifest([]byte(`{"format":3,"parts":"in another shape"}`))
	if !errors.Is(err, ErrNewer) {
		t.Fatalf("got %v", err)
	}
}

func TestEntriesThatDoNotBelongAreRefused(t *testing.T) {
	for _, names := range [][]string{
		{"../etc/passwd"},
		{"a/../b"},
		{"a/00000002"},
		{"a/00000001", "a/00000003"},
		{"/a/00000001"},
		{"a"},
		{"a/b/00000001"},
		{"a/00000001", "b/00000001", "a/00000001"},
	} {
		var out bytes.Buffer
		w := tar.NewWriter(&out)
		for _, n := range append(names, manifestName) {
			body := `{"format":1,"store":1}`
			harness.OK(t, w.WriteHeader(&tar.Header{Name: n, Size: int64(len(body)), Mode: 0o600}))
			if _, err := io.WriteString(w, body); err != nil {
				t.Fatal(err)
			}
		}
		harness.OK(t, w.Close())
		if _, err := Check(bytes.NewReader(out.Bytes())); !errors.Is(err, ErrDamaged) {
			t.Errorf("%q: got %v", names, err)
		}
	}
}

func TestWriterRefusesMisuse(t *testing.T) {
	w := NewWriter(io.Discard, began)
	if err := w.End(Part{}); err == nil {
		t.Error("an end without a beginning")
	}
	if _, err := w.Begin("../up"); err == nil {
		t.Error("a name that is a path")
	}
	if _, err := w.Begin("one"); err != nil {
		t.Fatal(err)
	}
	if _, err := w.Begin("two"); err == nil {
		t.Error("two at a time")
	}
	if err := w.Close(Manifest{}, nil); err == nil {
		t.Error("closed within a part")
	}
	harness.OK(t, w.End(Part{}))
	if _, err := w.Begin("one"); err == nil {
		t.Error("the same name twice")
	}
}

func FuzzCheck(f *testing.F) {
	f.Add(written(f, "CHANGES", "abc", "KV_keys", ""))
	f.Add(written(f))
	f.Add([]byte{})
	f.Add([]byte("manifest.json"))
	f.Fuzz(func(t *testing.T, file []byte) {
		m, err := Check(bytes.NewReader(file))
		if err != nil {
			if !errors.Is(err, ErrDamaged) && !errors.Is(err, ErrNewer) {
				t.Fatalf("got %v", err)
			}
			return
		}
		// What passed the check is read to the byte.
		err = Read(bytes.NewReader(file), m, func(p Part, r io.Reader) error {
			n, err := io.Copy(io.Discard, r)
			if n != p.Bytes {
				t.Fatalf("part %s: read %d bytes, want %d", p.Name, n, p.Bytes)
			}
			return err
		})
		harness.OK(t, err)
	})
}

// A file that is exchanged between the check and its use is not used up unseen.
func TestAFileThatChangesAfterTheCheckIsRefused(t *testing.T) {
	file := written(t, "CHANGES", "as it was", "KV_keys", "xyz")
	m, err := Check(bytes.NewReader(file))
	harness.OK(t, err)
	changed := bytes.Replace(file, []byte("as it was"), []byte("as it is!"), 1)
	for name, use := range map[string]func(Part, io.Reader) error{
		"read":     func(_ Part, r io.Reader) error { _, err := io.Copy(io.Discard, r); return err },
		"not read": func(Part, io.Reader) error { return nil },
	} {
		if err := Read(bytes.NewReader(changed), m, use); !errors.Is(err, ErrDamaged) {
			t.Errorf("%s: got %v", name, err)
		}
		if err := Read(bytes.NewReader(file), m, use); err != nil {
			t.Errorf("%s: unchanged: %v", name, err)
		}
	}
}

func TestAManifestIsOfAKey(t *testing.T) {
	keys := func(fill byte) *mac.Keys {
		k, err := mac.New(bytes.Repeat([]byte{fill}, 32))
		harness.OK(t, err)
		return k
	}
	var out bytes.Buffer
	w := NewWriter(&out, began)
	harness.OK(t, w.Close(Manifest{Store: 1, Version: "v1"}, keys(1)))
	m, err := Check(bytes.NewReader(out.Bytes()))
	if err != nil || !m.Authentic(keys(1)) || m.Authentic(keys(2)) {
		t.Errorf("got %+v, %v", m, err)
	}
	m.Version = "v2"
	if m.Authentic(keys(1)) {
		t.Error("another manifest has the code")
	}
	m, err = Check(bytes.NewReader(written(t)))
	if err != nil || m.Authentic(keys(1)) {
		t.Errorf("without a code: %+v, %v", m, err)
	}
}
