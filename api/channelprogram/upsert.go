package channelprogram

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
)

func put[T ClientInput | ContractInput](ctx context.Context, c *Client, u upserts, item Item[T]) (ItemResult, error) {
	none := ItemResult{ExternalID: item.ExternalID}
	e, err := encode(u.put, item)
	if err != nil {
		return none, err
	}
	var res ItemResult
	r := request{operation: u.put, method: http.MethodPut, path: []string{u.collection, e.id}, body: e.data}
	if err := c.call(ctx, r, &res, func() string { return wrong(res, e) }); err != nil {
		return none, err
	}
	return res, res.Err() // an item that was answered but not taken gives both
}

// wrong says how a result breaks the contract, "" when it does not.
func wrong(res ItemResult, e encoded) string {
	if !res.Outcome.known() {
		return fmt.Sprintf("outcome is %q", clean(string(res.Outcome), maxCode))
	}
	return sameID(e.id, res.ExternalID)
}

func upsert[T ClientInput | ContractInput](ctx context.Context, c *Client, u upserts, items []Item[T]) ([]ItemResult, error) {
	if len(items) == 0 {
		return nil, nil
	}
	batch := make([]encoded, len(items))
	for i, item := range items {
		var err error
		if batch[i], err = encode(u.batch, item); err != nil {
			return nil, err
		}
	}
	return c.post(ctx, u, batch)
}

func encode[T ClientInput | ContractInput](operation string, item Item[T]) (encoded, error) {
	if !validExternalID(item.ExternalID) {
		return encoded{}, invalidID(operation, item.ExternalID)
	}
	data, err := json.Marshal(item.Data)
	if err != nil {
		return encoded{}, fmt.Errorf("%s: encode input %s: %w", operation, item.ExternalID, err)
	}
	return encoded{item.ExternalID, data}, nil
}
