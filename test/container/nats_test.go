package container

import (
	"archive/tar"
	"bytes"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/testcontainers/testcontainers-go"
	"github.com/testcontainers/testcontainers-go/wait"

	"channelsync/test/harness"
)

// The image holds nothing but the server, as the module has it, and the file
// that deploy/ ships: nothing is pulled.
const dockerfile = `FROM scratch
COPY nats-server /nats-server
COPY nats.conf accounts.conf password.conf /
ENTRYPOINT ["/nats-server", "--config", "/nats.conf"]
`

// natsUser is who may do what deploy/nats-accounts.conf says, and natsPassword what includes its password.
const (
	natsUser     = "channelsync:password-of-this-test@"
	natsPassword = "CHANNELSYNC_PASSWORD: \"password-of-this-test\"\n"
)

const clientPort = "4222/tcp"

// natsServer is a NATS server in a container, reached at an address that
// outlives a restart.
type natsServer struct {
	URL string

	container testcontainers.Container
	relay     *relay
}

// startNATS builds the image and runs it; the test's cleanup removes the container.
func startNATS(t *testing.T) *natsServer {
	t.Helper()
	c, err := testcontainers.GenericContainer(t.Context(), testcontainers.GenericContainerRequest{
		ContainerRequest: testcontainers.ContainerRequest{
			FromDockerfile: testcontainers.FromDockerfile{
				ContextArchive: buildContext(t), Repo: "channelsync-test-nats", Tag: "latest", KeepImage: true,
			},
			ExposedPorts: []string{clientPort},
			WaitingFor:   ready(),
		},
		Started: true,
	})
	testcontainers.CleanupContainer(t, c)
	if err != nil {
		t.Fatalf("start nats: %v", err)
	}
	s := &natsServer{container: c, relay: startRelay(t)}
	s.URL = "nats://" + natsUser + s.relay.Addr()
	s.connect(t)
	return s
}

func ready() wait.Strategy {
	return wait.ForAll(wait.ForLog("Server is ready"), wait.ForListeningPort(clientPort).SkipInternalCheck()).
		WithDeadline(30 * time.Second)
}

// connect points the relay at the port that the engine has mapped now.
func (s *natsServer) connect(t *testing.T) {
	t.Helper()
	address, err := s.container.PortEndpoint(t.Context(), clientPort, "")
	if err != nil {
		t.Fatalf("ask for the port of nats: %v", err)
	}
	s.relay.To(address)
}

// Halt ends the server without time to finish; its disk stays.
func (s *natsServer) Halt(t *testing.T) {
	t.Helper()
	s.relay.Cut()
	if err := s.container.Stop(t.Context(), new(time.Duration)); err != nil {
		t.Fatalf("halt nats: %v", err)
	}
}

// Resume starts it again with the disk it had.
func (s *natsServer) Resume(t *testing.T) {
	t.Helper()
	if err := s.container.Start(t.Context()); err != nil {
		t.Fatalf("start nats again: %v", err)
	}
	s.connect(t)
}

// buildContext is what the engine builds the image from, as a tar archive.
func buildContext(t *testing.T) *bytes.Reader {
	t.Helper()
	var archive bytes.Buffer
	w := tar.NewWriter(&archive)
	add := func(name string, mode int64, content []byte) {
		t.Helper()
		harness.OK(t, w.WriteHeader(&tar.Header{Name: name, Mode: mode, Size: int64(len(content))}))
		if _, err := w.Write(content); err != nil {
			t.Fatal(err)
		}
	}
	add("Dockerfile", 0o644, []byte(dockerfile))
	add("nats-server", 0o755, read(t, program(t, "github.com/nats-io/nats-server/v2")))
	add("nats.conf", 0o644, read(t, filepath.Join("..", "..", "deploy", "nats.conf")))
	add("accounts.conf", 0o644, read(t, filepath.Join("..", "..", "deploy", "nats-accounts.conf")))
	add("password.conf", 0o644, []byte(natsPassword))
	harness.OK(t, w.Close())
	return bytes.NewReader(archive.Bytes())
}

func read(t *testing.T, path string) []byte {
	t.Helper()
	content, err := os.ReadFile(path)
	harness.OK(t, err)
	return content
}
