package container

import (
	"bytes"
	"context"
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"channelsync/test/harness"
)

// command is as long as anything that is asked of the engine may take; building an image is not among it.
const command = 60 * time.Second

// docker asks the engine and returns what it says.
func docker(t testing.TB, args ...string) string {
	t.Helper()
	ctx, cancel := context.WithTimeoutCause(context.WithoutCancel(t.Context()), command, errors.New("docker: no answer in time"))
	defer cancel()
	var stderr bytes.Buffer
	cmd := exec.CommandContext(ctx, "docker", args...)
	cmd.Stderr = &stderr
	out, err := cmd.Output()
	if err != nil {
		t.Fatalf("docker %s: %v\n%s", strings.Join(args, " "), err, stderr.String())
	}
	return strings.TrimSpace(string(out))
}

// built is where programs lie that images hold; TestMain makes and removes it.
var built struct {
	sync.Mutex
	dir string
}

// programs are packages that become static binaries, by the name of the binary.
type programs map[string]string

// image builds an image from scratch out of programs, files and a Dockerfile, and names it. Nothing is pulled. The
// image is kept: the engine builds it again only when something in it has changed.
func image(t testing.TB, name, dockerfile string, from programs) {
	t.Helper()
	dir := t.TempDir()
	harness.OK(t, os.Mkdir(filepath.Join(dir, "data"), 0o700))
	harness.OK(t, os.WriteFile(filepath.Join(dir, "Dockerfile"), []byte(dockerfile), 0o600))
	for binary, pkg := range from {
		harness.OK(t, os.Link(program(t, pkg), filepath.Join(dir, binary)))
	}
	docker(t, "build", "--quiet", "--tag", name, dir)
}

// program builds a package as a static binary, once for all images, and returns its path.
func program(t testing.TB, pkg string) string {
	t.Helper()
	built.Lock()
	defer built.Unlock()
	path := filepath.Join(built.dir, strings.ReplaceAll(pkg, "/", "_"))
	if _, err := os.Stat(path); err == nil {
		return path
	}
	build := exec.CommandContext(t.Context(), "go", "build", "-trimpath", "-ldflags", "-s -w", "-o", path, pkg)
	build.Env = append(os.Environ(), "CGO_ENABLED=0", "GOFLAGS=")
	if out, err := build.CombinedOutput(); err != nil {
		t.Fatalf("build %s: %v\n%s", pkg, err, out)
	}
	return path
}
