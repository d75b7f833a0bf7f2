package sim

import (
	"fmt"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"time"
)

// Sim is one Channel Program with any number of connections. All its methods
// may be called at any time, from any goroutine.
type Sim struct {
	config   Config
	schema   schema
	faults   *faults
	stats    *counters
	requests atomic.Int64

	mu    sync.RWMutex
	conns map[string]*connection
}

// New makes a simulator. It fails if a connection or a limit makes no sense.
func New(config Config) (*Sim, error) {
	if err := config.complete(); err != nil {
		return nil, err
	}
	s := &Sim{
		config: config,
		schema: newSchema(config.MaxBatch),
		faults: newFaults(config.Seed),
		stats:  newCounters(),
		conns:  make(map[string]*connection),
	}
	for _, c := range config.Connections {
		if err := s.AddConnection(c); err != nil {
			return nil, err
		}
	}
	return s, nil
}

// Close ends every request that a fault holds back, without an answer.
func (s *Sim) Close() { s.ClearFaults() }

// AddConnection installs one more source.
func (s *Sim) AddConnection(c Connection) error {
	if err := c.complete(); err != nil {
		return err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if _, ok := s.conns[c.ID]; ok {
		return fmt.Errorf("add connection %s: it exists", c.ID)
	}
	s.conns[c.ID] = newConnection(c, &s.config)
	return nil
}

// SetState pauses, uninstalls or reactivates a connection.
func (s *Sim) SetState(conn, state string) error {
	if err := checkState(state); err != nil {
		return err
	}
	return s.with(conn, func(c *connection) error {
		c.State = state
		return nil
	})
}

// SetTokens replaces the live tokens of a connection: one, or two during a rotation.
func (s *Sim) SetTokens(conn, token, oldToken string) error {
	if token == "" {
		return fmt.Errorf("set tokens of %s: the token is empty", conn)
	}
	return s.with(conn, func(c *connection) error {
		c.Token, c.OldToken = token, oldToken
		return nil
	})
}

// Connections lists the connections by id.
func (s *Sim) Connections() []Connection {
	s.mu.RLock()
	defer s.mu.RUnlock()
	list := make([]Connection, 0, len(s.conns))
	for _, c := range s.conns {
		c.mu.Lock()
		list = append(list, c.Connection)
		c.mu.Unlock()
	}
	slices.SortFunc(list, func(a, b Connection) int { return strings.Compare(a.ID, b.ID) })
	return list
}

// Client is one client of a connection by its external id.
func (s *Sim) Client(conn, externalID string) (Client, bool) {
	var found Client
	var ok bool
	_ = s.with(conn, func(c *connection) error {
		if stored := c.clients[externalID]; stored != nil {
			found, ok = stored.copy(), true
		}
		return nil
	})
	return found, ok
}

// Clients lists the clients of a connection, unlinked ones too, oldest first.
func (s *Sim) Clients(conn string) []Client {
	var list []Client
	_ = s.with(conn, func(c *connection) error {
		for _, stored := range c.clientOrder {
			list = append(list, stored.copy())
		}
		return nil
	})
	return list
}

// Contract is one contract of a connection by its external id.
func (s *Sim) Contract(conn, externalID string) (Contract, bool) {
	var found Contract
	var ok bool
	_ = s.with(conn, func(c *connection) error {
		if stored := c.contracts[externalID]; stored != nil {
			found, ok = stored.copy(), true
		}
		return nil
	})
	return found, ok
}

// Contracts lists the contracts of a connection, oldest first.
func (s *Sim) Contracts(conn string) []Contract {
	var list []Contract
	_ = s.with(conn, func(c *connection) error {
		for _, stored := range c.contractOrder {
			list = append(list, stored.copy())
		}
		return nil
	})
	return list
}

func (s *Sim) find(id string) (*connection, bool) {
	s.mu.RLock()
	defer s.mu.RUnlock()
	c, ok := s.conns[id]
	return c, ok
}

// with runs do while it holds the connection.
func (s *Sim) with(id string, do func(*connection) error) error {
	c, ok := s.find(id)
	if !ok {
		return fmt.Errorf("find connection %s: there is none", id)
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	return do(c)
}

func (s *Sim) now() time.Time { return s.config.Now() }

func (s *Sim) requestID() string { return fmt.Sprintf("req_%08d", s.requests.Add(1)) }
