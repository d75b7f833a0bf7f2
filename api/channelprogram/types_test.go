package channelprogram_test

import (
	"encoding/json"
	"strings"
	"testing"

	"github.com/getkin/kin-openapi/openapi3"

	"channelsync/api/channelprogram"
	v1 "channelsync/api/v1"
	"channelsync/test/harness"
)

func validate(t *testing.T, schema string, v any) error {
	t.Helper()
	b, err := json.Marshal(v)
	harness.OK(t, err)
	var decoded any
	harness.OK(t, json.Unmarshal(b, &decoded))
	return document(t).Components.Schemas[schema].Value.VisitJSON(decoded, openapi3.EnableJSONSchema2020())
}

func TestInputsFitTheSchema(t *testing.T) {
	url, modified, event, name := "https://ww22.autotask.net/x", observedAt, "guid/1", "Managed M365"
	full := channelprogram.ClientInput{
		Name: "Northwind Dental", Address: &channelprogram.Address{Line1: "1 High St", Country: "US"},
		Emails:    []channelprogram.Labelled{{Value: "a@northwind.example", Label: "main"}},
		Phones:    []channelprogram.Labelled{{Value: "518-555-0100"}},
		Websites:  []channelprogram.Labelled{{Value: "www.northwind.example"}},
		Lifecycle: channelprogram.LifecycleArchived, ArchivedReason: v1.ReasonStatusInactive,
		Source: channelprogram.Source{
			System: "autotask", ObservedAt: observedAt, ModifiedAt: &modified, RecordURL: &url,
			Trigger: channelprogram.TriggerManual, EventID: &event,
		},
	}
	rows := []struct {
		name, schema string
		value        any
		ok           bool
	}{
		{"client with nothing but a name", "ClientInput", client("A"), true},
		{"client with everything", "ClientInput", full, true},
		{"client without a name", "ClientInput", client(""), false},
		{"client with a name of 256", "ClientInput", client(strings.Repeat("x", 256)), false},
		{"contract with a name", "ContractInput", contract("Managed M365"), true},
		{"contract without a name or a cost", "ContractInput", channelprogram.ContractInput{
			Client:     channelprogram.ClientRef{ExternalID: "7", Name: "A"},
			VendorName: "MSP Managed Services", VendorNameDefaulted: true, Source: full.Source,
		}, true},
		{"contract with a cost", "ContractInput", channelprogram.ContractInput{
			Client: channelprogram.ClientRef{ExternalID: "7", Name: "A"}, VendorName: "V", Name: &name,
			OverallCost: &channelprogram.Money{Amount: "1234.50", Currency: "USD"}, Source: full.Source,
		}, true},
		{"contract with a cost of five places", "ContractInput", channelprogram.ContractInput{
			Client: channelprogram.ClientRef{ExternalID: "7", Name: "A"}, VendorName: "V",
			OverallCost: &channelprogram.Money{Amount: "1.00001", Currency: "USD"}, Source: full.Source,
		}, false},
	}
	for _, row := range rows {
		t.Run(row.name, func(t *testing.T) {
			if err := validate(t, row.schema, row.value); (err == nil) != row.ok {
				t.Errorf("valid = %v, want %v: %v", err == nil, row.ok, err)
			}
		})
	}
}

func TestAbsentIsNullOrEmptyAsTheSchemaSays(t *testing.T) {
	b, err := json.Marshal(client("A"))
	harness.OK(t, err)
	want := `{"name":"A","address":null,"emails":[],"phones":[],"websites":[],` +
		`"source":{"system":"autotask","observedAt":"2026-11-23T10:00:00.123Z","modifiedAt":null,` +
		`"recordUrl":null,"trigger":"webhook","eventId":null}}`
	if string(b) != want {
		t.Errorf("client\n got %s\nwant %s", b, want)
	}
	in := contract("")
	in.Name = nil
	if b, err = json.Marshal(in); err != nil {
		t.Fatal(err)
	}
	for _, part := range []string{`"name":null`, `"overallCost":null`, `"vendorNameDefaulted":false`} {
		if !strings.Contains(string(b), part) {
			t.Errorf("contract lacks %s: %s", part, b)
		}
	}
}

func TestTriggersAreTheTargetsWords(t *testing.T) {
	want := map[v1.Trigger]channelprogram.Trigger{
		v1.TriggerCallback: "webhook", v1.TriggerPoll: "reconcile", v1.TriggerSweep: "reconcile",
		v1.TriggerBackfill: "backfill", v1.TriggerReplay: "replay", v1.TriggerManual: "manual",
		v1.TriggerDependent: "reconcile",
	}
	for source, trigger := range want {
		if got := channelprogram.TriggerOf(source); got != trigger {
			t.Errorf("TriggerOf(%s) = %s, want %s", source, got, trigger)
		}
		in := client("A")
		in.Source.Trigger = trigger
		if err := validate(t, "ClientInput", in); err != nil {
			t.Errorf("%s is no trigger of the schema: %v", trigger, err)
		}
	}
}

func TestArchivedReasonsAreTheSchemas(t *testing.T) {
	schemas := document(t).Components.Schemas
	for kind, schema := range map[v1.Kind]string{v1.KindCompany: "ClientInput", v1.KindContract: "ContractInput"} {
		var want []string
		for _, v := range schemas[schema].Value.Properties["archivedReason"].Value.Enum {
			want = append(want, v.(string))
		}
		if got := channelprogram.ArchivedReasons(kind); strings.Join(got, ",") != strings.Join(want, ",") {
			t.Errorf("%s: got %v, want %v", kind, got, want)
		}
	}
	if got := channelprogram.ArchivedReasons(v1.KindContact); got != nil {
		t.Errorf("contact: got %v, want none", got)
	}
}

func TestItemResultErr(t *testing.T) {
	no, yes := false, true
	p := &channelprogram.Problem{Status: 422, Code: "ambiguous_match", Detail: "two clients match"}
	rows := []struct {
		name string
		res  channelprogram.ItemResult
		want channelprogram.Kind
		code string
	}{
		{"created", channelprogram.ItemResult{Outcome: channelprogram.OutcomeCreated}, "", ""},
		{"stale is a success", channelprogram.ItemResult{Outcome: channelprogram.OutcomeStale}, "", ""},
		{"not answered", channelprogram.ItemResult{}, "", ""},
		{"rejected", channelprogram.ItemResult{Outcome: "rejected", Problem: p}, channelprogram.KindRejected, "ambiguous_match"},
		{"rejected without a problem", channelprogram.ItemResult{Outcome: "rejected"}, channelprogram.KindRejected, "rejected"},
		{"failed, says nothing", channelprogram.ItemResult{Outcome: "failed"}, channelprogram.KindFailed, "failed"},
		{"failed, retryable", channelprogram.ItemResult{Outcome: "failed", Retryable: &yes}, channelprogram.KindFailed, "failed"},
		{"failed for good", channelprogram.ItemResult{Outcome: "failed", Retryable: &no}, channelprogram.KindRejected, "failed"},
	}
	for _, row := range rows {
		t.Run(row.name, func(t *testing.T) {
			err := row.res.Err()
			if channelprogram.KindOf(err) != row.want {
				t.Fatalf("Err() = %v, want kind %q", err, row.want)
			}
			if e, ok := err.(*channelprogram.Error); ok && e.Code != row.code {
				t.Errorf("code %q, want %q", e.Code, row.code)
			}
		})
	}
}

func TestUsable(t *testing.T) {
	for state, want := range map[channelprogram.ConnectionState]string{
		channelprogram.ConnectionActive: "", channelprogram.ConnectionPaused: channelprogram.CodeConnectionPaused,
		channelprogram.ConnectionUninstalled: channelprogram.CodeConnectionUninstalled,
	} {
		err := channelprogram.Connection{State: state}.Usable()
		if want == "" {
			if err != nil {
				t.Errorf("%s: %v", state, err)
			}
			continue
		}
		e, ok := err.(*channelprogram.Error)
		if !ok || e.Kind != channelprogram.KindPause || e.Code != want {
			t.Errorf("%s: got %v, want a pause with %s", state, err, want)
		}
	}
}

func TestDocumentIsValid(t *testing.T) {
	// A comma in an unquoted description makes a key of its second half; it does no harm.
	odd := openapi3.AllowExtraSiblingFields("as a string", "never 0")
	if err := document(t).Validate(t.Context(), odd); err != nil {
		t.Errorf("openapi.yaml is not valid: %v", err)
	}
}
