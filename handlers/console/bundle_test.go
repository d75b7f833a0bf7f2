package console

import (
	"encoding/json"
	"strings"
	"testing"

	v1 "channelsync/api/v1"
)

func TestBundle(t *testing.T) {
	w := newEnv(t)
	in := anInstallation()
	in.Issues = []v1.Issue{{Code: "rejected", Severity: v1.SeverityAct, Title: "Northwind Dental is rejected", Detail: "Wolf Road", Records: 1}}
	w.installed(in)
	w.answer("GET "+companyAt, aCompany())
	w.answer("GET "+companyAt+"/explain", anExplanation())
	a := w.get(companyAt + "/bundle?explain=1")
	h := a.Header
	if a.StatusCode != 200 || h.Get("Content-Type") != "text/plain; charset=utf-8" || h.Get("Cache-Control") != "no-store" ||
		h.Get("Content-Disposition") != `attachment; filename="channelsync-company-29683580.txt"` {
		t.Errorf("%d %v", a.StatusCode, h)
	}
	var b bundled
	if err := json.Unmarshal([]byte(a.html), &b); err != nil {
		t.Fatalf("%v: %s", err, a.html)
	}
	if b.Version != "test" || b.Installation.ID != one || b.Installation.State != v1.StateLive || b.Installation.Issues[0].Code != "rejected" ||
		b.Installation.Zone.Name != "America East 3" || b.Record.ID != "29683580" || b.Record.Name != "N… (16)" || len(b.Timeline) != 3 {
		t.Errorf("bundle %+v", b)
	}
	if c := b.Conditions; len(c) != 3 || c[0].Value != "Vendor (7)" || c[0].Met || c[2].Value != "" || !c[2].Met {
		t.Errorf("conditions %+v", c)
	}
	if got := b.Timeline[0].Fields; len(got) != 1 || got[0] != "companyName" {
		t.Errorf("fields of the change: %v", got)
	}
	if page := w.get(companyAt + "?explain=1"); strings.TrimSpace(page.doc.Find("textarea#bundle").Text()) != strings.TrimSpace(a.html) {
		t.Error("the page shows another bundle than the one that is downloaded")
	}
}

// TestBundleTellsNoClient: no text of what was sent, of its sources, its names or
// the words about it is in the bundle.
func TestBundleTellsNoClient(t *testing.T) {
	company, contract := aCompany(), aContract()
	contract.Projection = json.RawMessage(`{"client":{"externalId":"29683580","name":"Northwind Dental"},"vendorName":"Acronis","vendorNameDefaulted":false,"name":"Gold backup","overallCost":{"amount":"8412.50","currency":"USD"}}`)
	contract.Previous = json.RawMessage(`{"client":{"externalId":"29683580","name":"Northwind Ltd"},"vendorName":"Veeam","name":"Silver backup","overallCost":{"amount":"7300.00","currency":"USD"}}`)
	contract.Sources = json.RawMessage(`{"fields":[],"vendor":{"rule":"lines","name":"Acronis","sentence":"Acronis is the only vendor of the lines in force.","candidates":[{"id":5,"name":"Acronis","sum":"8412.50"}]},"cost":{"rule":"units","amount":"8412.50","sentence":"8412.50 USD is the cost of the unit row.","rows":[{"entity":"ContractServiceUnits","id":1,"amount":"8412.50"}]}}`)
	for _, r := range []v1.RecordDetail{company, contract} {
		r.Detail, r.Reasons = "Channel Program says: Northwind Dental is taken", []string{"rejected", "Northwind Dental"}
		w := newEnv(t)
		in := anInstallation()
		in.Name = "Contoso Managed Services"
		in.Issues = []v1.Issue{{Code: "rejected", Title: "About Northwind Dental", Detail: "518-555-0142", Fix: "Call Ann"}}
		w.installed(in)
		at := recordsAt + "/" + string(r.Kind) + "/" + r.ID
		w.answer("GET "+at, r)
		w.answer("GET "+at+"/explain", anExplanation())
		for _, query := range []string{"", "?explain=1"} {
			got := strings.ToLower(w.get(at + "/bundle" + query).html)
			secrets := []string{
				"Northwind", "Dental", "Wolf", "Albany", "ann", "518-555", "Acronis", "Veeam", "backup", "8412", "7300", "Contoso", "northwind.example", "clients/",
			}
			for _, secret := range append(secrets, textsOf(t, r.Projection, r.Previous)...) {
				if len(secret) > 3 && strings.Contains(strings.ReplaceAll(got, "channelsync", ""), strings.ToLower(secret)) {
					t.Errorf("%s%s: the bundle has %q:\n%s", at, query, secret, got)
				}
			}
		}
	}
}

// textsOf are the texts of documents, but for ids.
func textsOf(t *testing.T, docs ...json.RawMessage) (out []string) {
	var walk func(key string, v any)
	walk = func(key string, v any) {
		switch v := v.(type) {
		case map[string]any:
			for k, child := range v {
				walk(k, child)
			}
		case []any:
			for _, child := range v {
				walk(key, child)
			}
		case string:
			if key != "externalId" {
				out = append(out, v)
			}
		}
	}
	for _, doc := range docs {
		var v any
		if len(doc) > 0 && json.Unmarshal(doc, &v) != nil {
			t.Fatalf("not JSON: %s", doc)
		}
		walk("", v)
	}
	return out
}

func TestBundleOfWhatIsNotThere(t *testing.T) {
	w := newEnv(t)
	w.answer("GET "+companyAt+"/explain", v1.NewProblem(409, v1.CodeConflict, "The installation is not running.", "Start it."))
	a := w.get(companyAt + "/bundle?explain=1")
	var b bundled
	if err := json.Unmarshal([]byte(a.html), &b); err != nil || b.Explain != v1.CodeConflict || b.Record.Sent != nil {
		t.Errorf("%v: %s", err, a.html)
	}
	if a := w.get(recordsAt + "/contact/5/bundle"); a.StatusCode != 404 || a.Header.Get("Content-Disposition") != "" {
		t.Errorf("got %d %v", a.StatusCode, a.Header)
	}
}

// bundled is what the tests read of a bundle.
type bundled struct {
	Version      string `json:"channelsync"`
	Installation struct {
		ID     string
		State  v1.State
		Zone   v1.Zone
		Issues []v1.Issue
	}
	Record struct {
		ID, Name string
		Sent     any
	}
	Conditions []v1.Condition
	Explain    string
	Timeline   []struct{ Fields []string }
}
