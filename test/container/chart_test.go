package container

import (
	"bytes"
	"crypto/tls"
	"crypto/x509"
	"encoding/json"
	"encoding/pem"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/goccy/go-yaml"

	"channelsync/test/harness"
)

const (
	chartImage = "channelsync-test-chart:latest"
	// As the Dockerfile at the root leaves it.
	chartDockerfile = "FROM scratch\nCOPY channelsync /channelsync\nUSER 65532:65532\nENTRYPOINT [\"/channelsync\"]\nCMD [\"serve\"]\n"
	consoleName     = "console.example"
)

// workload is a StatefulSet or a Deployment, as far as a container needs it.
type workload struct {
	Kind string
	Spec struct {
		Replicas             int
		VolumeClaimTemplates []struct{ Metadata struct{ Name string } }
		Template             struct{ Spec podSpec }
	}
}

type podSpec struct {
	TerminationGracePeriodSeconds int
	SecurityContext               struct {
		RunAsNonRoot                   bool
		RunAsUser, RunAsGroup, FSGroup int
	}
	Containers []containerSpec
	Volumes    []volumeSpec
}

type containerSpec struct {
	Image          string
	Args           []string
	Env            []struct{ Name, Value string }
	ReadinessProbe struct {
		HTTPGet struct{ Path, Port, Scheme string }
	}
	Ports []struct {
		Name          string
		ContainerPort int
	}
	Lifecycle struct {
		PreStop struct{ Sleep struct{ Seconds int } }
	}
	Resources       struct{ Limits struct{ Memory string } }
	SecurityContext struct {
		ReadOnlyRootFilesystem   bool
		AllowPrivilegeEscalation bool
		Capabilities             struct{ Drop []string }
	}
	VolumeMounts []struct{ Name, MountPath string }
}

type volumeSpec struct {
	Name      string
	EmptyDir  *struct{}
	Projected *struct {
		DefaultMode os.FileMode
		Sources     []struct {
			Secret struct {
				Name  string
				Items []struct{ Key, Path string }
			}
		}
	}
}

// rendered reads the workload of a chart that is rendered.
func rendered(t *testing.T, file string) workload {
	t.Helper()
	for doc := range bytes.SplitSeq(read(t, filepath.Join("testdata", file)), []byte("\n---\n")) {
		var w workload
		text, err := yaml.YAMLToJSON(doc)
		if err == nil {
			err = json.Unmarshal(text, &w)
		}
		if err != nil {
			t.Fatalf("read %s: %v", file, err)
		}
		if w.Kind == "StatefulSet" || w.Kind == "Deployment" {
			return w
		}
	}
	t.Fatalf("%s has no workload", file)
	return workload{}
}

// secretVolume lays the files of a projected volume out as the kubelet does: links into ..data, of root, with the mode
// that is asked for, for the group to read.
func secretVolume(t *testing.T, pod podSpec, secrets map[string]string) string {
	t.Helper()
	dir := t.TempDir()
	present := filepath.Join(dir, "..2026_11_30")
	must := func(err error) {
		t.Helper()
		harness.OK(t, err)
	}
	must(os.Mkdir(present, 0o755))
	must(os.Symlink("..2026_11_30", filepath.Join(dir, "..data")))
	for _, v := range pod.Volumes {
		if v.Projected == nil {
			continue
		}
		for _, from := range v.Projected.Sources {
			for _, item := range from.Secret.Items {
				content, known := secrets[from.Secret.Name+"/"+item.Key]
				if !known {
					t.Fatalf("the chart wants the key %s of the Secret %s", item.Key, from.Secret.Name)
				}
				file := filepath.Join(present, item.Path)
				must(os.WriteFile(file, []byte(content), 0o600))
				must(os.Chmod(file, v.Projected.DefaultMode))
				must(os.Chown(file, 0, pod.SecurityContext.FSGroup))
				must(os.Symlink(filepath.Join("..data", item.Path), filepath.Join(dir, item.Path)))
			}
		}
	}
	must(os.Chmod(dir, 0o755))
	return dir
}

// arguments run a container as the kubelet would, beside networks and what only this test has.
func (w workload) arguments(t *testing.T, secrets, data string) []string {
	t.Helper()
	pod, c := w.Spec.Template.Spec, w.Spec.Template.Spec.Containers[0]
	if !pod.SecurityContext.RunAsNonRoot || c.SecurityContext.AllowPrivilegeEscalation || !c.SecurityContext.ReadOnlyRootFilesystem ||
		!slices.Equal(c.SecurityContext.Capabilities.Drop, []string{"ALL"}) {
		t.Errorf("the container is not contained: %+v, %+v", pod.SecurityContext, c.SecurityContext)
	}
	args := []string{
		"--user", fmt.Sprintf("%d:%d", pod.SecurityContext.RunAsUser, pod.SecurityContext.RunAsGroup),
		"--read-only", "--cap-drop", "ALL", "--security-opt", "no-new-privileges:true",
		"--memory", strings.TrimSuffix(strings.ToLower(c.Resources.Limits.Memory), "i"),
	}
	for _, e := range c.Env {
		args = append(args, "--env", e.Name+"="+e.Value)
	}
	for _, m := range c.VolumeMounts {
		switch m.Name {
		case "secrets":
			args = append(args, "--volume", secrets+":"+m.MountPath+":ro")
		case "data":
			args = append(args, "--volume", data+":"+m.MountPath)
		default:
			t.Errorf("the container mounts %s: nobody knows what that is", m.Name)
		}
	}
	return append(append(args, c.Image), c.Args...)
}

// dataVolume is a directory as fsGroup leaves a volume that its provisioner made for everybody to write into.
func dataVolume(t *testing.T, pod podSpec) string {
	t.Helper()
	dir := t.TempDir()
	harness.OK(t, errors.Join(os.Chown(dir, 0, pod.SecurityContext.FSGroup), os.Chmod(dir, 0o777|os.ModeSetgid)))
	return dir
}

// readiness is where the kubelet asks whether the pod is ready.
func (w workload) readiness(t *testing.T) (path string, overTLS bool) {
	t.Helper()
	c := w.Spec.Template.Spec.Containers[0]
	get := c.ReadinessProbe.HTTPGet
	for _, p := range c.Ports {
		if p.Name == get.Port {
			return ":" + strconv.Itoa(p.ContainerPort) + get.Path, get.Scheme == "HTTPS"
		}
	}
	t.Fatalf("the probe asks port %q, which the container has not", get.Port)
	return "", false
}

// needRoot skips the test for whoever cannot give files away as the kubelet does, and fails it in CI.
func needRoot(t *testing.T) {
	t.Helper()
	switch {
	case os.Geteuid() == 0:
	case os.Getenv("CI") == "true":
		t.Fatal("CI must run as root")
	default:
		t.Skip("NOT TESTED: only root lays volumes out as Kubernetes does")
	}
}

// TestTheChartsClusterRuns starts the instances of shape cluster in the very environment that the chart sets, with its
// secrets as files, a read-only image and no rights, and rolls out a new version of them under callbacks.
func TestTheChartsClusterRuns(t *testing.T) {
	needEngine(t)
	needRoot(t)
	t.Parallel()
	w := rendered(t, "chart-cluster.yaml")
	s := newServers(t, 3, 4)
	image(t, chartImage, chartDockerfile, programs{"channelsync": "channelsync/cmd/channelsync"})
	host := s.host()
	certificate, authority := newCertificate(t, host, "channelprogram.example", consoleName)
	serve(t, host+":18090", autotask(s.tenants), nil)
	serve(t, host+":18443", s.target.Handler(), &tls.Config{Certificates: []tls.Certificate{certificate}})
	key, err := x509.MarshalPKCS8PrivateKey(certificate.PrivateKey)
	harness.OK(t, err)
	pemOf := func(kind string, der []byte) string {
		return string(pem.EncodeToMemory(&pem.Block{Type: kind, Bytes: der}))
	}
	secrets := secretVolume(t, w.Spec.Template.Spec, map[string]string{
		"channelsync/master-key": masterKey + "\n", "channelsync/admin-token": adminToken + "\n", "nats/servers": s.natsByName() + "\n",
		"admin-tls/tls.crt": pemOf("CERTIFICATE", certificate.Certificate[0]), "admin-tls/tls.key": pemOf("PRIVATE KEY", key),
	})
	harness.OK(t, os.Chmod(authority, 0o644))
	path, overTLS := w.readiness(t)
	for i := range w.Spec.Replicas {
		n := &node{t: t, name: fmt.Sprintf("channelsync-%d", i+1), store: s.store, network: s.outside, ready: path, tls: overTLS}
		n.create(append([]string{
			"--network", s.outside, "--add-host", "channelprogram.example:" + host, "--add-host", "autotask.example:" + host,
			"--volume", authority + ":/etc/ssl/certs/ca-certificates.crt:ro",
		}, w.arguments(t, secrets, dataVolume(t, w.Spec.Template.Spec))...)...)
		n.join()
		n.start()
		s.instances = append(s.instances, n)
	}
	trusted := x509.NewCertPool()
	trusted.AppendCertsFromPEM(read(t, authority))
	s.connect("https://"+consoleName, &tls.Config{RootCAs: trusted})
	s.install()
	s.knownByItsName()

	grace := time.Duration(w.Spec.Template.Spec.TerminationGracePeriodSeconds-w.Spec.Template.Spec.Containers[0].Lifecycle.PreStop.Sleep.Seconds) * time.Second
	l := s.trial(fault{"roll-out of the Deployment", func(s *stage) func() {
		for _, n := range s.instances {
			began := time.Now()
			docker(s, "stop", "--time", strconv.Itoa(int(grace.Seconds())), n.id)
			if code := docker(s, "inspect", "--format", "{{.State.ExitCode}}", n.id); code != "0" || time.Since(began) > grace {
				s.Errorf("%s ended with %s after %s, want 0 within %s\n%s", n.name, code, time.Since(began), grace, n.logs())
			}
			n.start()
			s.waitReady()
		}
		return func() {}
	}}, 0)
	if l.acknowledged == 0 || l.lost > 0 || l.reflected != l.acknowledged || l.overlaps > 0 {
		t.Errorf("got %+v", l)
	}
}

// knownByItsName asks by the pod's address: probes and metrics answer, and the API is for --admin-url's name alone.
func (s *stage) knownByItsName() {
	s.Helper()
	probe := http.Client{Timeout: 10 * time.Second, Transport: &http.Transport{
		DisableKeepAlives: true, TLSClientConfig: &tls.Config{InsecureSkipVerify: true},
	}}
	for path, want := range map[string]int{
		"/livez": http.StatusOK, "/readyz": http.StatusOK, "/metrics": http.StatusOK, "/api/v1/status": http.StatusMisdirectedRequest,
	} {
		resp, err := probe.Get("https://" + s.instances[0].addr(":8081") + path) //nolint:noctx // the client has a deadline
		if err != nil {
			s.Fatal(err)
		}
		_, _ = io.Copy(io.Discard, resp.Body)
		_ = resp.Body.Close()
		if resp.StatusCode != want {
			s.Errorf("%s by the pod's address: got %s, want %d", path, resp.Status, want)
		}
	}
}

// TestTheChartsEmbeddedInstanceRuns starts shape embedded as the chart renders it, ends it as Kubernetes does, and finds the store again.
func TestTheChartsEmbeddedInstanceRuns(t *testing.T) {
	needEngine(t)
	needRoot(t)
	t.Parallel()
	w := rendered(t, "chart-embedded.yaml")
	pod := w.Spec.Template.Spec
	if len(w.Spec.VolumeClaimTemplates) != 1 || w.Spec.VolumeClaimTemplates[0].Metadata.Name != "data" || w.Spec.Replicas != 1 {
		t.Errorf("got %+v", w.Spec)
	}
	image(t, chartImage, chartDockerfile, programs{"channelsync": "channelsync/cmd/channelsync"})
	secrets := secretVolume(t, pod, map[string]string{"channelsync/master-key": masterKey + "\n", "channelsync/admin-token": adminToken + "\n"})
	network := newNetwork(t)
	path, overTLS := w.readiness(t)
	data := dataVolume(t, pod)
	n := &node{t: t, name: "channelsync-0", network: network, ready: path, tls: overTLS}
	n.create(append([]string{"--network", network}, w.arguments(t, secrets, data)...)...)
	for range 2 {
		n.start()
		n.becomesReady(later)
		n.stop()
		if code := docker(t, "inspect", "--format", "{{.State.ExitCode}}", n.id); code != "0" {
			t.Fatalf("it ended with %s\n%s", code, n.logs())
		}
		// On a mismatch the kubelet gives the group what the owner has, and every directory hands the group on.
		err := filepath.WalkDir(data, func(path string, d os.DirEntry, err error) error {
			if err != nil {
				return err
			}
			info, err := d.Info()
			if err != nil {
				return err
			}
			mode := info.Mode().Perm() | 0o660
			if d.IsDir() {
				mode |= os.ModeSetgid | 0o110
			}
			return errors.Join(os.Lchown(path, -1, pod.SecurityContext.FSGroup), os.Chmod(path, mode))
		})
		harness.OK(t, err)
	}
}
