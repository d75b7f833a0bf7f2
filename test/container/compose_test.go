package container

import (
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"channelsync/api/client"
	v1 "channelsync/api/v1"
	"channelsync/test/harness"
)

// Images of the names that docker-compose.yml takes from its variables, made here, since nothing can be pulled. The
// programs of Debian bring the libraries that they are linked with.
var composeImages = map[string]struct {
	variable   string
	dockerfile string
	programs   programs
	debian     string // a command of this machine
}{
	"channelsync-test-compose-nats:latest": {
		variable:   "NATS_IMAGE",
		dockerfile: "COPY nats-server /nats-server\nCOPY wget /bin/wget\nENTRYPOINT [\"/nats-server\"]\n",
		programs:   programs{"nats-server": "github.com/nats-io/nats-server/v2", "wget": "channelsync/test/container/wget"},
	},
	"channelsync-test-compose:latest": {
		variable:   "CHANNELSYNC_IMAGE",
		dockerfile: "COPY channelsync /channelsync\nCOPY data /data\nENTRYPOINT [\"/channelsync\"]\nCMD [\"serve\"]\n",
		programs:   programs{"channelsync": "channelsync/cmd/channelsync"},
	},
	"channelsync-test-compose-simulators:latest": {
		variable:   "SIMULATORS_IMAGE",
		dockerfile: "COPY autotask channelprogram /\n",
		programs:   programs{"autotask": "channelsync/test/sim/autotask", "channelprogram": "channelsync/test/sim/channelprogram"},
	},
	"channelsync-test-compose-proxy:latest": {
		variable: "PROXY_IMAGE", debian: "caddy",
		dockerfile: "COPY data /data\nENTRYPOINT [\"/program\", \"run\", \"--config\", \"/etc/caddy/Caddyfile\", \"--adapter\", \"caddyfile\"]\n",
	},
	"channelsync-test-compose-prometheus:latest": {
		variable: "PROMETHEUS_IMAGE", debian: "prometheus",
		dockerfile: "COPY data /prometheus\nENTRYPOINT [\"/program\", \"--config.file=/etc/prometheus/prometheus.yml\", " +
			"\"--storage.tsdb.path=/prometheus\"]\n",
	},
}

// The ports that docker-compose.yml publishes.
const (
	composeAdmin      = "127.0.0.1:18181"
	composeCallbacks  = "127.0.0.1:18180"
	composePrometheus = "http://127.0.0.1:9191"
)

// TestComposeCluster starts the profile cluster as a user does and finds a working service: an installation is live, changes
// come in by both instances, Prometheus sees both and has the rules, and one instance is enough.
func TestComposeCluster(t *testing.T) {
	needEngine(t)
	needCommands(t, "docker-compose", "caddy", "prometheus")
	c := newCompose(t)
	c.run("up", "--detach", "--no-build")

	admin, err := client.New(client.Config{
		URL: "http://" + composeAdmin, Token: v1.Secret(read(t, filepath.Join(c.dir, "deploy", "keys", "admin-token"))),
		Transport: &http.Transport{DisableKeepAlives: true},
	})
	harness.OK(t, err)
	var in v1.Installation
	c.eventually("an installation is made", func() (err error) {
		in, err = admin.CreateInstallation(t.Context(), v1.CreateInstallation{
			Name: "Example MSP", Username: "api@msp.example", Secret: "simulated-$ecret#1",
			TrackingIdentifier: "SIMULATEDTRACKINGIDENTIFIER", Syncs: v1.Syncs,
			ChannelProgram: v1.ChannelProgramTarget{ConnectionID: "demo", Token: "demo-token"},
		})
		return err
	})
	live := func() error {
		now, err := admin.Installation(t.Context(), in.ID)
		if err == nil && now.State != v1.StateLive {
			err = fmt.Errorf("state %s, issues %v", now.State, now.Issues)
		}
		return err
	}
	c.eventually("the installation is live", live)

	// Changes come in by both, round robin, and Prometheus sees it.
	c.eventually("Prometheus sees both take callbacks", func() error {
		var answer struct {
			Data struct {
				Result []struct{ Metric map[string]string }
			}
		}
		query := url.Values{"query": {`channelsync_deliveries_total{result="stored"} > 0`}}
		if err := get(composePrometheus+"/api/v1/query?"+query.Encode(), &answer); err != nil {
			return err
		}
		if len(answer.Data.Result) != 2 {
			return fmt.Errorf("%d of 2 instances", len(answer.Data.Result))
		}
		return nil
	})
	var rules struct {
		Data struct{ Groups []struct{ Rules []any } }
	}
	if err := get(composePrometheus+"/api/v1/rules", &rules); err != nil || len(rules.Data.Groups) == 0 {
		t.Errorf("rules: %+v, %v", rules, err)
	}

	c.contained()

	c.run("kill", "channelsync-1")
	c.eventually("the other instance takes callbacks and shows the installation", func() error {
		resp, err := http.Post("http://"+composeCallbacks+"/callbacks/autotask/"+in.ID, "application/json", strings.NewReader("{}"))
		if err != nil {
			return err
		}
		_ = resp.Body.Close()
		if resp.StatusCode != http.StatusUnauthorized {
			return fmt.Errorf("an unsigned callback is answered %s", resp.Status)
		}
		return live()
	})
	http.DefaultClient.CloseIdleConnections()
}

// composeWithin is how long each step may take: on a machine that is merely slow it takes longer, and on none that long.
const composeWithin = 3 * time.Minute

// eventually waits until a step holds. When it does not, what was missing stands at the beginning of the output, with how
// the containers are, before their logs.
func (c *compose) eventually(what string, check func() error) {
	c.Helper()
	end, tick := time.NewTimer(composeWithin), time.NewTicker(500*time.Millisecond)
	defer end.Stop()
	defer tick.Stop()
	for {
		err := check()
		if err == nil {
			return
		}
		select {
		case <-tick.C:
		case <-end.C:
			c.Fatalf("MISSING after %s: %s: %v\n%s", composeWithin, what, err, c.try("ps"))
		}
	}
}

// contained looks at every container as the engine runs it: what it may write, what it may become and take, and who is
// on the network of the store.
func (c *compose) contained() {
	c.Helper()
	ids := strings.Fields(c.try("ps", "--quiet"))
	if len(ids) != 11 {
		c.Errorf("%d containers run, want 11\n%s", len(ids), c.try("ps"))
	}
	for _, id := range ids {
		var all []struct {
			Name       string
			HostConfig struct {
				ReadonlyRootfs bool
				CapDrop        []string
				CapAdd         []string
				SecurityOpt    []string
				Memory         int64
				PidsLimit      int64
			}
			NetworkSettings struct{ Networks map[string]any }
		}
		if err := json.Unmarshal([]byte(docker(c, "inspect", id)), &all); err != nil || len(all) != 1 {
			c.Fatalf("inspect %s: %v", id, err)
		}
		is := all[0]
		service := strings.TrimPrefix(is.Name, "/channelsync-test-compose")
		proxy := strings.Contains(service, "proxy") || strings.Contains(service, "vendors")
		host := is.HostConfig
		if !host.ReadonlyRootfs || !slices.Equal(host.CapDrop, []string{"ALL"}) || len(host.CapAdd) > 0 && !proxy ||
			!slices.Contains(host.SecurityOpt, "no-new-privileges:true") || host.Memory == 0 || host.PidsLimit == 0 {
			c.Errorf("%s is not contained: %+v", service, host)
		}
		for network := range is.NetworkSettings.Networks {
			if strings.HasSuffix(network, "_store") && !strings.Contains(service, "nats") && !strings.Contains(service, "channelsync-") {
				c.Errorf("%s is on the network of the store", service)
			}
		}
	}
	if said := c.try("logs", "--no-color", "nats-1", "nats-2", "nats-3"); strings.Contains(said, "Violation") {
		c.Errorf("NATS refuses what channelsync needs: %s", said)
	}
}

// needCommands skips the test when the machine lacks one, and fails it in CI.
func needCommands(t *testing.T, names ...string) {
	t.Helper()
	for _, name := range names {
		_, err := exec.LookPath(name)
		switch {
		case err == nil:
		case os.Getenv("CI") == "true":
			t.Fatalf("CI must have %s: %v", name, err)
		default:
			t.Skipf("NOT TESTED: there is no %s here", name)
		}
	}
}

// compose is a copy of the files that docker-compose reads, with keys of its own.
type compose struct {
	*testing.T
	dir string
	env []string
}

func newCompose(t *testing.T) *compose {
	t.Helper()
	c := &compose{T: t, dir: t.TempDir(), env: append(os.Environ(), "COMPOSE_PROJECT_NAME=channelsync-test-compose",
		"CLUSTER_ADMIN_PORT="+composeAdmin, "CLUSTER_CALLBACK_PORT="+composeCallbacks)}
	for _, name := range []string{
		"docker-compose.yml", "deploy/make-keys.sh", "deploy/nats-cluster.conf", "deploy/nats.conf", "deploy/nats-accounts.conf",
		"deploy/prometheus.yml", "deploy/proxy/Caddyfile", "deploy/proxy/vendors.Caddyfile", "docs/operating/alerts.yml",
	} {
		to := filepath.Join(c.dir, filepath.FromSlash(name))
		if err := os.MkdirAll(filepath.Dir(to), 0o755); err != nil { //nolint:gosec // containers read it
			t.Fatal(err)
		}
		if err := os.WriteFile(to, read(t, filepath.Join("..", "..", filepath.FromSlash(name))), 0o755); err != nil { //nolint:gosec // a script is among them
			t.Fatal(err)
		}
	}
	if out, err := exec.CommandContext(t.Context(), filepath.Join(c.dir, "deploy", "make-keys.sh")).CombinedOutput(); err != nil {
		t.Fatalf("make keys: %v\n%s", err, out)
	}
	for name, what := range composeImages {
		dockerfile := "FROM scratch\n" + what.dockerfile
		if what.debian != "" {
			debianImage(t, name, dockerfile, what.debian)
		} else {
			image(t, name, dockerfile, what.programs)
		}
		c.env = append(c.env, what.variable+"="+name)
	}
	t.Cleanup(func() {
		if t.Failed() {
			t.Logf("%s", c.try("logs", "--no-color", "--tail", "40"))
		}
		t.Logf("%s", c.try("down", "--volumes", "--timeout", "5"))
	})
	return c
}

// run runs docker-compose with the profile cluster.
func (c *compose) run(args ...string) {
	c.Helper()
	cmd := c.command(args...)
	if out, err := cmd.CombinedOutput(); err != nil {
		c.Fatalf("docker-compose %v: %v\n%s", args, err, out)
	}
}

func (c *compose) try(args ...string) string {
	out, err := c.command(args...).CombinedOutput()
	if err != nil {
		return fmt.Sprintf("docker-compose %v: %v\n%s", args, err, out)
	}
	return string(out)
}

func (c *compose) command(args ...string) *exec.Cmd {
	cmd := exec.Command("docker-compose", append([]string{"--profile", "cluster"}, args...)...)
	cmd.Dir, cmd.Env = c.dir, c.env
	return cmd
}

// debianImage makes an image from scratch out of a command of this machine and the libraries that it is linked with.
func debianImage(t *testing.T, name, dockerfile, command string) {
	t.Helper()
	path, err := exec.LookPath(command)
	harness.OK(t, err)
	out, err := exec.CommandContext(t.Context(), "ldd", path).CombinedOutput()
	if err != nil && !strings.Contains(string(out), "not a dynamic executable") {
		t.Fatalf("ask for the libraries of %s: %v\n%s", command, err, out)
	}
	dir := t.TempDir()
	files := []string{}
	for word := range strings.FieldsSeq(string(out)) {
		if strings.HasPrefix(word, "/") && !slices.Contains(files, word) {
			files = append(files, word)
		}
	}
	for _, file := range append(files, path) {
		to := filepath.Join(dir, "root", file)
		if file == path {
			to = filepath.Join(dir, "root", "program")
		}
		if err := os.MkdirAll(filepath.Dir(to), 0o755); err != nil { //nolint:gosec // it becomes an image
			t.Fatal(err)
		}
		if err := os.WriteFile(to, read(t, file), 0o755); err != nil { //nolint:gosec // it is a program
			t.Fatal(err)
		}
	}
	harness.OK(t, os.Mkdir(filepath.Join(dir, "data"), 0o700))
	dockerfile = strings.Replace(dockerfile, "FROM scratch\n", "FROM scratch\nCOPY root /\n", 1)
	harness.OK(t, os.WriteFile(filepath.Join(dir, "Dockerfile"), []byte(dockerfile), 0o600))
	docker(t, "build", "--quiet", "--tag", name, dir)
}

func get(url string, into any) error {
	resp, err := http.Get(url) //nolint:gosec,noctx // loopback, in a test
	if err != nil {
		return err
	}
	defer func() { _ = resp.Body.Close() }()
	body, err := io.ReadAll(resp.Body)
	if err != nil {
		return err
	}
	return json.Unmarshal(body, into)
}
