// Command schemas writes deploy/helm/schemas: what Kubernetes itself says about the kinds that the chart renders, as JSON
// Schema that knows no other fields. kubeconform reads it, so that CI needs no network for it. It takes the descriptions
// from the Go modules that carry them; run it to move to another version:
//
//	go run ./.ci/schemas
package main

import (
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"

	"github.com/goccy/go-yaml"
)

// The oldest versions that the chart supports: a field that is there stays.
const (
	kubernetes = "k8s.io/kubernetes@v1.30.14"
	gateway    = "sigs.k8s.io/gateway-api@v1.2.1"
	prometheus = "github.com/prometheus-operator/prometheus-operator@v0.80.1"

	target = "deploy/helm/schemas"
)

type object = map[string]any

func main() {
	if err := run(); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

func run() error {
	core, err := module(kubernetes)
	if err != nil {
		return err
	}
	for file, kinds := range map[string][]string{
		"api__v1":                     {"io.k8s.api.core.v1.Service", "io.k8s.api.core.v1.ServiceAccount"},
		"apis__apps__v1":              {"io.k8s.api.apps.v1.Deployment", "io.k8s.api.apps.v1.StatefulSet"},
		"apis__networking.k8s.io__v1": {"io.k8s.api.networking.v1.Ingress", "io.k8s.api.networking.v1.NetworkPolicy"},
		"apis__policy__v1":            {"io.k8s.api.policy.v1.PodDisruptionBudget"},
	} {
		var doc struct {
			Components struct{ Schemas object }
		}
		if err := read(filepath.Join(core, "api", "openapi-spec", "v3", file+"_openapi.json"), &doc); err != nil {
			return err
		}
		for _, kind := range kinds {
			parts := strings.Split(kind, ".")
			group, version, name := parts[3], parts[4], parts[5]
			if err := write(name, group, version, kindOf(doc.Components.Schemas, kind)); err != nil {
				return err
			}
		}
	}
	for of, file := range map[string]string{
		gateway:    "config/crd/standard/gateway.networking.k8s.io_httproutes.yaml",
		prometheus: "example/prometheus-operator-crd/monitoring.coreos.com_servicemonitors.yaml",
	} {
		dir, err := module(of)
		if err != nil {
			return err
		}
		if err := custom(filepath.Join(dir, filepath.FromSlash(file))); err != nil {
			return err
		}
	}
	return nil
}

// module is the directory of a module, which is fetched by Go's own means.
func module(at string) (dir string, err error) {
	download := exec.Command("go", "mod", "download", "-json", at)
	download.Dir = os.TempDir() // outside the module: nothing is added to it
	out, err := download.Output()
	if err != nil {
		return "", fmt.Errorf("download %s: %w\n%s", at, err, out)
	}
	var of struct{ Dir string }
	if err := json.Unmarshal(out, &of); err != nil {
		return "", fmt.Errorf("download %s: %w", at, err)
	}
	return of.Dir, nil
}

func read(path string, to any) error {
	text, err := os.ReadFile(path)
	if err == nil {
		err = yaml.Unmarshal(text, to) // JSON is YAML
	}
	if err != nil {
		return fmt.Errorf("read %s: %w", path, err)
	}
	return nil
}

// kindOf is the schema of a kind with every other one that it reaches.
func kindOf(all object, kind string) object {
	reached := object{}
	var reach func(name string)
	reach = func(name string) {
		if _, known := reached[name]; known {
			return
		}
		reached[name] = nil
		reached[name] = strict(all[name], reach)
	}
	reach(kind)
	return object{"$ref": "#/definitions/" + kind, "definitions": reached}
}

// custom writes the schema of the version v1 of a custom resource.
func custom(path string) error {
	var crd struct {
		Spec struct {
			Group    string
			Names    struct{ Kind string }
			Versions []struct {
				Name   string
				Schema struct {
					Schema object `yaml:"openAPIV3Schema"`
				}
			}
		}
	}
	if err := read(path, &crd); err != nil {
		return err
	}
	for _, v := range crd.Spec.Versions {
		if v.Name == "v1" {
			schema, _ := strict(v.Schema.Schema, nil).(object)
			schema["properties"].(object)["metadata"] = object{"type": "object"}
			group, _, _ := strings.Cut(crd.Spec.Group, ".")
			return write(crd.Spec.Names.Kind, group, v.Name, schema)
		}
	}
	return fmt.Errorf("%s: no version v1", path)
}

// strict is a schema without what nobody checks, that refuses fields it does not name.
func strict(node any, reach func(string)) any {
	switch n := node.(type) {
	case []any:
		out := make([]any, len(n))
		for i := range n {
			out[i] = strict(n[i], reach)
		}
		return out
	case object:
		if n["x-kubernetes-int-or-string"] == true || n["format"] == "int-or-string" {
			return object{"type": []any{"integer", "string"}}
		}
		out := object{}
		for key, value := range n {
			switch {
			case key == "description" && isText(value), key == "default", key == "format", strings.HasPrefix(key, "x-kubernetes-"):
			case key == "$ref":
				name := strings.TrimPrefix(value.(string), "#/components/schemas/")
				reach(name)
				out[key] = "#/definitions/" + name
			case key == "properties":
				fields := object{}
				for field, of := range value.(object) {
					fields[field] = strict(of, reach)
				}
				out[key] = fields
			default:
				out[key] = strict(value, reach)
			}
		}
		if _, named := out["properties"]; named && n["x-kubernetes-preserve-unknown-fields"] != true {
			out["additionalProperties"] = false
		}
		return out
	}
	return node
}

func isText(v any) bool { _, is := v.(string); return is }

// write names the file as kubeconform asks for it.
func write(kind, group, version string, schema object) error {
	name := strings.ToLower(kind) + "-" + group + "-" + version
	if group == "core" {
		name = strings.ToLower(kind) + "-" + version
	}
	text, err := json.Marshal(schema)
	if err == nil {
		err = os.WriteFile(filepath.Join(target, name+".json"), append(text, '\n'), 0o644)
	}
	if err != nil {
		return fmt.Errorf("write %s: %w", name, err)
	}
	return nil
}
