package admin

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"net/http"
	"net/http/httptest"
	"reflect"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/getkin/kin-openapi/openapi3"
	"github.com/getkin/kin-openapi/openapi3filter"
	"github.com/getkin/kin-openapi/routers"
	"github.com/getkin/kin-openapi/routers/gorillamux"
	"github.com/go-chi/chi/v5"
	"github.com/google/go-cmp/cmp"

	v1 "channelsync/api/v1"
	"channelsync/test/harness"
)

// document is the description of the API, read and checked once.
var document = sync.OnceValues(func() (*openapi3.T, error) {
	doc, err := openapi3.NewLoader().LoadFromData([]byte(v1.OpenAPI()))
	if err != nil {
		return nil, err
	}
	doc.Servers = openapi3.Servers{{URL: "/"}} // the handlers under test are not mounted
	return doc, doc.Validate(context.Background())
})

var documentRouter = sync.OnceValues(func() (routers.Router, error) {
	doc, err := document()
	if err != nil {
		return nil, err
	}
	return gorillamux.NewRouter(doc)
})

// documented holds an answer, and the request of one that was taken, to the document.
func documented(t *testing.T, r *http.Request, w *httptest.ResponseRecorder) {
	t.Helper()
	router, err := documentRouter()
	if err != nil {
		t.Fatalf("read openapi.yaml: %v", err)
	}
	if r.Method == http.MethodHead || r.Method == http.MethodOptions {
		return
	}
	route, params, err := router.FindRoute(r)
	if err != nil {
		if w.Code != http.StatusNotFound && w.Code != http.StatusMethodNotAllowed {
			t.Errorf("%s %s: answered %d, but is not in the document: %v", r.Method, r.URL.Path, w.Code, err)
		}
		return
	}
	in := &openapi3filter.RequestValidationInput{Request: r, PathParams: params, Route: route}
	answer := &openapi3filter.ResponseValidationInput{
		RequestValidationInput: in, Status: w.Code, Header: w.Header(),
		Body:    io.NopCloser(bytes.NewReader(w.Body.Bytes())),
		Options: &openapi3filter.Options{IncludeResponseStatus: true, ExcludeResponseBody: isText(w.Header())},
	}
	if err := openapi3filter.ValidateResponse(context.Background(), answer); err != nil {
		t.Errorf("%s %s: the answer is not as documented: %v", r.Method, r.URL.Path, err)
	}
}

// documentedRequest holds a request that the API takes to the document.
func documentedRequest(t *testing.T, method, path, body string) {
	t.Helper()
	r := httptest.NewRequest(method, path, strings.NewReader(body))
	if body != "" {
		r.Header.Set("Content-Type", "application/json")
	}
	router, err := documentRouter()
	if err != nil {
		t.Fatalf("read openapi.yaml: %v", err)
	}
	route, params, err := router.FindRoute(r)
	if err != nil {
		t.Fatalf("%s %s: %v", method, path, err)
	}
	err = openapi3filter.ValidateRequest(context.Background(), &openapi3filter.RequestValidationInput{
		Request: r, PathParams: params, Route: route,
		Options: &openapi3filter.Options{AuthenticationFunc: openapi3filter.NoopAuthenticationFunc},
	})
	if err != nil {
		t.Errorf("%s %s: the request is not as documented: %v", method, path, err)
	}
}

// isText says that a body is none that JSON schemas speak of.
func isText(h http.Header) bool {
	switch h.Get("Content-Type") {
	case "application/yaml", "text/event-stream", "application/x-tar":
		return true
	}
	return false
}

func TestRequestsAreDocumented(t *testing.T) {
	for _, tc := range routes() {
		documentedRequest(t, tc.method, tc.path, tc.body)
	}
}

func TestDocumentHasEveryRoute(t *testing.T) {
	doc, err := document()
	harness.OK(t, err)
	want := map[string]bool{}
	err = chi.Walk(newRouter((&fake{}).config()), func(method, path string, _ http.Handler, _ ...func(http.Handler) http.Handler) error {
		want[method+" "+path] = true
		return nil
	})
	harness.OK(t, err)
	got := map[string]bool{}
	for path, item := range doc.Paths.Map() {
		for method, op := range item.Operations() {
			got[method+" "+path] = true
			if op.OperationID == "" || op.Summary == "" {
				t.Errorf("%s %s has no id or summary", method, path)
			}
		}
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("routes (-served +documented):\n%s", diff)
	}
}

// TestDocumentHasEveryField holds the schemas to the types of api/v1, field by field.
func TestDocumentHasEveryField(t *testing.T) {
	doc, err := document()
	harness.OK(t, err)
	types := map[string]any{}
	for _, v := range []any{
		v1.Zone{},
		v1.Zones{},
		v1.CreateInstallation{},
		v1.ChannelProgramTarget{},
		v1.CompareInstallations{},
		v1.Claim{},
		v1.Comparisons{},
		v1.Comparison{},
		v1.UpdateInstallation{},
		v1.Credentials{},
		v1.Options{},
		v1.Installation{},
		v1.SyncStatus{},
		v1.Counts{},
		v1.Webhook{},
		v1.Freshness{},
		v1.PartsFreshness{},
		v1.Issue{},
		v1.IssueList{},
		v1.Checks{},
		v1.Check{},
		v1.Preview{},
		v1.PreviewRecord{},
		v1.SetupPreview{},
		v1.PreviewCounts{},
		v1.ContractPreviewCounts{},
		v1.PreviewReason{},
		v1.Bridge{},
		v1.BridgeList{},
		v1.BridgeStatus{},
		v1.CreateBridge{},
		v1.Record{},
		v1.RecordDetail{},
		v1.RecordCounts{},
		v1.InstallationCounts{},
		v1.IssueCount{},
		v1.TimelineStep{},
		v1.Explanation{},
		v1.Condition{},
		v1.Difference{},
		v1.FeedEvent{},
		v1.Activity{},
		v1.History{},
		v1.HistoryHour{},
		v1.ResyncRequest{},
		v1.ReplayRequest{},
		v1.RequeueRequest{},
		v1.DismissRequest{},
		v1.JobRef{},
		v1.RecordRef{},
		v1.RecordFilter{},
		v1.BulkRecords{},
		v1.DeadLetterFilter{},
		v1.BulkDeadLetters{},
		v1.BulkResult{},
		v1.NotPossible{},
		v1.BulkItem{},
		v1.BulkJob{},
		v1.Job{},
		v1.JobList{},
		v1.DeadLetter{},
		v1.Status{},
		v1.InstallationStatus{},
		v1.Choices{},
		v1.Choice{},
		v1.OptionNames{},
		v1.Drift{},
		v1.DriftCounts{},
		v1.DriftField{},
		v1.VersionPage{},
		v1.Version{},
		v1.Held{},
		v1.HeldEdit{},
		v1.AuditEntry{},
		v1.AuditVerification{},
		v1.Token{},
		v1.TokenList{},
		v1.CreateToken{},
		v1.NewToken{},
		v1.Problem{},
		v1.FieldError{},
		v1.Source{},
		v1.ContractSources{},
		v1.ContractLines{},
		v1.ContractLine{},
		v1.UnitRow{},
		v1.PassedRow{},
		v1.VendorSource{},
		v1.VendorCandidate{},
		v1.CostSource{},
		v1.AmountRow{},
	} {
		types[reflect.TypeOf(v).Name()] = v
	}
	for name, schema := range doc.Components.Schemas {
		if _, known := types[name]; !known && len(schema.Value.Properties) > 0 {
			t.Errorf("schema %s is of no type", name)
		}
	}
	for name, v := range types {
		schema := doc.Components.Schemas[name]
		if schema == nil {
			t.Errorf("type %s has no schema", name)
			continue
		}
		fields, required := fieldsOf(v)
		if diff := cmp.Diff(fields, slices.Sorted(maps.Keys(schema.Value.Properties))); diff != "" {
			t.Errorf("%s: fields (-type +document):\n%s", name, diff)
		}
		documented := slices.Sorted(slices.Values(schema.Value.Required))
		if diff := cmp.Diff(required, documented); diff != "" {
			t.Errorf("%s: required (-type +document):\n%s", name, diff)
		}
	}
}

func fieldsOf(v any) (all, required []string) {
	for _, f := range reflect.VisibleFields(reflect.TypeOf(v)) {
		name, rest, _ := strings.Cut(f.Tag.Get("json"), ",")
		if name == "" || name == "-" {
			continue
		}
		all = append(all, name)
		if !strings.Contains(rest, "omitempty") {
			required = append(required, name)
		}
	}
	slices.Sort(all)
	slices.Sort(required)
	return all, required
}

func TestDocumentIsServed(t *testing.T) {
	resp := send(t, served((&fake{}).config()), "GET", "/openapi.yaml", "")
	if resp.StatusCode != 200 || resp.Header.Get("Content-Type") != "application/yaml" {
		t.Errorf("got %d %s", resp.StatusCode, resp.Header.Get("Content-Type"))
	}
	if got := text(t, resp); got != strings.TrimSpace(v1.OpenAPI()) {
		t.Errorf("served %.80s…", got)
	}
}

// TestDocumentedAnswersAreChecked: the check that all other tests lean on finds what is wrong.
func TestDocumentedAnswersAreChecked(t *testing.T) {
	router, err := documentRouter()
	harness.OK(t, err)
	for _, tc := range []struct {
		status int
		body   map[string]any
	}{
		{200, map[string]any{"version": "1", "ready": "yes", "installations": []any{}}},
		{200, map[string]any{"version": "1", "installations": []any{}}},
		{500, map[string]any{"code": "internal"}},
	} {
		r := httptest.NewRequest("GET", "/status", nil)
		route, params, err := router.FindRoute(r)
		harness.OK(t, err)
		b, err := json.Marshal(tc.body)
		harness.OK(t, err)
		h := http.Header{"Content-Type": {"application/json"}}
		if tc.status == 500 {
			h.Set("Content-Type", "application/problem+json")
		}
		err = openapi3filter.ValidateResponse(context.Background(), &openapi3filter.ResponseValidationInput{
			RequestValidationInput: &openapi3filter.RequestValidationInput{Request: r, PathParams: params, Route: route},
			Status:                 tc.status, Header: h, Body: io.NopCloser(bytes.NewReader(b)),
		})
		if err == nil {
			t.Error(fmt.Sprint(tc.body), "passes for a status")
		}
	}
}
