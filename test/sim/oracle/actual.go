package oracle

import channelprogram "channelsync/test/sim/channelprogram/sim"

// Actual is what a connection of the simulated Channel Program holds of a source. Clients that no source is linked to,
// target ids, revisions, the source's times and the fields that are the target's own are left out.
func Actual(cp *channelprogram.Sim, connection string) State {
	state := State{Clients: map[string]Client{}, Contracts: map[string]Contract{}}
	for _, c := range cp.Clients(connection) {
		if c.ExternalID == "" {
			continue
		}
		state.Clients[c.ExternalID] = Client{
			Full:     c.Full,
			Name:     c.Data.Name,
			Address:  c.Data.Address,
			Emails:   values(c.Data.Emails),
			Phones:   values(c.Data.Phones),
			Websites: values(c.Data.Websites),
			Archived: c.Data.Lifecycle == channelprogram.LifecycleArchived,
		}
	}
	for _, c := range cp.Contracts(connection) {
		state.Contracts[c.ExternalID] = Contract{
			ClientID:            c.Data.Client.ExternalID,
			ClientName:          c.Data.Client.Name,
			VendorName:          c.Data.VendorName,
			VendorNameDefaulted: c.Data.VendorNameDefaulted,
			Name:                c.Data.Name,
			OverallCost:         c.Data.OverallCost,
			Archived:            c.Data.Lifecycle == channelprogram.LifecycleArchived,
		}
	}
	return state
}

func values(list []channelprogram.Labelled) []string {
	var plain []string
	for _, l := range list {
		plain = append(plain, l.Value)
	}
	return plain
}
