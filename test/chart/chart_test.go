package chart

import (
	"flag"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/yannh/kubeconform/pkg/validator"
	"helm.sh/helm/v3/pkg/chart"
	"helm.sh/helm/v3/pkg/chart/loader"
	"helm.sh/helm/v3/pkg/chartutil"
	"helm.sh/helm/v3/pkg/engine"
	"helm.sh/helm/v3/pkg/lint"
	"helm.sh/helm/v3/pkg/lint/support"
	"helm.sh/helm/v3/pkg/releaseutil"
	"helm.sh/helm/v3/pkg/strvals"
)

var (
	chartDir   = filepath.Join("..", "..", "deploy", "helm", "channelsync")
	schemas    = filepath.Join("..", "..", "deploy", "helm", "schemas", "{{ .ResourceKind }}{{ .KindSuffix }}.json")
	containers = filepath.Join("..", "container", "testdata") // what its tests run

	update = flag.Bool("update", false, "write what is rendered for test/container")
)

// oldest is the version of Kubernetes that the chart asks for at least, and that the schemas are of.
const oldest = "v1.30.14"

// render is what helm template prints, by the values of a file and of --set.
func render(t *testing.T, file string, set ...string) (string, error) {
	t.Helper()
	c, err := loader.Load(chartDir)
	if err != nil {
		t.Fatal(err)
	}
	values := chartutil.Values{}
	if file != "" {
		if values, err = chartutil.ReadValuesFile(file); err != nil {
			t.Fatal(err)
		}
	}
	for _, s := range set {
		if err := strvals.ParseInto(s, values); err != nil {
			t.Fatalf("%s: %v", s, err)
		}
	}
	return renderValues(t, c, values)
}

func renderValues(t *testing.T, c *chart.Chart, values chartutil.Values) (string, error) {
	t.Helper()
	version, err := chartutil.ParseKubeVersion(oldest)
	if err != nil {
		t.Fatal(err)
	}
	capabilities := chartutil.DefaultCapabilities.Copy()
	capabilities.KubeVersion = *version
	if !chartutil.IsCompatibleRange(c.Metadata.KubeVersion, version.String()) {
		t.Fatalf("the chart wants Kubernetes %s, and the schemas are of %s", c.Metadata.KubeVersion, version)
	}
	release := chartutil.ReleaseOptions{Name: "channelsync", Namespace: "channelsync", Revision: 1, IsInstall: true}
	all, err := chartutil.ToRenderValues(c, values, release, capabilities)
	if err != nil {
		return "", err
	}
	files, err := engine.Render(c, all)
	if err != nil {
		return "", err
	}
	var notes string
	for name, text := range files {
		if strings.HasSuffix(name, "NOTES.txt") {
			notes = text
			t.Log(notes)
			delete(files, name)
		}
	}
	if !strings.Contains(notes, "port-forward service/channelsync-admin 8081") || strings.Contains(notes, "no value") {
		t.Errorf("the notes are:\n%s", notes)
	}
	_, manifests, err := releaseutil.SortManifests(files, nil, releaseutil.InstallOrder)
	if err != nil {
		return "", err
	}
	var out strings.Builder
	for _, m := range manifests {
		fmt.Fprintf(&out, "---\n# Source: %s\n%s\n", m.Name, m.Content)
	}
	return out.String(), nil
}

// examples are values that make sense, by file.
func examples(t *testing.T) []string {
	t.Helper()
	var all []string
	for _, pattern := range []string{filepath.Join(chartDir, "examples", "*.yaml"), filepath.Join(containers, "chart-*.values.yaml")} {
		files, err := filepath.Glob(pattern)
		if err != nil || len(files) == 0 {
			t.Fatalf("%s: no files, %v", pattern, err)
		}
		all = append(all, files...)
	}
	return all
}

func TestExamplesPassHelmsLinter(t *testing.T) {
	for _, file := range examples(t) {
		values, err := chartutil.ReadValuesFile(file)
		if err != nil {
			t.Fatal(err)
		}
		version, err := chartutil.ParseKubeVersion(oldest)
		if err != nil {
			t.Fatal(err)
		}
		for _, m := range lint.AllWithKubeVersion(chartDir, values, "channelsync", version).Messages {
			if m.Severity >= support.WarningSev {
				t.Errorf("%s: %v", file, m)
			}
		}
	}
}

// variants are the examples, and what they do not show.
func variants(t *testing.T) map[string]string {
	t.Helper()
	all := map[string]string{}
	add := func(file string, set ...string) {
		t.Helper()
		text, err := render(t, file, set...)
		if err != nil {
			t.Fatalf("%s %v: %v", file, set, err)
		}
		all[strings.Join(append([]string{filepath.Base(file)}, set...), " ")] = text
	}
	for _, file := range examples(t) {
		add(file)
	}
	embedded, cluster := filepath.Join(chartDir, "examples", "embedded.yaml"), filepath.Join(chartDir, "examples", "cluster.yaml")
	add(embedded, "callback.route=none", "callback.tlsSecret=hooks-tls", "callback.service.type=LoadBalancer", "networkPolicy.callbackFrom=null")
	add(embedded, "volume.storageClass=fast", "volume.whenDeleted=Delete", "priorityClassName=high", "podAnnotations.a=b", "podLabels.team=sync",
		"nodeSelector.disk=ssd", "imagePullSecrets[0].name=registry", "serviceAccount.annotations.a=b", "callback.ingress.annotations.a=b",
		"tolerations[0].key=dedicated", "tolerations[0].operator=Exists", "image.digest=sha256:"+strings.Repeat("0", 64), "publicUrl=https://hooks.msp.example:8443/")
	add(embedded, "serviceAccount.name=another", "networkPolicy.enabled=false", "publicUrl=", "callback.route=none", "trustedProxies=null")
	add(cluster, "networkPolicy.natsTo=null", "strategy=Recreate", "podDisruptionBudget.maxUnavailable=50%", "nats.domain=hub", "nats.replicas=5",
		"topologySpreadConstraints[0].maxSkew=1", "topologySpreadConstraints[0].topologyKey=zone", "topologySpreadConstraints[0].whenUnsatisfiable=DoNotSchedule")
	return all
}

// TestEverythingRenderedIsWhatKubernetesKnows: every kind has a schema, and no field is unknown.
func TestEverythingRenderedIsWhatKubernetesKnows(t *testing.T) {
	v, err := validator.New([]string{schemas}, validator.Opts{Strict: true, KubernetesVersion: strings.TrimPrefix(oldest, "v")})
	if err != nil {
		t.Fatal(err)
	}
	check := func(text string) (valid int, wrong []string) {
		for _, r := range v.Validate("rendered", io.NopCloser(strings.NewReader(text))) {
			switch r.Status {
			case validator.Valid:
				valid++
			case validator.Empty:
			default:
				sig, _ := r.Resource.Signature()
				wrong = append(wrong, fmt.Sprintf("%+v: %v", sig, r.Err))
			}
		}
		return valid, wrong
	}
	for name, text := range variants(t) {
		valid, wrong := check(text)
		if len(wrong) > 0 || valid < 3 {
			t.Errorf("%s: %d are valid, and not\n%s", name, valid, strings.Join(wrong, "\n"))
		}
		// The check checks: a field with a wrong name, and one of a wrong type, are found.
		for from, to := range map[string]string{"automountServiceAccountToken:": "automountServiceAccountTokens:", "containerPort: 8080": "containerPort: http"} {
			if _, wrong := check(strings.Replace(text, from, to, 1)); len(wrong) != 1 {
				t.Errorf("%s: with %q: got %v, want one to be wrong", name, to, wrong)
			}
		}
	}
}

// TestNothingRenderedLeadsToTheAdminListener: routes and the public Service know the port of callbacks alone, and no pod may
// do what it need not.
func TestNothingRenderedLeadsToTheAdminListener(t *testing.T) {
	for name, text := range variants(t) {
		for doc := range strings.SplitSeq(text, "\n---\n") {
			values, err := chartutil.ReadValues([]byte(doc))
			if err != nil {
				t.Fatal(err)
			}
			kind, _ := values["kind"].(string)
			object, _ := values.PathValue("metadata.name")
			switch {
			case kind == "Ingress" || kind == "HTTPRoute":
				if strings.Contains(doc, "admin") || !strings.Contains(doc, "/callbacks/") {
					t.Errorf("%s: the %s leads to\n%s", name, kind, doc)
				}
			case kind == "Service" && object == "channelsync":
				if strings.Contains(doc, "admin") || strings.Contains(doc, "8081") {
					t.Errorf("%s: the public Service is\n%s", name, doc)
				}
			case kind == "Service":
				if !strings.Contains(doc, "clusterIP: None") || strings.Contains(doc, "type:") {
					t.Errorf("%s: the admin Service has an address\n%s", name, doc)
				}
			case kind == "Secret":
				t.Errorf("%s: a Secret is made", name)
			case kind == "StatefulSet" || kind == "Deployment":
				for _, want := range []string{
					"runAsNonRoot: true", "readOnlyRootFilesystem: true", "allowPrivilegeEscalation: false", "capabilities: { drop: [ALL] }",
					"seccompProfile: { type: RuntimeDefault }", "automountServiceAccountToken: false", "enableServiceLinks: false",
				} {
					if !strings.Contains(doc, want) {
						t.Errorf("%s: the %s has no %s", name, kind, want)
					}
				}
				if strings.Contains(doc, "secretKeyRef") {
					t.Errorf("%s: a secret is in the environment", name)
				}
			}
		}
	}
}

// TestValuesThatMakeNoSenseAreRefused, with words that name the value.
func TestValuesThatMakeNoSenseAreRefused(t *testing.T) {
	for _, tc := range []struct{ example, set, want string }{
		{"", "shape=embedded", "at '/image/repository': minLength: got 0, want 1"},
		{"", "shape=embedded", "at '/masterKey/secret': '' does not match pattern"},
		{"", "shape=embedded", "at '/channelProgramUrl': '' does not match pattern '^https://"},
		{"embedded", "shape=single", "at '/shape': value must be one of 'embedded', 'cluster'"},
		{"embedded", "replica=3", "additional properties 'replica' not allowed"},
		{"embedded", "masterKey.value=hush", "at '/masterKey': additional properties 'value' not allowed"},
		{"embedded", "settings.sweep-intervall=1h", "at '/settings': additional properties 'sweep-intervall' not allowed"},
		{"embedded", "settings.admin-token=hush", "at '/settings': additional properties 'admin-token' not allowed"},
		{"embedded", "settings.nats-url=nats://a", "at '/settings': additional properties 'nats-url' not allowed"},
		{"embedded", "env[0].name=CHANNELSYNC_ADMIN_TOKEN", "at '/env/0/name': 'not' failed"},
		{"embedded", "publicUrl=http://hooks.msp.example", "at '/publicUrl'"},
		{"embedded", "publicUrl=https://hooks.msp.example/a", "at '/publicUrl'"},
		{"embedded", "channelProgramUrl=https://user:hush@ingest.example", "at '/channelProgramUrl'"},
		{"embedded", "volume.size=10GB", "at '/volume/size': '10GB' does not match pattern"},
		{"embedded", "callback.route=loadbalancer", "at '/callback/route': value must be one of 'none', 'ingress', 'gateway'"},
		{"embedded", "callback.service.type=ExternalName", "at '/callback/service/type'"},
		{"embedded", "nats.servers={nats://a}", "shape: got embedded with nats.servers, want shape cluster"},
		{"embedded", "admin.plaintext=false", "admin.tlsSecret: got nothing, want a Secret of type kubernetes.io/tls, or admin.plaintext=true"},
		{"embedded", "admin.tlsSecret=tls", "admin.plaintext: got true with admin.tlsSecret, want one of them"},
		{"embedded", "publicUrl=", "callback.route: got ingress without publicUrl"},
		{"embedded", "serviceMonitor.enabled=true", "networkPolicy.adminFrom: got nothing with serviceMonitor.enabled"},
		{"embedded", "notifyUrl.secret=a", "notifyUrl.secret: want notifySecret.secret too, or neither"},
		{"cluster", "nats.servers=null", "nats.servers: got nothing, want the servers of a NATS cluster with shape cluster"},
		{"cluster", "nats.serversSecret.secret=nats", "nats.servers: got nats.serversSecret too, want one of them"},
		{"cluster", "nats.servers={nats://user:hush@a:4222}", "at '/nats/servers/0'"},
		{"cluster", "nats.plaintext=yes", "at '/nats/plaintext': got string, want boolean"},
		{"cluster", "replicas=0", "at '/replicas': minimum: got 0, want 1"},
		{"cluster", "replicas=65", "at '/replicas': maximum: got 65, want 64"},
		{"cluster", "podDisruptionBudget.maxUnavailable=0", "at '/podDisruptionBudget/maxUnavailable'"},
		{"cluster", "callback.gateway.parentRefs=null", "callback.gateway.parentRefs: got nothing"},
		{"cluster", "goMemLimit=2Gi", "at '/goMemLimit': '2Gi' does not match pattern"},
	} {
		file := ""
		if tc.example != "" {
			file = filepath.Join(chartDir, "examples", tc.example+".yaml")
		}
		if text, err := render(t, file, tc.set); err == nil || !strings.Contains(err.Error(), tc.want) {
			t.Errorf("%s with %s: got %v, %d bytes, want %q", tc.example, tc.set, err, len(text), tc.want)
		}
	}
}

// TestWhatContainersRunIsWhatTheChartRenders: test/container reads files, and needs no Helm.
func TestWhatContainersRunIsWhatTheChartRenders(t *testing.T) {
	files, err := filepath.Glob(filepath.Join(containers, "chart-*.values.yaml"))
	if err != nil || len(files) != 2 {
		t.Fatalf("got %v, %v", files, err)
	}
	slices.Sort(files)
	for _, file := range files {
		text, err := render(t, file)
		if err != nil {
			t.Fatal(err)
		}
		golden := strings.TrimSuffix(file, ".values.yaml") + ".yaml"
		if *update {
			if err := os.WriteFile(golden, []byte(text), 0o644); err != nil {
				t.Fatal(err)
			}
		}
		if was, err := os.ReadFile(golden); err != nil || string(was) != text {
			t.Errorf("%s is not what the chart renders (%v): run make chart", golden, err)
		}
	}
}
