package ledger

import (
	"cmp"
	"context"
	"encoding/json"
	"maps"
	"slices"

	"channelsync/api/channelprogram"
	v1 "channelsync/api/v1"
	"channelsync/internal/search"
)

// mostTexts is how many bytes of text the indexes keep for searches, all installations
// together; one installation alone may have more. Texts are read when an installation is
// first searched, and those that were not searched for longest go first.
const mostTexts = 64 << 20

// texts is what is kept to search an installation in.
type texts struct {
	bytes int
	used  uint64 // the number of the last search
}

// loadedFor is loaded for a filter: what is searched for needs texts.
func (l *Ledger) loadedFor(ctx context.Context, installation string, f filter) (*summaries, func(), error) {
	if f.text.All() {
		return l.loaded(ctx, installation)
	}
	l.searched(installation)
	return l.loadedWith(ctx, installation, true)
}

// searched notes that an installation is used now.
func (l *Ledger) searched(installation string) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if t := l.texts[installation]; t != nil {
		l.searches++
		t.used = l.searches
	}
}

// boundTexts takes the texts of an installation into account, and lets go of those of others
// where there are too many.
func (l *Ledger) boundTexts(installation string, bytes int) {
	for _, ix := range l.overBound(installation, bytes) {
		ix.dropTexts()
	}
}

func (l *Ledger) overBound(installation string, bytes int) (over []*index) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.indexes[installation] == nil {
		return nil // it is not kept
	}
	l.searches++
	l.texts[installation] = &texts{bytes, l.searches}
	total := 0
	for _, t := range l.texts {
		total += t.bytes
	}
	byUse := slices.SortedFunc(maps.Keys(l.texts), func(a, b string) int { return cmp.Compare(l.texts[a].used, l.texts[b].used) })
	for _, id := range byUse[:len(byUse)-1] { // the last is the one that is searched now
		if total <= l.mostTexts {
			break
		}
		total -= l.texts[id].bytes
		delete(l.texts, id)
		if ix := l.indexes[id]; ix != nil {
			over = append(over, ix)
		}
	}
	return over
}

// dropTexts makes an index unsearchable until it is searched again.
func (ix *index) dropTexts() {
	ix.mu.Lock()
	defer ix.mu.Unlock()
	if ix.summaries == nil {
		return
	}
	ix.summaries.searchable = false
	for _, on := range ix.summaries.kinds {
		for _, s := range on.byID {
			s.text = ""
		}
	}
}

func (ix *summaries) textBytes() (n int) {
	for _, on := range ix.kinds {
		for _, s := range on.byID {
			n += len(s.text)
		}
	}
	return n
}

func summarizeWith(e *Entry, texts bool) summary {
	s := summarize(e)
	if texts {
		s.text = textOf(e)
	}
	return s
}

// textOf is what a record is searched in: its name, and each value that was sent of it.
func textOf(e *Entry) string {
	var t search.Text
	t.Add(e.Name)
	if len(e.Projection) == 0 {
		return t.String()
	}
	if e.Kind == v1.KindContract {
		addContract(&t, e.Projection)
	} else {
		addClient(&t, e.Projection)
	}
	return t.String()
}

func addClient(t *search.Text, projection json.RawMessage) {
	var c channelprogram.ClientInput
	if json.Unmarshal(projection, &c) != nil {
		return
	}
	t.Add(c.Name)
	if a := c.Address; a != nil {
		t.Add(a.Line1, a.Line2, a.PostalCode, a.City, a.Region, a.Country)
	}
	for _, p := range c.Phones {
		t.AddPhone(p.Value)
	}
	for _, e := range c.Emails {
		t.Add(e.Value)
	}
	for _, w := range c.Websites {
		t.AddWebsite(w.Value)
	}
}

func addContract(t *search.Text, projection json.RawMessage) {
	var c channelprogram.ContractInput
	if json.Unmarshal(projection, &c) != nil {
		return
	}
	t.Add(c.Client.Name, c.VendorName)
	if c.Name != nil {
		t.Add(*c.Name)
	}
	if c.OverallCost != nil {
		t.Add(c.OverallCost.Amount)
	}
}
