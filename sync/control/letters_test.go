package control

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"

	v1 "channelsync/api/v1"
	"channelsync/sync/deadletter"
)

// What was dropped for lack of room is one issue, until its dead letter is dismissed.
func TestDroppedDeadLettersAreOneIssue(t *testing.T) {
	d := newDesk(t, setup{})
	id := d.create().ID
	issue := func() *v1.Issue {
		t.Helper()
		in, err := d.Get(t.Context(), id)
		ok(t, err)
		i := slices.IndexFunc(in.Issues, func(i v1.Issue) bool { return i.Code == deadletter.CodeDropped })
		if i < 0 {
			return nil
		}
		return &in.Issues[i]
	}
	if i := issue(); i != nil {
		t.Fatalf("before: %+v", i)
	}
	body := strings.Repeat("x", 16<<10)
	for i := range 620 { // of which somewhat fewer have room
		ok(t, d.DeadLetters.Keep(t.Context(), id, fmt.Appendf(nil, "%04d%s", i, body), errors.New("not JSON")))
	}
	i := issue()
	if i == nil || i.Severity != v1.SeverityAct || !strings.Contains(i.Detail, " dead letters were dropped") || i.FirstAt.IsZero() || i.Fix == "" {
		t.Fatalf("got %+v", i)
	}
	all, err := d.chosen(t.Context(), id, v1.RequeueRequest{Code: deadletter.CodeDropped})
	ok(t, err)
	if len(all) != 1 {
		t.Fatalf("%d dead letters say so", len(all))
	}
	ok(t, d.Dismiss(t.Context(), id, v1.DismissRequest{IDs: []string{all[0].ID}}))
	if i := issue(); i != nil {
		t.Errorf("after it was dismissed: %+v", i)
	}
}
