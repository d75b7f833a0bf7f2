package present

import (
	"strings"
	"testing"
	"time"

	v1 "channelsync/api/v1"
)

func TestWhatAJobWasAskedFor(t *testing.T) {
	from, to := clockNow().Add(-time.Hour), clockNow()
	for want, j := range map[string]v1.Job{
		"All clients and contracts":                     {Kinds: []v1.Kind{v1.KindCompany, v1.KindContract}},
		"Stored changes":                                {Replay: &v1.ReplayRequest{}},
		"Stored changes of contracts from number 1,041": {Replay: &v1.ReplayRequest{Kind: v1.KindContract, FromSequence: 1041}},
		"Stored changes of client 7 from 2026-11-23 14:04:05 UTC to 2026-11-23 15:04:05 UTC": {Replay: &v1.ReplayRequest{Kind: v1.KindCompany, ID: "7", From: &from, To: &to}},
		"Stored changes; Everything is sent, even if unchanged since the last push":          {Replay: &v1.ReplayRequest{Force: true}},
		"": {Type: "backfill"},
	} {
		if got := strings.Join(AskedWords(j), "; "); got != want {
			t.Errorf("got %q, want %q", got, want)
		}
	}
}
