package control

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"strconv"
	"time"

	"channelsync/api/autotask"
	v1 "channelsync/api/v1"
	"channelsync/sync/fetch"
	"channelsync/sync/installation"
	"channelsync/sync/issue"
	"channelsync/sync/reconcile"
)

const (
	// setupPreviewWithin leaves what the tries before it need of the API's two minutes.
	setupPreviewWithin = time.Minute
	// setupPreviewShare is what a preview may use of the requests that Autotask allows
	// in an hour: whoever looks before installing must not slow down the other integrations.
	setupPreviewShare = 0.1
)

// PreviewCreate tries what Create tries and says what the backfill would then
// sync, by the same rules. It keeps nothing and pushes nothing. A minute after the
// tries, or with a tenth of the hourly requests used, it answers with what it knows.
func (m *Manager) PreviewCreate(ctx context.Context, req v1.CreateInstallation) (v1.SetupPreview, error) {
	if p := m.accountTaken("", req.Username, req.TrackingIdentifier.Reveal()); p != nil {
		return v1.SetupPreview{}, p
	}
	in, checks, err := m.try(ctx, req)
	if err != nil {
		return v1.SetupPreview{}, err
	}
	ctx, cancel := context.WithTimeoutCause(ctx, setupPreviewWithin,
		fmt.Errorf("preview the backfill: not done within %s", setupPreviewWithin))
	defer cancel()
	cfg := m.autotaskConfig(in)
	cfg.Share = setupPreviewShare
	client := autotask.New(cfg)
	defer client.Close()
	survey, err := reconcile.New(reconcile.Config{Autotask: client, Now: m.Now, Log: m.Log}).Survey(ctx, in)
	if err != nil {
		return v1.SetupPreview{}, cannotAsk(err)
	}
	out := v1.SetupPreview{Checks: m.withConnection(checks, "", in.ConnectionID), Companies: previewCounts(survey.Companies), Complete: survey.Complete}
	out.Contracts.PreviewCounts = previewCounts(survey.Contracts)
	for _, c := range survey.Contracts {
		if c.NoVendor {
			out.Contracts.WithoutVendor++
		}
		if c.NoCost {
			out.Contracts.WithoutCost++
		}
	}
	return out, nil
}

// previewCounts counts records by what the backfill would make of them.
func previewCounts(records []reconcile.Surveyed) v1.PreviewCounts {
	out := v1.PreviewCounts{Total: len(records)}
	because := map[string]int{}
	for _, r := range records {
		switch {
		case !r.Decided:
		case r.Reason == "":
			out.WillSync++
		default:
			out.WillNot++
			because[r.Reason]++
		}
	}
	out.Reasons = ranked(because)
	return out
}

// ranked lists reasons, the most frequent first.
func ranked(because map[string]int) []v1.PreviewReason {
	out := []v1.PreviewReason{}
	for code, n := range because {
		out = append(out, v1.PreviewReason{Code: code, Count: n, Detail: issue.Reason(code)})
	}
	slices.SortFunc(out, func(a, b v1.PreviewReason) int {
		return cmp.Or(cmp.Compare(b.Count, a.Count), cmp.Compare(a.Code, b.Code))
	})
	return out
}

// Preview says what a change of options would do to the records that are known,
// from Autotask's fresh state. It changes nothing.
func (m *Manager) Preview(ctx context.Context, id string, req v1.UpdateInstallation) (v1.Preview, error) {
	out := v1.Preview{Sample: []v1.PreviewRecord{}}
	in, err := m.mine(id)
	if err != nil || req.Options == nil {
		return out, err
	}
	rt, err := m.atWork(in)
	if err != nil {
		return out, err
	}
	if err := m.resolveNames(ctx, in, req); err != nil {
		return out, err
	}
	in.Options = *req.Options
	for _, kind := range kindsOf(in.InstalledSyncs()) {
		err := m.eachKnown(ctx, rt, in, kind, func(l reconcile.Preview) {
			effect := effectOf(l)
			switch effect {
			case "":
				return
			case "enter":
				out.Enter++
			case "leave":
				out.Leave++
			case "change":
				out.Change++
			}
			if len(out.Records) < mostPreviewed {
				p := v1.PreviewRecord{Kind: kind, ID: strconv.FormatInt(l.ID, 10), Name: l.Name, Effect: effect}
				if effect == "change" {
					p.Differences = v1.Differences(l.Before.Projection, l.Projection)
				}
				out.Records = append(out.Records, p)
			}
		})
		if err != nil {
			return out, cannotAsk(err)
		}
	}
	out.Sample = out.Records[:min(len(out.Records), sampleSize)]
	return out, nil
}

const (
	sampleSize    = 20
	mostPreviewed = 5000
)

func effectOf(l reconcile.Preview) string {
	switch {
	case l.Failure != "":
		return ""
	case l.Decision.Met && !l.Before.InScope:
		if l.Before.Outcome == v1.OutcomeDead || l.Before.Outcome == v1.OutcomeRetrying {
			return "" // it is meant to be there already, and no option keeps it out
		}
		return "enter"
	case !l.Decision.Met && l.Before.InScope:
		return "leave"
	case l.WouldPush(false):
		return "change"
	}
	return ""
}

// eachKnown evaluates every known record of a kind, a batch at a time.
func (m *Manager) eachKnown(ctx context.Context, rt *runtime, in *installation.Installation, kind v1.Kind, fn func(reconcile.Preview)) error {
	ids, err := m.Ledger.Ids(ctx, in.ID, kind)
	if err != nil {
		return fmt.Errorf("list known records: %w", err)
	}
	return rt.evaluate(ctx, in, kind, ids, fn)
}

// evaluate has records evaluated in batches.
func (rt *runtime) evaluate(ctx context.Context, in *installation.Installation, kind v1.Kind, ids []int64, fn func(reconcile.Preview)) error {
	for part := range slices.Chunk(ids, fetch.MaxBatch) {
		evaluated, err := rt.rec.Preview(autotask.WithBulk(ctx), in, kind, part, nil)
		if err != nil {
			return err
		}
		for _, l := range evaluated {
			fn(l)
		}
	}
	return nil
}
