package cli

import (
	"bytes"
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"net/http"
	"slices"
	"strings"
	"time"

	v1 "channelsync/api/v1"
	"channelsync/cmd/channelsync/cli/internal/command"
	"channelsync/cmd/channelsync/cli/internal/screen"
)

func (s *session) recordShow() *command.Command {
	return s.ofRecord(command.Command{
		Name: "show", Short: "show what was last pushed for a record, and its latest steps",
		Examples: []string{"channelsync record show company 7", "channelsync record show --q 'acme gmbh'"},
	}, func(ctx context.Context, of foundRecord) error {
		r, err := of.api.Record(ctx, of.installation, of.kind, of.id)
		if err != nil {
			return err
		}
		if s.json {
			return s.writeJSON(r)
		}
		client, err := of.clientName(ctx, r)
		if err != nil {
			return err
		}
		return s.showRecord(r, client)
	})
}

// clientName is the name of a contract's present client, as its own record has it; empty where
// that was never seen. What was sent may name the one before.
func (of foundRecord) clientName(ctx context.Context, r v1.RecordDetail) (string, error) {
	if r.CompanyID == "" {
		return "", nil
	}
	company, err := of.api.Record(ctx, of.installation, v1.KindCompany, r.CompanyID)
	if p, refused := errors.AsType[*v1.Problem](err); refused && p.Status == http.StatusNotFound {
		if id, sent := r.SentClient(); id == r.CompanyID {
			return sent, nil
		}
		return "", nil
	}
	return company.Name, err
}

func (s *session) showRecord(r v1.RecordDetail, client string) error {
	s.recordHead(r.Record)
	if r.CompanyID != "" {
		s.say("  client      %s (company %s)", text(cmp.Or(client, "not known")), r.CompanyID)
		if id, name := r.SentClient(); name != "" && (id != r.CompanyID || name != client) {
			s.say("  sent with   %s (company %s) as its client", text(name), text(id))
		}
	}
	if r.Fix != "" {
		s.say("  to do       %s", text(r.Fix))
		s.sayNext("              ", commandOf(s.opened, r))
	}
	if r.Attempts > 0 {
		s.say("  attempts    %d", r.Attempts)
	}
	if r.TargetURL != "" {
		s.say("  at target   %s", text(r.TargetURL))
	}
	if len(r.Omitted) > 0 {
		s.say("  too large   to be kept whole: %s left out", strings.Join(r.Omitted, ", "))
	}
	s.showDocument("Last pushed", r.Projection)
	if err := s.showFigures("How vendor and overall cost were found", r.Sources); err != nil {
		return err
	}
	if len(r.Timeline) == 0 {
		return nil
	}
	s.say("\nTimeline")
	t := screen.Table{Header: []string{"WHEN", "STEP", "WHY", "OUTCOME", "TOOK", "DETAIL"}}
	traced := slices.ContainsFunc(r.Timeline, func(step v1.TimelineStep) bool { return step.TraceID != "" })
	if traced {
		t.Header = append(t.Header, "TRACE")
	}
	for _, step := range r.Timeline {
		took := ""
		if step.Millis > 0 {
			took = (time.Duration(step.Millis) * time.Millisecond).String()
		}
		row := []string{screen.When(s.now(), step.At), step.Step, string(step.Trigger), string(step.Outcome), took, step.Detail}
		if traced {
			row = append(row, step.TraceID)
		}
		t.Add(row...)
	}
	return s.writeTable(t)
}

func (s *session) recordHead(r v1.Record) {
	s.say("%s %s  %s", r.Kind, r.ID, text(r.Name))
	s.say("  outcome     %s", r.Outcome)
	if len(r.Reasons) > 0 {
		s.say("  reasons     %s", text(strings.Join(r.Reasons, ", ")))
	}
	if r.Detail != "" {
		s.say("  detail      %s", text(r.Detail))
	}
	s.say("  changed     %s", screen.WhenPtr(s.now(), r.ChangedAt, "never"))
	s.say("  reconciled  %s", screen.WhenPtr(s.now(), r.ReconciledAt, "never"))
	s.say("  pushed      %s", screen.WhenPtr(s.now(), r.PushedAt, "never"))
}

// showDocument writes a JSON document under a title; null is left out.
func (s *session) showDocument(title string, doc json.RawMessage) {
	var b bytes.Buffer
	if len(doc) == 0 || string(doc) == "null" || json.Indent(&b, doc, "  ", "  ") != nil {
		return
	}
	s.say("\n%s\n  %s", title, screen.Lines(b.String()))
}
