package sim

import (
	"crypto/subtle"
	"fmt"
	"net/http"
	"sync"
	"time"
)

// connection is a Connection with all that it holds; mu guards everything below it.
type connection struct {
	mu sync.Mutex
	Connection

	clients       map[string]*Client // by external id
	clientOrder   []*Client          // unlinked ones too
	unlinked      map[string][]*Client
	contracts     map[string]*Contract // by external id
	contractOrder []*Contract
	nextID        int

	keys    *keyStore
	flights *flights
	history *history
	quota   quota
}

// Client is a client as the target holds it.
type Client struct {
	TargetID   string      `json:"targetId"`
	ExternalID string      `json:"externalId"` // empty: not linked to any source
	Full       bool        `json:"full"`       // it was put or batch-upserted; else only its name is known
	Data       ClientInput `json:"data"`
	ObservedAt time.Time   `json:"observedAt"` // of the last full upsert; zero if there was none
	Revision   int         `json:"revision"`
	UpdatedAt  time.Time   `json:"updatedAt"`
	Industry   string      `json:"industry"`  // the target's own: no sync touches it
	Endpoints  int         `json:"endpoints"` // the target's own
}

// Contract is a contract as the target holds it.
type Contract struct {
	TargetID   string        `json:"targetId"`
	ExternalID string        `json:"externalId"`
	ClientID   string        `json:"clientId"` // target id of its client
	Data       ContractInput `json:"data"`
	Revision   int           `json:"revision"`
	UpdatedAt  time.Time     `json:"updatedAt"`
}

func newConnection(c Connection, config *Config) *connection {
	conn := &connection{
		Connection: c,
		keys:       newKeyStore(),
		flights:    newFlights(),
		history:    newHistory(config.History),
		quota:      quota{most: config.Quota, window: config.QuotaWindow},
	}
	conn.wipe()
	return conn
}

// wipe forgets the data and the stored answers about it, not the history.
func (c *connection) wipe() {
	c.clients = make(map[string]*Client)
	c.clientOrder = nil
	c.unlinked = make(map[string][]*Client)
	c.contracts = make(map[string]*Contract)
	c.contractOrder = nil
	c.keys = newKeyStore()
}

func (c *connection) newID(prefix string) string {
	c.nextID++
	return fmt.Sprintf("%s_%06d", prefix, c.nextID)
}

func (c *connection) accepts(token string) bool {
	same := func(live string) bool {
		return live != "" && subtle.ConstantTimeCompare([]byte(live), []byte(token)) == 1
	}
	return same(c.Token) || same(c.OldToken)
}

// closed is the refusal of a connection that is not active.
func (c *connection) closed() *Problem {
	switch c.State {
	case StatePaused:
		return newProblem(http.StatusConflict, CodeConnectionPaused, "connection %s is paused", c.ID)
	case StateUninstalled:
		return newProblem(http.StatusGone, CodeConnectionUninstalled, "connection %s was uninstalled", c.ID)
	default:
		return nil
	}
}

// copy shares no memory with the stored client, so that a caller may keep it.
func (c *Client) copy() Client {
	out := *c
	out.Data = c.Data.copy()
	return out
}

func (c *Contract) copy() Contract {
	out := *c
	if c.Data.Name != nil {
		out.Data.Name = new(*c.Data.Name)
	}
	if c.Data.OverallCost != nil {
		out.Data.OverallCost = new(*c.Data.OverallCost)
	}
	return out
}

func (in ClientInput) copy() ClientInput {
	in.Emails = append([]Labelled{}, in.Emails...)
	in.Phones = append([]Labelled{}, in.Phones...)
	in.Websites = append([]Labelled{}, in.Websites...)
	if in.Address != nil {
		in.Address = new(*in.Address)
	}
	return in
}
