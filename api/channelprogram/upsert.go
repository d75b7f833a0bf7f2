package channelprogram

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"

	"go.uber.org/zap"

	v1 "channelsync/api/v1"
)

func put[T ClientInput | ContractInput](ctx context.Context, c *Client, u upserts, item Item[T]) (ItemResult, error) {
	if !validExternalID(item.ExternalID) {
		return ItemResult{ExternalID: item.ExternalID}, invalidID(u.put, item.ExternalID)
	}
	data, err := json.Marshal(item.Data)
	if err != nil {
		return ItemResult{ExternalID: item.ExternalID}, fmt.Errorf("%s: encode input: %w", u.put, err)
	}
	return c.putOne(ctx, u, encoded{id: item.ExternalID, data: data})
}

// putOne sends one item alone. An item that was answered but not taken gives
// both: the target's result, and its error.
func (c *Client) putOne(ctx context.Context, u upserts, e encoded) (ItemResult, error) {
	var res ItemResult
	r := request{
		operation: u.put, method: http.MethodPut, path: []string{u.collection, e.id}, body: e.data, timeout: c.single,
	}
	err := c.call(ctx, r, &res, func() string { return wrong(res, e) })
	if err != nil {
		return ItemResult{ExternalID: e.id}, err
	}
	return res, res.Err()
}

// wrong says how a result breaks the contract, "" when it does not.
func wrong(res ItemResult, e encoded) string {
	if !res.Outcome.known() {
		return fmt.Sprintf("outcome is %q", clean(string(res.Outcome), maxCode))
	}
	return sameID(e.id, res.ExternalID)
}

func upsert[T ClientInput | ContractInput](
	ctx context.Context, c *Client, u upserts, items []Item[T],
) ([]ItemResult, error) {
	s := sending{client: c, of: u, results: make([]ItemResult, len(items))}
	ready := make([]encoded, 0, len(items))
	for i, item := range items {
		s.results[i].ExternalID = item.ExternalID
		if !validExternalID(item.ExternalID) {
			s.fail(encoded{place: i, id: item.ExternalID}, invalidID(u.batch, item.ExternalID))
			continue
		}
		data, err := json.Marshal(item.Data)
		if err != nil {
			return s.results, fmt.Errorf("%s: encode input %s: %w", u.batch, item.ExternalID, err)
		}
		ready = append(ready, encoded{place: i, id: item.ExternalID, data: data})
	}
	for _, chunk := range chunks(ready, *c.limits.Load()) {
		if err := s.send(ctx, chunk); err != nil {
			return s.results, err
		}
	}
	return s.results, nil
}

// sending is one upsert under way.
type sending struct {
	client  *Client
	of      upserts
	results []ItemResult
}

// send delivers a chunk and fills in its results. The error is of the road or
// of the context; everything else belongs to the items.
//
// 413 and 422 of a whole batch stored nothing, so halving it finds the item
// that is to blame and costs the others nothing.
func (s *sending) send(ctx context.Context, chunk []encoded) error {
	if len(chunk) == 1 {
		return s.alone(ctx, chunk[0], false)
	}
	results, err := s.post(ctx, chunk)
	if err == nil {
		for i, e := range chunk {
			s.results[e.place] = results[i]
		}
		return nil
	}
	e, ok := errors.AsType[*Error](err)
	switch {
	case !ok:
		return err
	case e.Kind == KindBreach:
		return s.singly(ctx, chunk, e)
	case e.Kind.OfTheRoad():
		return err
	case e.Status == http.StatusRequestEntityTooLarge, e.Status == http.StatusUnprocessableEntity:
		half := len(chunk) / 2
		if err := s.send(ctx, chunk[:half]); err != nil {
			return err
		}
		return s.send(ctx, chunk[half:])
	}
	for _, one := range chunk {
		s.fail(one, e)
	}
	return nil
}

// singly repeats a batch whose answer cannot be matched to its items. Some may
// be stored already; a PUT of the same content is then unchanged.
func (s *sending) singly(ctx context.Context, chunk []encoded, e *Error) error {
	s.client.log.Warn("Channel Program's batch answer breaks the contract, sending its records singly",
		zap.String(v1.LogOperation, e.Operation), zap.Int(v1.LogCount, len(chunk)), zap.String(v1.LogCause, e.Detail))
	for _, one := range chunk {
		if err := s.alone(ctx, one, true); err != nil {
			return err
		}
	}
	return nil
}

func (s *sending) alone(ctx context.Context, one encoded, breach bool) error {
	res, err := s.client.putOne(ctx, s.of, one)
	e, typed := errors.AsType[*Error](err)
	switch {
	case err == nil, typed && res.Outcome != "": // answered as an item
		s.results[one.place] = res
	case !typed || e.Kind.OfTheRoad():
		return err
	default:
		s.fail(one, e)
	}
	s.results[one.place].Breach = breach
	return nil
}

// fail gives an item the error of the request that carried it.
func (s *sending) fail(one encoded, e *Error) {
	outcome := OutcomeRejected
	if e.Kind == KindFailed {
		outcome = OutcomeFailed
	}
	s.results[one.place] = ItemResult{ExternalID: one.id, Outcome: outcome, Failure: e}
}
