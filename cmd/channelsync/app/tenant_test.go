package app

import (
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	v1 "channelsync/api/v1"
	"channelsync/handlers/console/present"
	"channelsync/sync/issue"
)

// TestEveryIssueHasATenantsWords: none of docs/operating's names a setting, a command or the store to somebody who has
// one installation of a service that others run.
func TestEveryIssueHasATenantsWords(t *testing.T) {
	text, err := os.ReadFile(filepath.Join("..", "..", "..", "docs", "operating", "issues.md"))
	if err != nil {
		t.Fatal(err)
	}
	rows := regexp.MustCompile("(?m)^\\| `([a-z_]+)` \\| (act|retrying)").FindAllStringSubmatch(string(text), -1)
	if len(rows) < 30 {
		t.Fatalf("only %d issues were found", len(rows))
	}
	for _, row := range rows {
		in := v1.Installation{Issues: []v1.Issue{issue.Describe(row[1])}}
		present.TenantInstallation(&in)
		title, fix := issue.DeadLetter(row[1])
		dead := v1.DeadLetter{Code: row[1], Title: title, Fix: fix}
		present.TenantDeadLetter(&dead)
		said := dead.Title + "\n" + dead.Fix
		for _, i := range in.Issues {
			said += "\n" + i.Title + "\n" + i.Detail + "\n" + i.Fix
		}
		for _, word := range []string{"--", "channelsync", "NATS", "/readyz", "POST ", "PUT ", " the log ", "max_", "public URL", "the integration webhook", "the integration installation", "the integration drift", "dead letter", "Dead letter"} {
			if strings.Contains(said, word) {
				t.Errorf("%s says %q to a tenant: %s", row[1], word, said)
			}
		}
	}
}
