package ledger

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"testing"

	v1 "channelsync/api/v1"
	"channelsync/sync/seal"
)

// client is a company with what was sent of it.
func client(id int64, name string) *Entry {
	e := company(id, name, v1.OutcomePushed)
	e.Projection = json.RawMessage(fmt.Sprintf(`{"name":%q,"address":{"line1":"Straße %d","postalCode":"10623","city":"Köln"},
		"emails":[{"value":"jane.doe%d@example.com"}],"phones":[{"value":"+49 (0)30 / 3140-%04d"}],"websites":[{"value":"https://www.client%d.example/"}]}`,
		name, id, id, id, id))
	return e
}

func searchFor(t testing.TB, l *Ledger, installation, q string) []string {
	t.Helper()
	page, err := l.List(t.Context(), installation, v1.RecordQuery{Q: q, Limit: 500})
	if err != nil {
		t.Fatal(err)
	}
	got := []string{}
	for _, r := range page.Items {
		got = append(got, string(r.Kind)+" "+r.ID)
	}
	return got
}

func TestARecordIsFoundByAnyValueThatWasSent(t *testing.T) {
	l := open(t).ledger()
	write(t, l, client(1, "Café Søn & O’Brien"), client(2, "Northwind"), &Entry{
		Kind: v1.KindContract, ID: 3, Name: "Backup", Outcome: v1.OutcomePushed,
		Projection: json.RawMessage(`{"client":{"externalId":"2","name":"Northwind"},"vendorName":"Acronis","name":"Backup","overallCost":{"amount":"1200.50","currency":"EUR"}}`),
	})
	ask := func(q string, want ...string) {
		t.Helper()
		if got := searchFor(t, l, inst, q); !slices.Equal(got, want) {
			t.Errorf("%q: got %v, want %v", q, got, want)
		}
	}
	ask("cafe son", "company 1")
	ask("obrien", "company 1")
	ask("+49 30 3140 0002", "company 2")
	ask("030/31400001", "company 1")
	ask("JANE.DOE2@example.com", "company 2")
	ask("www.client1.example", "company 1")
	ask("strasse koln", "company 1", "company 2")
	ask("straße northwind", "company 2")
	ask("northwind", "company 2", "contract 3")
	ask("acronis", "contract 3")
	ask("1,200.50", "contract 3")
	ask("---")
	counts := must[v1.RecordCounts](t)(l.Facets(t.Context(), inst, v1.RecordQuery{Q: "koln"}))
	if counts.Total != 2 {
		t.Errorf("counted %+v", counts)
	}
	renamed := client(2, "Südwind")
	write(t, l, renamed)
	ask("sudwind", "company 2")
	ask("northwind", "contract 3")
}

// TestTextsForSearchesAreBounded: only what was searched lately is kept, a search finds what
// was let go of all the same, and an installation that is forgotten takes no room.
func TestTextsForSearchesAreBounded(t *testing.T) {
	p := open(t)
	l := p.ledger()
	var ids []string
	for i := range 5 {
		id := fmt.Sprintf("ins_%026d", i)
		ids = append(ids, id)
		must[*seal.Ring](t)(p.vault.Ring(t.Context(), id))
		if err := l.Write(t.Context(), id, []*Entry{client(1, strings.Repeat("long ", 100))}); err != nil {
			t.Fatal(err)
		}
	}
	l.mostTexts = 1000 // two of them
	for range 2 {
		for _, id := range ids {
			if got := searchFor(t, l, id, "jane"); len(got) != 1 {
				t.Errorf("%s: found %v", id, got)
			}
			kept := 0
			for _, one := range ids {
				if ix := l.index(one); ix.lock(true) != nil {
					ix.mu.Unlock()
					kept++
				}
			}
			if kept > 2 || len(l.texts) != kept {
				t.Errorf("texts of %d installations are kept, %d counted", kept, len(l.texts))
			}
		}
	}
	for _, id := range ids {
		if err := l.Purge(t.Context(), id); err != nil {
			t.Fatal(err)
		}
	}
	if len(l.texts) != 0 {
		t.Errorf("%d are still counted", len(l.texts))
	}
}

// BenchmarkSearch searches one of 1,000 installations of 200 records each: the first time,
// when its entries are read, and again.
func BenchmarkSearch(b *testing.B) {
	const installations, records = 1000, 200
	p := open(b)
	l := p.ledger()
	id := func(i int) string { return fmt.Sprintf("ins_%026d", i%installations) }
	for i := range installations {
		if _, err := p.vault.Ring(b.Context(), id(i)); err != nil {
			b.Fatal(err)
		}
		entries := make([]*Entry, records)
		for r := range entries {
			entries[r] = client(int64(r+1), fmt.Sprintf("Client number %d of %d", r, i))
		}
		if err := l.Write(b.Context(), id(i), entries); err != nil {
			b.Fatal(err)
		}
	}
	b.Run("first", func(b *testing.B) {
		i := 0
		for b.Loop() {
			l.forget(id(i))
			searchFor(b, l, id(i), "+49 30 31400007")
			i++
		}
	})
	b.Run("again", func(b *testing.B) {
		i := 0
		for i := range installations {
			searchFor(b, l, id(i), "jane.doe7@example.com")
		}
		b.ResetTimer()
		for b.Loop() {
			searchFor(b, l, id(i), "jane.doe7@example.com")
			i++
		}
		total := 0
		for _, t := range l.texts {
			total += t.bytes
		}
		b.ReportMetric(float64(total)/float64(installations*records), "textbytes/record")
	})
}
