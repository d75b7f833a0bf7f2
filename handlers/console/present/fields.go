package present

import (
	"cmp"
	"encoding/json"
	"regexp"
	"strconv"
	"strings"
)

// How a field stands against what was sent before.
const (
	FieldSame    = ""
	fieldAdded   = "added"
	fieldChanged = "changed"
	fieldCleared = "cleared"
)

// Field is one field of what was sent.
type Field struct {
	Label  string
	Now    string
	Before string // what was sent before, where that differs
	Change string
	From   string // where in Autotask it came from, in words
	Note   string
}

// sent is what was sent of a client or a contract; the fields of the other kind are absent.
type sent struct {
	Name                *string    `json:"name"`
	Address             *address   `json:"address"`
	Emails              []labelled `json:"emails"`
	Phones              []labelled `json:"phones"`
	Websites            []labelled `json:"websites"`
	Client              *clientRef `json:"client"`
	VendorName          string     `json:"vendorName"`
	VendorNameDefaulted bool       `json:"vendorNameDefaulted"`
	OverallCost         *money     `json:"overallCost"`
	Lifecycle           string     `json:"lifecycle"`
	ArchivedReason      string     `json:"archivedReason"`
}

type address struct {
	Line1      string `json:"line1"`
	Line2      string `json:"line2"`
	City       string `json:"city"`
	Region     string `json:"region"`
	PostalCode string `json:"postalCode"`
	Country    string `json:"country"`
}

type labelled struct {
	Value string `json:"value"`
}

type clientRef struct {
	ExternalID string `json:"externalId"`
	Name       string `json:"name"`
}

type money struct {
	Amount   string `json:"amount"`
	Currency string `json:"currency"`
}

// source says where one value of what was sent came from.
type source struct {
	Field string `json:"field"`
	From  string `json:"from"`
}

// SentFields lists every field of what was sent beside what was sent before it.
// A field that was cleared is there too. Documents that cannot be read show nothing.
func SentFields(projection, previous, sources json.RawMessage) []Field {
	if IsNull(projection) {
		return nil
	}
	var now, before sent
	if json.Unmarshal(projection, &now) != nil {
		return nil
	}
	first := IsNull(previous) || json.Unmarshal(previous, &before) != nil
	d := differ{from: froms(sources), first: first}
	if now.Client != nil {
		d.contract(&now, &before)
	} else {
		d.client(&now, &before)
	}
	d.put("lifecycle", lifecycleWord(&now), lifecycleWord(&before))
	return d.fields
}

// differ builds the list.
type differ struct {
	from   map[string]string
	first  bool // nothing was sent before
	fields []Field
}

func (d *differ) client(now, before *sent) {
	d.put("name", orEmpty(now.Name), orEmpty(before.Name))
	a, b := orEmpty(now.Address), orEmpty(before.Address)
	d.put("address.line1", a.Line1, b.Line1)
	d.put("address.line2", a.Line2, b.Line2)
	d.put("address.city", a.City, b.City)
	d.put("address.region", a.Region, b.Region)
	d.put("address.postalCode", a.PostalCode, b.PostalCode)
	d.put("address.country", a.Country, b.Country)
	d.list("emails", now.Emails, before.Emails)
	d.list("phones", now.Phones, before.Phones)
	d.list("websites", now.Websites, before.Websites)
}

func (d *differ) contract(now, before *sent) {
	d.put("client.name", now.Client.Name, orEmpty(before.Client).Name)
	d.put("client.externalId", now.Client.ExternalID, orEmpty(before.Client).ExternalID)
	d.put("vendorName", now.VendorName, before.VendorName)
	if now.VendorNameDefaulted {
		d.note("No vendor was found, so it is the default.")
	}
	d.put("name", orEmpty(now.Name), orEmpty(before.Name))
	if now.Name == nil {
		d.note("It has no name in Autotask; Channel Program shows the vendor's.")
	}
	d.put("overallCost.amount", now.OverallCost.text(), before.OverallCost.text())
	if now.OverallCost == nil {
		d.note("Not known, so none is sent: an unknown cost is never sent as 0.")
	}
}

// fieldWords are what the fields are called, by their path.
var fieldWords = map[string]string{
	"name": "Name", "address.line1": "Street", "address.line2": "Street, second line", "address.city": "City",
	"address.region": "State or region", "address.postalCode": "Postal code", "address.country": "Country",
	"emails": "E-mail address", "phones": "Phone number", "websites": "Website",
	"client.name": "Client", "client.externalId": "Client's Autotask id", "vendorName": "Vendor",
	"vendorNameDefaulted": "Vendor is the default", "overallCost.amount": "Overall cost", "overallCost.currency": "Currency of the cost",
	"lifecycle": "Lifecycle", "archivedReason": "Archived because",
}

// ofList is a value of a list by its path: emails[1].value.
var ofList = regexp.MustCompile(`^([a-z]+)\[(\d{1,4})\](?:\.value)?$`)

// FieldWord is what the field at a path is called; a path that is not known stays as it is.
func FieldWord(path string) string {
	if m := ofList.FindStringSubmatch(path); m != nil && fieldWords[m[1]] != "" {
		i, _ := strconv.Atoi(m[2]) // the pattern has digits only
		return numbered(fieldWords[m[1]], i)
	}
	return cmp.Or(fieldWords[path], path)
}

// put adds a field. One that neither holds is left out, but for those that are
// worth a note: they are the ones that a client or a contract always has.
func (d *differ) put(path, now, before string) {
	always := path == "name" || path == "overallCost.amount"
	if now == "" && (d.first || before == "") && !always {
		return
	}
	f := Field{Label: FieldWord(path), Now: now, From: d.from[path]}
	if !d.first && now != before {
		f.Before, f.Change = before, fieldChanged
		switch {
		case before == "":
			f.Change = fieldAdded
		case now == "":
			f.Change = fieldCleared
		}
	}
	d.fields = append(d.fields, f)
}

// note says something of the field put last.
func (d *differ) note(text string) { d.fields[len(d.fields)-1].Note = text }

// list adds the values of a list. They are compared by value, so that one that is
// added in front does not make all the others look changed.
func (d *differ) list(path string, now, before []labelled) {
	had := map[string]int{}
	for _, l := range before {
		had[l.Value]++
	}
	for i, l := range now {
		f := Field{Label: numbered(FieldWord(path), i), Now: l.Value, From: d.from[path+"["+strconv.Itoa(i)+"]"]}
		if had[l.Value] > 0 {
			had[l.Value]--
		} else if !d.first {
			f.Change = fieldAdded
		}
		d.fields = append(d.fields, f)
	}
	for _, l := range before {
		if had[l.Value] > 0 {
			had[l.Value]--
			d.fields = append(d.fields, Field{Label: FieldWord(path), Before: l.Value, Change: fieldCleared})
		}
	}
}

func numbered(label string, i int) string {
	if i == 0 {
		return label
	}
	return label + " " + strconv.Itoa(i+1)
}

func (m *money) text() string {
	if m == nil {
		return ""
	}
	return m.Amount + " " + m.Currency
}

func orEmpty[T any](v *T) T {
	if v == nil {
		var none T
		return none
	}
	return *v
}

func lifecycleWord(s *sent) string {
	if s.Lifecycle != "archived" {
		return ""
	}
	return "archived: " + Lower(ReasonWord(s.ArchivedReason))
}

func lifecycleOf(projection json.RawMessage) string {
	var s sent
	if json.Unmarshal(projection, &s) != nil {
		return ""
	}
	return s.Lifecycle
}

// IsNull says whether a document is absent or null.
func IsNull(raw json.RawMessage) bool { return len(raw) == 0 || string(raw) == "null" }

// froms is where each field came from, by its path. A client's sources are a
// list, a contract's an object that has the list in it.
func froms(sources json.RawMessage) map[string]string {
	var list []source
	if json.Unmarshal(sources, &list) != nil {
		var contract struct {
			Fields []source `json:"fields"`
		}
		if json.Unmarshal(sources, &contract) == nil {
			list = contract.Fields
		}
	}
	out := map[string]string{}
	for _, s := range list {
		out[s.Field] = sourceWord(s.From)
	}
	return out
}

// ofEntity is a field of Autotask's API as a source names it: Companies.phone,
// Contacts 12 emailAddress2.
var ofEntity = regexp.MustCompile(`\b([A-Z][A-Za-z]+)(?: (\d+) |\.)([a-z][A-Za-z]*)(\d?)\b`)

// sourceWord says a source in the words of Autotask's own pages.
func sourceWord(from string) string {
	from = strings.ReplaceAll(strings.ReplaceAll(from, ", 1 row(s)", ", 1 row"), "row(s)", "rows") // as older versions wrote
	return ofEntity.ReplaceAllStringFunc(from, func(found string) string {
		m := ofEntity.FindStringSubmatch(found)
		entity := EntityWord(m[1])
		if m[2] != "" {
			entity += " " + m[2]
		}
		name := spaced(m[3])
		if m[4] != "" {
			name += " " + m[4]
		}
		return entity + ": " + name
	})
}

// EntityWord is what people call one of an entity's rows.
func EntityWord(entity string) string {
	words := spaced(entity)
	if base, ok := strings.CutSuffix(words, "ies"); ok {
		words = base + "y"
	} else {
		words = strings.TrimSuffix(words, "s")
	}
	if words == "" {
		return entity
	}
	return strings.ToUpper(words[:1]) + words[1:]
}

var hump = regexp.MustCompile(`([a-z])([A-Z])`)

// spaced writes a name of several words as words: contractName → contract name.
func spaced(name string) string {
	return strings.ToLower(hump.ReplaceAllString(name, "$1 $2"))
}

// SameJSON says whether two documents say the same, whatever the order of their fields.
func SameJSON(a, b json.RawMessage) bool {
	return Pretty(OrNull(a)) == Pretty(OrNull(b))
}

// OrNull is a document, or null where there is none.
func OrNull(raw json.RawMessage) json.RawMessage {
	if len(raw) == 0 {
		return json.RawMessage("null")
	}
	return raw
}
