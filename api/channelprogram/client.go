package channelprogram

import (
	"context"
	"fmt"
	"net/http"
	"net/url"
	"sync/atomic"
	"time"

	"go.uber.org/zap"

	"channelsync/api/transport"
	v1 "channelsync/api/v1"
)

// Client speaks to one connection. It is safe for concurrent use and owns no goroutine.
type Client struct {
	base       *url.URL // of the connection
	connection string
	token      v1.Secret
	http       *http.Client
	now        func() time.Time
	log        *zap.Logger
	observe    func(operation, result string, took time.Duration)
	limits     atomic.Pointer[Limits]
	timeout    time.Duration
	hold       func(context.Context) (context.Context, context.CancelFunc, error)
	close      func()
}

// New checks the configuration and touches no network.
func New(c Config) (*Client, error) {
	base, err := c.check()
	if err != nil {
		return nil, err
	}
	closeIdle := func() {}
	if c.Transport == nil {
		own := transport.New()
		c.Transport, closeIdle = own, own.CloseIdleConnections
	}
	client := &Client{
		base:       base.JoinPath("v1", "connections", c.ConnectionID),
		connection: c.ConnectionID,
		token:      c.Token,
		http: &http.Client{
			Transport: c.Transport,
			// The token is for one host only: a redirect is an answer, never followed.
			CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
		},
		now:     c.Now,
		log:     c.Log,
		observe: c.Observe,
		timeout: lower(c.Timeout, Timeout),
		hold:    c.Hold,
		close:   closeIdle,
	}
	if client.now == nil {
		client.now = time.Now
	}
	if client.log == nil {
		client.log = zap.NewNop()
	}
	if client.observe == nil {
		client.observe = func(string, string, time.Duration) {}
	}
	client.limits.Store(&Limits{MaxBatch: DefaultMaxBatch, MaxBodyBytes: DefaultMaxBodyBytes})
	return client, nil
}

// Close lets go of idle connections. Calls under way are ended by their contexts.
func (c *Client) Close() { c.close() }

// Connection is the handshake. It remembers the target's limits for later
// batches. Whether records may be pushed is Connection.Usable.
func (c *Client) Connection(ctx context.Context) (Connection, error) {
	var conn Connection
	r := request{operation: opConnection, method: http.MethodGet}
	err := c.call(ctx, r, &conn, func() string {
		switch conn.State {
		case ConnectionActive, ConnectionPaused, ConnectionUninstalled:
		default:
			return fmt.Sprintf("state is %q", clean(string(conn.State), maxCode))
		}
		if conn.ID != c.connection {
			return fmt.Sprintf("id is %q", clean(conn.ID, maxCode))
		}
		return ""
	})
	if err != nil {
		return Connection{}, err
	}
	c.remember(conn.Limits)
	return conn, nil
}

// remember keeps limits that make sense; what does not stays at the default.
func (c *Client) remember(l Limits) {
	if l.MaxBatch < 1 || l.MaxBatch > DefaultMaxBatch {
		l.MaxBatch = DefaultMaxBatch
	}
	if l.MaxBodyBytes < 1 {
		l.MaxBodyBytes = DefaultMaxBodyBytes
	}
	c.limits.Store(&l)
}

// GetClient reads a client back; KindNotFound when the target has none under the id.
func (c *Client) GetClient(ctx context.Context, externalID string) (StoredClient, error) {
	var stored StoredClient
	err := c.get(ctx, opGetClient, clientUpserts().collection, externalID, &stored, &stored.ExternalID)
	return stored, err
}

// GetContract reads a contract back; KindNotFound when the target has none under the id.
func (c *Client) GetContract(ctx context.Context, externalID string) (StoredContract, error) {
	var stored StoredContract
	err := c.get(ctx, opGetContract, contractUpserts().collection, externalID, &stored, &stored.ExternalID)
	return stored, err
}

func (c *Client) get(ctx context.Context, op, collection, externalID string, out any, answered *string) error {
	if !validExternalID(externalID) {
		return invalidID(op, externalID)
	}
	r := request{operation: op, method: http.MethodGet, path: []string{collection, externalID}}
	return c.call(ctx, r, out, func() string { return sameID(externalID, *answered) })
}

// PutClient creates or updates one client. The error is an *Error (an item that
// the target rejected or failed included), or the context's when it was
// cancelled. The result is the target's, or names the id alone.
func (c *Client) PutClient(ctx context.Context, externalID string, in ClientInput) (ItemResult, error) {
	return put(ctx, c, clientUpserts(), Item[ClientInput]{externalID, in})
}

// PutContract creates or updates one contract, and its client where that is missing. Errors as PutClient.
func (c *Client) PutContract(ctx context.Context, externalID string, in ContractInput) (ItemResult, error) {
	return put(ctx, c, contractUpserts(), Item[ContractInput]{externalID, in})
}

// UpsertClients creates or updates clients with one request; see Cut for how many it
// may carry. It returns one result per item, in their order, or the error of the
// request: then it is not known which of them the target has, and sending them again
// is safe.
func (c *Client) UpsertClients(ctx context.Context, items []Item[ClientInput]) ([]ItemResult, error) {
	return upsert(ctx, c, clientUpserts(), items)
}

// UpsertContracts does the same for contracts.
func (c *Client) UpsertContracts(ctx context.Context, items []Item[ContractInput]) ([]ItemResult, error) {
	return upsert(ctx, c, contractUpserts(), items)
}
