package projection_test

import (
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"channelsync/api/autotask"
	"channelsync/api/channelprogram"
	v1 "channelsync/api/v1"
	"channelsync/sync/projection"
	"channelsync/test/harness"
)

func contact(id int64, emails ...string) autotask.Contact {
	c := autotask.Contact{ID: id, CompanyID: 42, IsActive: true}
	for i, field := range []*string{&c.EmailAddress, &c.EmailAddress2, &c.EmailAddress3} {
		if i < len(emails) {
			*field = emails[i]
		}
	}
	return c
}

func primary(c autotask.Contact) autotask.Contact   { c.PrimaryContact = true; return c }
func dismissed(c autotask.Contact) autotask.Contact { c.IsActive = false; return c }

// northwind is the record of the reference (autotask-rest.md, 3.5).
func northwind() autotask.Company {
	return autotask.Company{
		ID: 29683616, CompanyName: "Northwind Dental", CompanyType: 1, IsActive: true,
		Address1: "1 High St", City: "Albany", State: "NY", PostalCode: "12207", CountryID: ptr(int64(237)),
		Phone: "518-555-0100", WebAddress: "www.northwind.example",
	}
}

func listed(values ...string) []channelprogram.Labelled {
	out := []channelprogram.Labelled{}
	for _, v := range values {
		out = append(out, channelprogram.Labelled{Value: v})
	}
	return out
}

func TestClientWhole(t *testing.T) {
	company := northwind()
	company.Address2, company.AdditionalAddressInformation = " Floor 2 ", "Gate B"
	company.AlternatePhone2 = " (518) 555 0101 x3 "
	got, err := projection.Client(projection.ClientParts{
		Company: company, CountryCode: "US",
		Contacts: []autotask.Contact{contact(8, "b@northwind.example"), primary(contact(9, "a@northwind.example"))},
	})
	harness.OK(t, err)
	want := projection.ClientProjection{
		Input: channelprogram.ClientInput{
			Name: "Northwind Dental",
			Address: &channelprogram.Address{
				Line1: "1 High St", Line2: "Floor 2, Gate B", City: "Albany", Region: "NY", PostalCode: "12207", Country: "US",
			},
			Emails:   listed("a@northwind.example", "b@northwind.example"),
			Phones:   listed("518-555-0100", "(518) 555 0101 x3"),
			Websites: listed("www.northwind.example"),
		},
		Fingerprint: got.Fingerprint,
		Sources: []v1.Source{
			{Field: "name", Value: "Northwind Dental", From: "Companies.companyName"},
			{Field: "address.line1", Value: "1 High St", From: "Companies.address1"},
			{Field: "address.line2", Value: "Floor 2, Gate B", From: "Companies.address2, Companies.additionalAddressInformation"},
			{Field: "address.city", Value: "Albany", From: "Companies.city"},
			{Field: "address.region", Value: "NY", From: "Companies.state"},
			{Field: "address.postalCode", Value: "12207", From: "Companies.postalCode"},
			{Field: "address.country", Value: "US", From: "Countries.countryCode"},
			{Field: "emails[0]", Value: "a@northwind.example", From: "Contacts 9 emailAddress"},
			{Field: "emails[1]", Value: "b@northwind.example", From: "Contacts 8 emailAddress"},
			{Field: "phones[0]", Value: "518-555-0100", From: "Companies.phone"},
			{Field: "phones[1]", Value: "(518) 555 0101 x3", From: "Companies.alternatePhone2"},
			{Field: "websites[0]", Value: "www.northwind.example", From: "Companies.webAddress"},
		},
		Contacts: []int64{8, 9}, Gave: []int64{8, 9},
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
	fits(t, schemas(t), got.Input)
}

func TestClientAddress(t *testing.T) {
	rows := []struct {
		name    string
		company autotask.Company
		country string
		want    *channelprogram.Address
	}{
		{"nothing at all", autotask.Company{}, "", nil},
		{"only the country", autotask.Company{}, "US", nil},
		{"only spaces and the country", autotask.Company{Address1: " ", City: "\t", State: "\u00a0"}, "US", nil},
		{"a city is enough", autotask.Company{City: "Albany"}, "US", &channelprogram.Address{City: "Albany", Country: "US"}},
		{"a second line is enough", autotask.Company{Address2: "PO Box 9"}, "", &channelprogram.Address{Line2: "PO Box 9"}},
		{
			"the additional information alone is the second line",
			autotask.Company{AdditionalAddressInformation: "Gate B"},
			"US",
			&channelprogram.Address{Line2: "Gate B", Country: "US"},
		},
		{
			"the second line is both",
			autotask.Company{Address2: "Floor 2", AdditionalAddressInformation: " Gate B"},
			"",
			&channelprogram.Address{Line2: "Floor 2, Gate B"},
		},
		{"no country", autotask.Company{PostalCode: "12207"}, "", &channelprogram.Address{PostalCode: "12207"}},
		{
			"text is trimmed and not rewritten",
			autotask.Company{Address1: "\u2003 1  HIGH st.\n", State: "new york"},
			" us ",
			&channelprogram.Address{Line1: "1  HIGH st.", Region: "new york", Country: "us"},
		},
	}
	for _, row := range rows {
		t.Run(row.name, func(t *testing.T) {
			row.company.CompanyName = "A"
			got, err := projection.Client(projection.ClientParts{Company: row.company, CountryCode: row.country})
			harness.OK(t, err)
			if diff := cmp.Diff(row.want, got.Input.Address); diff != "" {
				t.Error(diff)
			}
			fits(t, schemas(t), got.Input)
		})
	}
}

func TestClientEmails(t *testing.T) {
	long := strings.Repeat("x", 310) + "@x.example" // 320 characters, the most the target takes
	var many []autotask.Contact
	var first20 []string
	for i := range int64(25) {
		many = append(many, contact(100+i, fmt.Sprintf("%d@x.example", i)))
		if i < 20 {
			first20 = append(first20, fmt.Sprintf("%d@x.example", i))
		}
	}
	ids := func(from, to int64) (out []int64) {
		for i := from; i <= to; i++ {
			out = append(out, i)
		}
		return out
	}
	rows := []struct {
		name     string
		contacts []autotask.Contact
		option   string
		want     []string
		owners   []int64
		note     bool
	}{
		{name: "no contact", owners: []int64{}},
		{name: "a contact without an address", contacts: []autotask.Contact{contact(1)}, owners: []int64{}},
		{name: "one address", contacts: []autotask.Contact{contact(1, "a@x")}, want: []string{"a@x"}, owners: []int64{1}},
		{
			name: "three addresses in their order", contacts: []autotask.Contact{contact(1, "c@x", "a@x", "b@x")},
			want: []string{"c@x", "a@x", "b@x"}, owners: []int64{1},
		},
		{
			name: "only the third is there", contacts: []autotask.Contact{contact(1, "", " ", " b@x ")},
			want: []string{"b@x"}, owners: []int64{1},
		},
		{
			name: "by contact id, not by place", contacts: []autotask.Contact{contact(3, "c@x"), contact(1, "a@x"), contact(2, "b@x")},
			want: []string{"a@x", "b@x", "c@x"}, owners: []int64{1, 2, 3},
		},
		{
			name: "the primary contact first", contacts: []autotask.Contact{contact(1, "a@x"), primary(contact(2, "b@x"))},
			want: []string{"b@x", "a@x"}, owners: []int64{1, 2},
		},
		{
			name: "two primaries, by id", contacts: []autotask.Contact{primary(contact(3, "c@x")), contact(1, "a@x"), primary(contact(2, "b@x"))},
			want: []string{"b@x", "c@x", "a@x"}, owners: []int64{1, 2, 3},
		},
		{
			name: "an inactive contact counts for nothing", contacts: []autotask.Contact{contact(1, "a@x"), dismissed(primary(contact(2, "b@x")))},
			want: []string{"a@x"}, owners: []int64{1},
		},
		{
			name: "each address once, in its first spelling", contacts: []autotask.Contact{contact(1, "Anna@X.example", "anna@x.EXAMPLE"), contact(2, "ANNA@x.example")},
			want: []string{"Anna@X.example"}, owners: []int64{1, 2},
		},
		{
			name: "the first spelling is the primary's", contacts: []autotask.Contact{contact(1, "ANNA@x"), primary(contact(2, "anna@x"))},
			want: []string{"anna@x"}, owners: []int64{1, 2},
		},
		{name: "at most twenty", contacts: many, want: first20, owners: ids(100, 124)},
		{
			name: "doubles do not count among the twenty", contacts: append([]autotask.Contact{contact(1, "0@x.example", "0@X.example")}, many...),
			want: first20, owners: append([]int64{1}, ids(100, 124)...),
		},
		{name: "as long as the target takes", contacts: []autotask.Contact{contact(1, long)}, want: []string{long}, owners: []int64{1}},
		{
			name: "one too long is left out with a note", contacts: []autotask.Contact{contact(1, "x"+long, "b@x")},
			want: []string{"b@x"}, owners: []int64{1}, note: true,
		},
		{
			name: "option primary", contacts: []autotask.Contact{contact(1, "a@x"), primary(contact(2, "b@x", "c@x"))}, option: "primary",
			want: []string{"b@x", "c@x"}, owners: []int64{2},
		},
		{name: "option primary without one", contacts: []autotask.Contact{contact(1, "a@x")}, option: "primary", owners: []int64{}},
		{
			name: "option primary, who is inactive", contacts: []autotask.Contact{dismissed(primary(contact(1, "a@x")))},
			option: "primary", owners: []int64{},
		},
		{name: "option none", contacts: []autotask.Contact{primary(contact(1, "a@x"))}, option: "none", owners: []int64{}},
		{name: "option contacts", contacts: []autotask.Contact{contact(1, "a@x")}, option: "contacts", want: []string{"a@x"}, owners: []int64{1}},
	}
	all := schemas(t)
	for _, row := range rows {
		t.Run(row.name, func(t *testing.T) {
			got, err := projection.Client(projection.ClientParts{
				Company: northwind(), Contacts: row.contacts, Options: v1.Options{Emails: row.option},
			})
			harness.OK(t, err)
			if diff := cmp.Diff(listed(row.want...), got.Input.Emails); diff != "" {
				t.Error(diff)
			}
			if diff := cmp.Diff(row.owners, got.Contacts); diff != "" {
				t.Errorf("contacts: %s", diff)
			}
			if (len(got.Notes) > 0) != row.note {
				t.Errorf("notes %v", got.Notes)
			}
			fits(t, all, got.Input)
		})
	}
}

func TestClientPhonesAndWebsites(t *testing.T) {
	company := northwind()
	company.Phone, company.AlternatePhone1, company.AlternatePhone2 = " 555-0100 ", "\u00a0", "555-0100"
	company.WebAddress = "HTTP://Northwind.example/ "
	got, err := projection.Client(projection.ClientParts{Company: company})
	harness.OK(t, err)
	// As they stand: an empty one is absent, a double is not our business, nothing is rewritten.
	if diff := cmp.Diff(listed("555-0100", "555-0100"), got.Input.Phones); diff != "" {
		t.Error(diff)
	}
	if diff := cmp.Diff(listed("HTTP://Northwind.example/"), got.Input.Websites); diff != "" {
		t.Error(diff)
	}
	company.Phone, company.AlternatePhone2, company.WebAddress = "", "", ""
	if got, err = projection.Client(projection.ClientParts{Company: company}); err != nil {
		t.Fatal(err)
	}
	if len(got.Input.Phones)+len(got.Input.Websites) != 0 {
		t.Errorf("cleared fields are still there: %+v", got.Input)
	}
	company.WebAddress = strings.Repeat("w", 321)
	if got, err = projection.Client(projection.ClientParts{Company: company}); err != nil {
		t.Fatal(err)
	}
	if len(got.Input.Websites) != 0 || len(got.Notes) != 1 || !strings.Contains(got.Notes[0], "Companies.webAddress") {
		t.Errorf("websites %v, notes %v", got.Input.Websites, got.Notes)
	}
}

func TestClientNames(t *testing.T) {
	rows := []struct {
		name, given, want, refused string
	}{
		{name: "trimmed", given: "\u2003Northwind \n", want: "Northwind"},
		{name: "255 characters, not bytes", given: strings.Repeat("é", 255), want: strings.Repeat("é", 255)},
		{name: "256", given: strings.Repeat("é", 256), refused: "Companies.companyName has 256 characters"},
		{name: "empty", given: "", refused: "Companies.companyName is empty"},
		{name: "only spaces", given: " \u00a0", refused: "Companies.companyName is empty"},
	}
	for _, row := range rows {
		t.Run(row.name, func(t *testing.T) {
			company := northwind()
			company.CompanyName = row.given
			got, err := projection.Client(projection.ClientParts{Company: company})
			if row.refused == "" {
				if err != nil || got.Input.Name != row.want {
					t.Errorf("got %q, %v", got.Input.Name, err)
				}
				return
			}
			field, ok := errors.AsType[*projection.FieldError](err)
			if !ok || field.Field != "Companies.companyName" || !strings.Contains(err.Error(), row.refused) {
				t.Errorf("got %v, want %q", err, row.refused)
			}
		})
	}
}

func TestClientFingerprint(t *testing.T) {
	base := projection.ClientParts{Company: northwind(), CountryCode: "US", Contacts: []autotask.Contact{contact(1, "a@x", "b@x")}}
	of := func(p projection.ClientParts) string {
		got, err := projection.Client(p)
		harness.OK(t, err)
		return got.Fingerprint
	}
	want := of(base)
	if len(want) != 64 || strings.Trim(want, "0123456789abcdef") != "" {
		t.Errorf("%q is no lower-case hex SHA-256", want)
	}
	same := map[string]func(*projection.ClientParts){
		"stamps of activity": func(p *projection.ClientParts) { p.Company.LastActivityDate = source.ObservedAt },
		"spaces":             func(p *projection.ClientParts) { p.Company.City += " " },
		"a contact without an address": func(p *projection.ClientParts) {
			p.Contacts = append([]autotask.Contact{contact(2)}, p.Contacts...)
		},
	}
	for name, change := range same {
		p := base
		change(&p)
		if of(p) != want {
			t.Errorf("%s: another fingerprint", name)
		}
	}
	other := map[string]func(*projection.ClientParts){
		"name":    func(p *projection.ClientParts) { p.Company.CompanyName += "s" },
		"street":  func(p *projection.ClientParts) { p.Company.Address1 = "" },
		"country": func(p *projection.ClientParts) { p.CountryCode = "CA" },
		"e-mail":  func(p *projection.ClientParts) { p.Contacts = []autotask.Contact{contact(1, "a@x")} },
		"order":   func(p *projection.ClientParts) { p.Contacts = []autotask.Contact{contact(1, "b@x", "a@x")} },
		"phone":   func(p *projection.ClientParts) { p.Company.Phone += "1" },
		"website": func(p *projection.ClientParts) { p.Company.WebAddress = "" },
	}
	for name, change := range other {
		p := base
		change(&p)
		if of(p) == want {
			t.Errorf("%s: the same fingerprint", name)
		}
	}
}

func TestFingerprintIsOfWhatTheSyncOwns(t *testing.T) {
	in := channelprogram.ClientInput{Name: "A", Emails: listed()}
	want := projection.ClientFingerprint(in)
	in.Source = source
	if projection.ClientFingerprint(in) != want {
		t.Error("the source counts")
	}
	in.Lifecycle = channelprogram.LifecycleActive
	if projection.ClientFingerprint(in) != want {
		t.Error("saying the default counts")
	}
	in.Emails = nil
	if projection.ClientFingerprint(in) != want {
		t.Error("an absent list is not an empty one")
	}
	in.Lifecycle, in.ArchivedReason = channelprogram.LifecycleArchived, v1.ReasonStatusInactive
	archived := projection.ClientFingerprint(in)
	if archived == want {
		t.Error("archiving does not count")
	}
	in.ArchivedReason = v1.ReasonDeletedAtSource
	if projection.ClientFingerprint(in) == archived {
		t.Error("the reason does not count")
	}
}

// Contacts come in any order from Autotask, and whatever the record holds, the target takes it.
func TestClientIgnoresOrderAndAlwaysFits(t *testing.T) {
	all := schemas(t)
	text := rapid.OneOf(rapid.StringN(0, 12, -1), rapid.SampledFrom([]string{"", " ", "a@x", "A@X", "b@x", strings.Repeat("y", 330)}))
	rapid.Check(t, func(t *rapid.T) {
		p := projection.ClientParts{
			Company: autotask.Company{
				CompanyName: rapid.StringN(1, 300, -1).Draw(t, "name"), Address1: text.Draw(t, "address1"),
				Address2: text.Draw(t, "address2"), AdditionalAddressInformation: text.Draw(t, "additional"),
				City: text.Draw(t, "city"), State: text.Draw(t, "state"), PostalCode: text.Draw(t, "postal"),
				Phone: text.Draw(t, "phone"), AlternatePhone1: text.Draw(t, "phone1"), WebAddress: text.Draw(t, "web"),
			},
			CountryCode: text.Draw(t, "country"),
			Options:     v1.Options{Emails: rapid.SampledFrom([]string{"", "contacts", "primary", "none"}).Draw(t, "option")},
		}
		for i := range rapid.IntRange(0, 30).Draw(t, "contacts") {
			c := contact(int64(i), text.Draw(t, "e1"), text.Draw(t, "e2"), text.Draw(t, "e3"))
			c.IsActive, c.PrimaryContact = rapid.Bool().Draw(t, "active"), rapid.Bool().Draw(t, "primary")
			p.Contacts = append(p.Contacts, c)
		}
		got, err := projection.Client(p)
		if err != nil {
			if _, ok := errors.AsType[*projection.FieldError](err); !ok {
				t.Fatalf("not a field's error: %v", err)
			}
			return
		}
		fits(t, all, got.Input)
		p.Contacts = rapid.Permutation(p.Contacts).Draw(t, "order")
		again, err := projection.Client(p)
		harness.OK(t, err)
		if diff := cmp.Diff(got, again); diff != "" {
			t.Fatalf("another order gives another client: %s", diff)
		}
	})
}

func BenchmarkClient(b *testing.B) {
	p := projection.ClientParts{Company: northwind(), CountryCode: "US"}
	for i := range int64(20) {
		p.Contacts = append(p.Contacts, contact(i, fmt.Sprintf("%d@x.example", i)))
	}
	b.ReportAllocs()
	for b.Loop() {
		if _, err := projection.Client(p); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkClientFingerprint(b *testing.B) {
	p, err := projection.Client(projection.ClientParts{Company: northwind(), Contacts: []autotask.Contact{contact(1, "a@x")}})
	harness.OK(b, err)
	b.ReportAllocs()
	for b.Loop() {
		if projection.ClientFingerprint(p.Input) != p.Fingerprint {
			b.Fatal("another fingerprint")
		}
	}
}
