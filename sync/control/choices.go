package control

import (
	"context"
	"fmt"
	"time"

	"channelsync/api/autotask"
	v1 "channelsync/api/v1"
	"channelsync/internal/gate"
	"channelsync/sync/choice"
	"channelsync/sync/condition"
	"channelsync/sync/installation"
)

// choicesKept is how long what a tenant has to choose from is not asked for again.
const choicesKept = 5 * time.Minute

// choices is what was asked last of an installation.
type choices struct {
	gate gate.Gate // guards what follows, across the question
	read v1.Choices
	at   time.Time
	// names are the words of a tenant's fields.
	names   condition.Names
	namedAt time.Time
}

// Choices is what the tenant has that the options choose from.
func (m *Manager) Choices(ctx context.Context, id string) (v1.Choices, error) {
	in, err := m.mine(id)
	if err != nil {
		return v1.Choices{}, err
	}
	rt, err := m.atWork(in)
	if err != nil {
		return v1.Choices{}, err
	}
	out, err := rt.askChoices(ctx)
	if err != nil {
		return v1.Choices{}, cannotAsk(err)
	}
	out.Companies, err = m.named(ctx, in)
	return out, err
}

// ChoicesOf is what the tenant of an installation that is to come has, and what its options name. It keeps nothing.
func (m *Manager) ChoicesOf(ctx context.Context, req v1.CreateInstallation, q v1.ChoiceQuery) (v1.SetupChoices, error) {
	in, _, err := m.try(ctx, req)
	if err != nil {
		return v1.SetupChoices{}, err
	}
	out := v1.SetupChoices{Options: in.Options}
	cfg := m.autotaskConfig(in)
	cfg.Share = setupPreviewShare
	client := autotask.New(cfg)
	defer client.Close()
	out.Choices, err = choice.Lists(ctx, client)
	if err == nil && q.Counted {
		err = choice.Count(ctx, client, &out.Choices)
	}
	if err == nil && q.Company != "" {
		out.Companies, err = choice.Companies(ctx, client, q.Company)
	}
	if err != nil {
		return v1.SetupChoices{}, cannotAsk(err)
	}
	return out, nil
}

func (rt *runtime) askChoices(ctx context.Context) (v1.Choices, error) {
	leave, err := rt.choices.gate.Enter(ctx)
	if err != nil {
		return v1.Choices{}, fmt.Errorf("ask for choices: %w", err)
	}
	defer leave()
	if rt.choices.at.IsZero() || rt.m.Now().Sub(rt.choices.at) > choicesKept {
		read, err := choice.Lists(ctx, rt.autotask)
		if err == nil {
			err = choice.Count(ctx, rt.autotask, &read)
		}
		if err != nil {
			return v1.Choices{}, err
		}
		rt.choices.read, rt.choices.at = read, rt.m.Now()
	}
	return rt.choices.read, nil
}

// names are what the tenant calls the values that conditions are about. If Autotask does not answer soon, they are left out: a number
// says less, and the record is what somebody asks about.
func (rt *runtime) names(ctx context.Context) condition.Names {
	asking, done := context.WithTimeout(ctx, rt.m.explains/4)
	defer done()
	leave, err := rt.choices.gate.Enter(asking)
	if err != nil {
		return nil
	}
	defer leave()
	if rt.choices.namedAt.IsZero() || rt.m.Now().Sub(rt.choices.namedAt) > choicesKept {
		read, err := choice.Names(asking, rt.autotask)
		if err != nil {
			return nil
		}
		rt.choices.names, rt.choices.namedAt = read, rt.m.Now()
	}
	return rt.choices.names
}

// named are the companies that the options include or exclude, with the names that are known.
func (m *Manager) named(ctx context.Context, in *installation.Installation) ([]v1.Choice, error) {
	out := []v1.Choice{}
	for _, ids := range [][]int64{in.Options.Include, in.Options.Exclude} {
		found, err := m.Ledger.Read(ctx, in.ID, v1.KindCompany, ids)
		if err != nil {
			return nil, err
		}
		for _, id := range ids {
			if e := found[id]; e != nil && e.Name != "" {
				out = append(out, v1.Choice{ID: id, Name: e.Name})
			}
		}
	}
	return out, nil
}

// resolveNames adds the ids of what a change of options names.
func (m *Manager) resolveNames(ctx context.Context, in *installation.Installation, req v1.UpdateInstallation) error {
	if req.Names.Empty() || req.Options == nil {
		return nil
	}
	rt, err := m.atWork(in)
	if err != nil {
		return err
	}
	if err := choice.Resolve(ctx, rt.autotask, req.Names, req.Options); err != nil {
		return cannotAsk(err)
	}
	return nil
}
