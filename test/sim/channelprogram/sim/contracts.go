package sim

import (
	"slices"
	"time"
)

// upsertContract applies one contract and makes sure that its client exists.
func (c *connection) upsertContract(in ContractInput, u upsert) ItemResult {
	in.Lifecycle, in.ArchivedReason = lifecycle(in.Lifecycle, in.ArchivedReason)
	if p := c.currencyProblem(in.OverallCost, u.at); p != nil {
		return u.rejected(p)
	}
	stored := c.contracts[u.externalID]
	if stored != nil && in.Source.ObservedAt.Before(stored.Data.Source.ObservedAt) {
		return u.result(OutcomeStale, stored.TargetID, stored.Revision, nil)
	}
	client, renamed, ambiguous := c.ensureClient(in, u.now)
	if ambiguous {
		return u.rejected(ambiguousName(u.at+"/client/name", in.Client.Name))
	}
	if stored == nil {
		stored = &Contract{
			TargetID: c.newID("ct"), ExternalID: u.externalID, ClientID: client.TargetID,
			Data: in, Revision: 1, UpdatedAt: u.now,
		}
		c.contracts[u.externalID] = stored
		c.contractOrder = append(c.contractOrder, stored)
		if in.Lifecycle == LifecycleArchived {
			return u.result(OutcomeArchived, stored.TargetID, stored.Revision, nil)
		}
		return u.result(OutcomeCreated, stored.TargetID, stored.Revision, nil)
	}
	stored.ClientID = client.TargetID
	changed := stored.replace(in, u.now)
	if renamed && !slices.Contains(changed, "client") {
		changed = append([]string{"client"}, changed...)
	}
	return u.result(changeOutcome(changed, in.Lifecycle), stored.TargetID, stored.Revision, changed)
}

// ensureClient finds, links or creates the client of a contract. The contract
// may set the client's name until the client is first upserted in full, and
// nothing else of it, ever.
func (c *connection) ensureClient(in ContractInput, now time.Time) (client *Client, renamed, ambiguous bool) {
	client = c.clients[in.Client.ExternalID]
	if client == nil {
		if client, _, ambiguous = c.adopt(in.Client.ExternalID, in.Client.Name); client != nil {
			client.Data.Source = in.Source
			client.Revision++
			client.UpdatedAt = now
		}
	}
	switch {
	case ambiguous:
		return nil, false, true
	case client == nil:
		data := ClientInput{
			Name: in.Client.Name, Lifecycle: LifecycleActive, Source: in.Source,
			Emails: []Labelled{}, Phones: []Labelled{}, Websites: []Labelled{},
		}
		return c.addClient(in.Client.ExternalID, data, now), false, false
	case client.Full || client.Data.Name == in.Client.Name:
		return client, false, false
	}
	client.Data.Name, client.Data.Source = in.Client.Name, in.Source
	client.Revision++
	client.UpdatedAt = now
	return client, true, false
}

func (c *connection) currencyProblem(cost *Money, at string) *Problem {
	if cost == nil || len(c.Currencies) == 0 || slices.Contains(c.Currencies, cost.Currency) {
		return nil
	}
	return refusal(CodeCurrencyUnsupported, at+"/overallCost/currency",
		"this account takes no "+cost.Currency)
}

func (c *Contract) replace(in ContractInput, now time.Time) []string {
	old := c.Data
	var changed []string
	note := func(field string, same bool) {
		if !same {
			changed = append(changed, field)
		}
	}
	note("client", old.Client == in.Client)
	note("vendorName", old.VendorName == in.VendorName)
	note("vendorNameDefaulted", old.VendorNameDefaulted == in.VendorNameDefaulted)
	note("name", equalText(old.Name, in.Name))
	note("overallCost", old.OverallCost.equal(in.OverallCost))
	note("lifecycle", old.Lifecycle == in.Lifecycle)
	note("archivedReason", old.ArchivedReason == in.ArchivedReason)
	c.Data = in
	if len(changed) > 0 {
		c.Revision++
		c.UpdatedAt = now
	}
	return changed
}

func equalText(a, b *string) bool {
	if a == nil || b == nil {
		return a == b
	}
	return *a == *b
}
