package control

import (
	"context"
	"fmt"
	"time"

	v1 "channelsync/api/v1"
	"channelsync/internal/gate"
	"channelsync/sync/choice"
	"channelsync/sync/installation"
)

// choicesKept is how long what a tenant has to choose from is not asked for again.
const choicesKept = 5 * time.Minute

// choices is what was asked last of an installation.
type choices struct {
	gate gate.Gate // guards what follows, across the question
	read v1.Choices
	at   time.Time
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
