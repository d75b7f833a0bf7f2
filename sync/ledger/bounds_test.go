package ledger

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	v1 "channelsync/api/v1"
	"channelsync/events/kv"
)

// text is JSON text of n bytes.
func text(n int) json.RawMessage { return json.RawMessage(`"` + strings.Repeat("x", n-2) + `"`) }

// large is an entry each part of which has about a MiB, named by what it keeps in the end.
func large(id int64, parts ...string) *Entry {
	e := company(id, "Northwind", v1.OutcomePushed)
	e.Fingerprint = "abc"
	for _, part := range parts {
		switch part {
		case "versions":
			e.Former = &former{Packed: make([]byte, 1<<20)}
		case "sources":
			e.Sources = text(1 << 20)
		case "projection":
			e.Projection = text(1 << 20)
		case "half projection":
			e.Projection = text(1 << 19)
		case "timeline":
			e.Step(v1.TimelineStep{At: at, Step: "decided"})
			e.Step(v1.TimelineStep{At: at, Step: "pushed"})
		case "contacts":
			for i := range int64(30_000) {
				e.Contacts = append(e.Contacts, Contact{ID: i, ModifiedAt: at})
			}
		}
	}
	return e
}

// An entry of any size is remembered beside all others: what does not fit is left out, the
// least needed first, and the entry says so.
func TestAnEntryThatDoesNotFitIsCutDown(t *testing.T) {
	for name, one := range map[string]struct {
		parts, omitted []string
		steps          int
	}{
		"what was pushed before":       {[]string{"versions", "half projection", "timeline"}, []string{"versions"}, 2},
		"and where it came from":       {[]string{"versions", "sources", "half projection", "timeline"}, []string{"versions", "sources"}, 2},
		"and all that can be found":    {[]string{"sources", "contacts", "timeline"}, []string{"sources", "timeline", "contacts"}, 1},
		"and even what is pushed":      {[]string{"projection", "timeline"}, []string{"timeline", "projection"}, 1},
		"nothing of one that does fit": {[]string{"half projection", "timeline"}, nil, 2},
	} {
		for _, shared := range []bool{false, true} {
			t.Run(fmt.Sprint(name, " ", shared), func(t *testing.T) {
				p := open(t)
				l := p.ledger()
				if shared {
					l = p.shared()
					l.Claim(inst)
				}
				entries := []*Entry{company(1, "Before", v1.OutcomePushed), large(2, one.parts...), company(3, "After", v1.OutcomePushed)}
				for range 2 { // also over what was stored
					write(t, l, entries...)
				}
				got := read(t, p.ledger(), 1, 2, 3)
				if len(got) != 3 {
					t.Fatalf("stored are %d", len(got))
				}
				e := got[2]
				if diff := cmp.Diff(one.omitted, e.Omitted); diff != "" || len(e.Timeline) != one.steps || e.Fingerprint != "abc" {
					t.Errorf("omitted: %s; %d steps, fingerprint %q", diff, len(e.Timeline), e.Fingerprint)
				}
				if diff := cmp.Diff(e.Omitted, e.Details().Omitted); diff != "" {
					t.Error(diff)
				}
				if ids := must[[]int64](t)(l.Ids(t.Context(), inst, v1.KindCompany)); len(ids) != 3 {
					t.Errorf("the index has %v", ids)
				}
				all := large(2, "timeline")
				all.Former, all.Sources, all.Projection, all.Contacts = &former{Packed: []byte("x")}, text(9), text(9), []Contact{{ID: 1, ModifiedAt: at}}
				all.Revision, all.Omitted = entries[1].Revision, e.Omitted
				write(t, l, all)
				if got := read(t, p.ledger(), 2)[2]; len(got.Omitted) != 0 {
					t.Errorf("once it fits it still says %v", got.Omitted)
				}
			})
		}
	}
}

// Texts come from elsewhere, so each has a bound.
func TestTextsOfAnEntryAreBounded(t *testing.T) {
	long := strings.Repeat("ü", 600_000)
	e := company(1, long, v1.OutcomePushed)
	e.Detail, e.TargetURL = long, "https://target.example/"+long
	e.Step(v1.TimelineStep{At: at, Step: "changed", Detail: long})
	p := open(t)
	write(t, p.ledger(), e)
	got := read(t, p.ledger(), 1)[1]
	b, err := json.Marshal(got)
	if err != nil {
		t.Fatal(err)
	}
	if len(b) > 8000 || len(got.Omitted) > 0 || !strings.HasPrefix(got.Name, "üüü") || strings.ContainsRune(got.Name, '\uFFFD') || got.TargetURL != "" {
		t.Errorf("%d bytes: %+v", len(b), got)
	}
	if NameOf(long) != got.Name {
		t.Error("a name as it is kept is another one than NameOf says")
	}
}

// narrow is a table that takes entries of so many bytes, and does not say so before.
type narrow struct {
	Table
	most int
}

func (n narrow) PutMany(ctx context.Context, puts []kv.KeyValue) error {
	refused := map[string]error{}
	var taken []kv.KeyValue
	for _, p := range puts {
		if len(p.Value) > n.most {
			refused[p.Key] = &kv.TooLargeError{Key: p.Key, Size: len(p.Value)}
			continue
		}
		taken = append(taken, p)
	}
	if err := n.Table.PutMany(ctx, taken); err != nil || len(refused) == 0 {
		return err
	}
	return &kv.RefusedError{Refused: refused}
}

func TestOnlyWhatIsRefusedInAnyFormIsNotStored(t *testing.T) {
	p := open(t)
	l := New(narrow{p.table, 1200}, p.vault)
	bad := company(2, strings.Repeat("x", 1000), v1.OutcomePushed)
	bad.ReconciledAt = time.Time{}
	err := l.Write(t.Context(), inst, []*Entry{company(1, "Before", v1.OutcomePushed), bad, large(3, "sources", "timeline"), company(4, "After", v1.OutcomePushed)})
	refused, ok := errors.AsType[*RefusedError](err)
	if !ok || len(refused.Entries) != 1 || refused.Entries[0] != bad {
		t.Fatalf("got %v", err)
	}
	if got := read(t, p.ledger(), 1, 2, 3, 4); len(got) != 3 || got[2] != nil || len(got[3].Omitted) == 0 {
		t.Errorf("stored are %v", got)
	}
	if ids := must[[]int64](t)(l.Ids(t.Context(), inst, v1.KindCompany)); len(ids) != 3 {
		t.Errorf("the index has %v", ids)
	}
}
