package audit

import (
	"fmt"
	"strings"
	"testing"
	"time"

	v1 "channelsync/api/v1"
	"channelsync/events/kv"
	"channelsync/test/harness"
	"channelsync/test/harness/stores"
)

func TestMain(m *testing.M) { harness.Main(m) }

// opened is the table of the audit in a store of the test's own.
func opened(t testing.TB) *kv.Table {
	t.Helper()
	return stores.Table(t, stores.Open(t), "audit")
}

func TestAuditPagesFromTheNewest(t *testing.T) {
	table := opened(t)
	written := open(t, table)
	at := time.Now().Add(-time.Hour)
	const n = 7
	for i := range n {
		harness.OK(t, written.Add(t.Context(), v1.AuditEntry{
			At: at.Add(time.Duration(i) * time.Minute), Actor: "cli", Action: fmt.Sprint(i), Installation: fmt.Sprint("in-", i%2), OK: true,
		}))
	}
	again := open(t, table)
	for name, a := range map[string]*Log{"at once": written, "after a restart": again} {
		var got []string
		cursor := ""
		for pages := 0; ; pages++ {
			page, err := a.List(v1.AuditQuery{Cursor: cursor, Limit: 3})
			harness.OK(t, err)
			for _, e := range page.Items {
				got = append(got, e.Action)
			}
			if page.NextCursor == nil {
				if pages != 2 {
					t.Errorf("%s: %d pages", name, pages+1)
				}
				break
			}
			cursor = *page.NextCursor
		}
		if text := strings.Join(got, ""); text != "6543210" {
			t.Errorf("%s: %s", name, text)
		}
		first, err := a.List(v1.AuditQuery{Installation: "in-0", Limit: 3})
		harness.OK(t, err)
		if first.NextCursor == nil || len(first.Items) != 3 || first.Items[2].Action != "2" {
			t.Fatalf("%s: of one installation: %+v", name, first)
		}
		rest, err := a.List(v1.AuditQuery{Installation: "in-0", Cursor: *first.NextCursor, Limit: 3})
		harness.OK(t, err)
		if rest.NextCursor != nil || len(rest.Items) != 1 || rest.Items[0].Action != "0" {
			t.Errorf("%s: the rest of one installation: %+v", name, rest)
		}
	}
}
