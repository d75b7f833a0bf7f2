package store

import (
	"archive/tar"
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"

	v1 "channelsync/api/v1"
	"channelsync/events/backup/archive"
	"channelsync/test/harness"
	"channelsync/test/harness/service"
)

// TestAChangedBackupIsRefused: whoever can write to the file of a backup, and knows its format, changes nothing that is
// restored; he is refused before anything is written. A backup of a version from before they had codes is taken, and
// said to be one.
func TestAChangedBackupIsRefused(t *testing.T) {
	t.Parallel()
	w := service.New(t, service.Options{Autotask: service.Unlimited()})
	w.Companies(3)
	w.Install(v1.SyncActiveCustomers)
	w.Agree(soon)
	file := backUp(w)
	w.Stop()
	older := func(m *archive.Manifest) { m.Format, m.MAC = 1, nil }
	for name, change := range map[string]struct {
		manifest func(m *archive.Manifest)
		content  bool // of a part, its hash fits
	}{
		"the content of a part":        {content: true},
		"what it says of itself":       {manifest: func(m *archive.Manifest) { m.Version = "another" }},
		"how a stream is set up":       {manifest: func(m *archive.Manifest) { m.Parts[0].Config = []byte(`{}`) }},
		"its code is gone":             {manifest: func(m *archive.Manifest) { m.MAC = nil }},
		"its code is another one's":    {manifest: func(m *archive.Manifest) { m.MAC[20] ^= 1 }},
		"its code and format are gone": {manifest: older},
	} {
		changed := tamper(t, file, change.manifest, change.content)
		if _, err := archive.Check(bytes.NewReader(read(t, changed))); err != nil {
			t.Fatalf("%s: it is not even whole: %v", name, err)
		}
		dir := filepath.Join(t.TempDir(), "into")
		if _, err := restoring(t, changed, w.DataDir, dir).Run(bounded(t)); err == nil || !strings.Contains(err.Error(), "was changed after it was made") {
			t.Errorf("%s: got %v", name, err)
		}
		left(t, dir)
	}

	dir := filepath.Join(t.TempDir(), "into")
	old := tamper(t, file, func(m *archive.Manifest) { older(m); m.Store = 2 }, false)
	report, err := restoring(t, old, w.DataDir, dir).Run(bounded(t))
	if err != nil || !report.Unauthenticated || report.Installations != 1 {
		t.Errorf("one from before: %+v, %v", report, err)
	}
	report, err = restoring(t, file, w.DataDir, filepath.Join(t.TempDir(), "into")).Run(bounded(t))
	if err != nil || report.Unauthenticated {
		t.Errorf("the one that nobody changed: %+v, %v", report, err)
	}
}

func read(t *testing.T, file string) []byte {
	t.Helper()
	b, err := os.ReadFile(file)
	harness.OK(t, err)
	return b
}

// tamper writes a backup again with another manifest and, if asked, with a byte of its first part changed, so that
// every hash fits.
func tamper(t *testing.T, file string, change func(m *archive.Manifest), content bool) string {
	t.Helper()
	var out bytes.Buffer
	from, to := tar.NewReader(bytes.NewReader(read(t, file))), tar.NewWriter(&out)
	sums, first := map[string]io.Writer{}, ""
	for {
		h, err := from.Next()
		if errors.Is(err, io.EOF) {
			break
		}
		harness.OK(t, err)
		body, err := io.ReadAll(from)
		harness.OK(t, err)
		part, _, isPart := strings.Cut(h.Name, "/")
		if isPart && content && first == "" {
			first = part
			body[len(body)/2] ^= 1
		}
		if isPart {
			if sums[part] == nil {
				sums[part] = sha256.New()
			}
			_, _ = sums[part].Write(body)
		} else {
			var m archive.Manifest
			harness.OK(t, json.Unmarshal(body, &m))
			for i, p := range m.Parts {
				if sum, ok := sums[p.Name].(interface{ Sum([]byte) []byte }); ok {
					m.Parts[i].SHA256 = hex.EncodeToString(sum.Sum(nil))
				}
			}
			if change != nil {
				change(&m)
			}
			if body, err = json.MarshalIndent(m, "", "  "); err != nil {
				t.Fatal(err)
			}
		}
		h.Size = int64(len(body))
		harness.OK(t, to.WriteHeader(h))
		if _, err := to.Write(body); err != nil {
			t.Fatal(err)
		}
	}
	harness.OK(t, to.Close())
	path := filepath.Join(t.TempDir(), "changed.tar")
	harness.OK(t, os.WriteFile(path, out.Bytes(), 0o600))
	return path
}
