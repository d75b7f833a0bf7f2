package sim

import (
	"cmp"
	"fmt"
	"regexp"
	"slices"
	"time"
)

// The limits that a simulator has by default.
const (
	defaultMaxBatch     = 100
	defaultMaxBodyBytes = 1 << 20
	defaultQuota        = 1_000_000
	defaultQuotaWindow  = time.Minute
	defaultHistory      = 100_000
	idempotencyTTL      = 24 * time.Hour
)

// The two syncs a connection may have enabled.
const (
	SyncActiveCustomers         = "active_customers"
	SyncActiveCustomerContracts = "active_customer_contracts"
)

// The states of a connection.
const (
	StateActive      = "active"
	StatePaused      = "paused"
	StateUninstalled = "uninstalled"
)

// Config is what a simulator starts with; every zero value has a default.
type Config struct {
	Connections  []Connection
	MaxBatch     int              // inputs of one batch, 1 to 100; default 100
	MaxBodyBytes int64            // default 1 MiB
	Quota        int              // requests of one connection per QuotaWindow before 429; default 1,000,000
	QuotaWindow  time.Duration    // whole seconds; default one minute
	History      int              // pushes remembered per connection, the oldest go first; default 100,000
	Seed         uint64           // of the dice that faults with a probability throw
	Now          func() time.Time // default time.Now; waits of faults always take real time
}

// Connection is one installed source: the MSP's account and the token bound to it.
type Connection struct {
	ID          string   `json:"id"`
	Token       string   `json:"token"`
	OldToken    string   `json:"oldToken,omitempty"`    // a second live token, during a rotation
	AccountName string   `json:"accountName,omitempty"` // default: the id
	Syncs       []string `json:"syncs,omitempty"`       // default: both
	Currencies  []string `json:"currencies,omitempty"`  // the only ones accepted; empty = any
	State       string   `json:"state,omitempty"`       // default: active
}

var (
	connectionIDPattern = regexp.MustCompile(`^[A-Za-z0-9_-]{1,64}$`)
	currencyPattern     = regexp.MustCompile(`^[A-Z]{3}$`)
)

func (c *Config) complete() error {
	c.MaxBatch = cmp.Or(c.MaxBatch, defaultMaxBatch)
	c.MaxBodyBytes = cmp.Or(c.MaxBodyBytes, defaultMaxBodyBytes)
	c.Quota = cmp.Or(c.Quota, defaultQuota)
	c.QuotaWindow = cmp.Or(c.QuotaWindow, defaultQuotaWindow)
	c.History = cmp.Or(c.History, defaultHistory)
	if c.Now == nil {
		c.Now = time.Now
	}
	switch {
	case c.MaxBatch < 1 || c.MaxBatch > defaultMaxBatch:
		return fmt.Errorf("check config: MaxBatch is %d, want 1 to %d", c.MaxBatch, defaultMaxBatch)
	case c.MaxBodyBytes < 1:
		return fmt.Errorf("check config: MaxBodyBytes is %d, want at least 1", c.MaxBodyBytes)
	case c.Quota < 1 || c.QuotaWindow < time.Second:
		return fmt.Errorf("check config: quota is %d per %s, want at least 1 per second", c.Quota, c.QuotaWindow)
	case c.History < 1:
		return fmt.Errorf("check config: History is %d, want at least 1", c.History)
	}
	return nil
}

func (c *Connection) complete() error {
	if !connectionIDPattern.MatchString(c.ID) {
		return fmt.Errorf("check connection: id %q, want %s", c.ID, connectionIDPattern)
	}
	if c.Token == "" {
		return fmt.Errorf("check connection %s: it has no token", c.ID)
	}
	c.AccountName = cmp.Or(c.AccountName, c.ID)
	c.State = cmp.Or(c.State, StateActive)
	if len(c.Syncs) == 0 {
		c.Syncs = []string{SyncActiveCustomers, SyncActiveCustomerContracts}
	}
	for _, name := range c.Syncs {
		if name != SyncActiveCustomers && name != SyncActiveCustomerContracts {
			return fmt.Errorf("check connection %s: no sync is called %q", c.ID, name)
		}
	}
	for _, code := range c.Currencies {
		if !currencyPattern.MatchString(code) {
			return fmt.Errorf("check connection %s: currency %q, want three capitals", c.ID, code)
		}
	}
	return checkState(c.State)
}

func checkState(state string) error {
	if !slices.Contains([]string{StateActive, StatePaused, StateUninstalled}, state) {
		return fmt.Errorf("check connection: no state is called %q", state)
	}
	return nil
}
