package cli

import (
	"context"
	"slices"
	"strconv"

	"channelsync/api/client"
	v1 "channelsync/api/v1"
	"channelsync/cmd/channelsync/cli/internal/screen"
)

// preview shows what an installation would sync; nothing is kept.
func (s *session) preview(ctx context.Context, api *client.Client, in v1.CreateInstallation) error {
	p, err := api.PreviewInstallation(ctx, in)
	if err != nil {
		return err
	}
	if s.json {
		return s.writeJSON(p)
	}
	t := screen.Table{Header: []string{"KIND", "COUNT", "NOT SYNCED BECAUSE"}}
	add := func(kind v1.Kind, counts v1.PreviewCounts) {
		for _, r := range counts.Reasons {
			t.Add(string(kind), strconv.Itoa(r.Count), r.Detail)
		}
	}
	s.say("%d companies: %d will sync, %d will not.", p.Companies.Total, p.Companies.WillSync, p.Companies.WillNot)
	add(v1.KindCompany, p.Companies)
	if slices.Contains(in.Syncs, v1.SyncActiveCustomerContracts) {
		s.say("%d contracts: %d will sync, %d of them without a vendor and %d without a known cost; %d will not.",
			p.Contracts.Total, p.Contracts.WillSync, p.Contracts.WithoutVendor, p.Contracts.WithoutCost, p.Contracts.WillNot)
		add(v1.KindContract, p.Contracts.PreviewCounts)
	}
	if len(t.Rows) > 0 {
		s.say("")
		if err := s.writeTable(t); err != nil {
			return err
		}
	}
	s.showFixes(p.Checks)
	if !p.Complete {
		s.say("There is more in Autotask than could be read within a minute, or within a tenth of its hourly requests.")
	}
	s.say("Nothing was kept.")
	return nil
}
