package sim

import (
	"fmt"
	"math/rand/v2"
	"net/http"
	"slices"
	"sync"
	"time"
)

// FaultKind is a way to misbehave.
type FaultKind string

// The kinds of faults.
const (
	FaultRateLimited     FaultKind = "rate_limited"     // 429; RetryAfter seconds
	FaultUnavailable     FaultKind = "unavailable"      // 503; RetryAfter seconds
	FaultServerError     FaultKind = "server_error"     // 500 without a body
	FaultUnauthenticated FaultKind = "unauthenticated"  // 401
	FaultSubscription    FaultKind = "subscription"     // 402
	FaultForbidden       FaultKind = "forbidden"        // 403
	FaultPaused          FaultKind = "paused"           // 409; the handshake answers and says so
	FaultUninstalled     FaultKind = "uninstalled"      // 410; the handshake answers and says so
	FaultAnswer          FaultKind = "answer"           // Status, ContentType and Body as they stand, nothing stored: a firewall's page, say
	FaultHang            FaultKind = "hang"             // no answer, nothing stored, until the caller or the fault goes
	FaultReset           FaultKind = "connection_reset" // the connection is cut, nothing stored
	FaultSlow            FaultKind = "slow"             // DelayMillis before the work is done
	FaultLostResponse    FaultKind = "lost_response"    // a write is stored, then the connection is cut
	FaultLateResponse    FaultKind = "late_response"    // a write is stored, and answered DelayMillis later
	FaultFailItems       FaultKind = "fail_items"       // the records end failed; Code, Detail, Permanent
	FaultRejectItems     FaultKind = "reject_items"     // the records end rejected; Code, Pointer, Detail
	FaultEmptyResults    FaultKind = "empty_results"    // a batch is stored and answered 207 with no results
	FaultWrongCount      FaultKind = "wrong_count"      // a batch is stored and answered 207 with one result less
)

// Fault is misbehaviour on request. It goes on until it is cleared, unless Next bounds it.
type Fault struct {
	ID          string    `json:"id,omitempty"` // given by SetFault
	Kind        FaultKind `json:"kind"`
	Connection  string    `json:"connection,omitempty"`  // empty = every one
	Operation   string    `json:"operation,omitempty"`   // an operationId, "writes" or "reads"; empty = every one
	ExternalIDs []string  `json:"externalIds,omitempty"` // requests that carry one of them; for items: exactly them
	Contains    string    `json:"contains,omitempty"`    // writes with a record that has this text in a value; for items: exactly them
	MinRecords  int       `json:"minRecords,omitempty"`  // writes of so many records or more
	Next        int       `json:"next,omitempty"`        // how many requests (or items) it hits; 0 = until cleared
	Probability float64   `json:"probability,omitempty"` // above 0, up to 1; 0 = always
	RetryAfter  int       `json:"retryAfter,omitempty"`  // seconds; 0 sends none
	DelayMillis int       `json:"delayMillis,omitempty"`
	Code        string    `json:"code,omitempty"`
	Pointer     string    `json:"pointer,omitempty"` // inside the record, e.g. /name
	Detail      string    `json:"detail,omitempty"`
	Permanent   bool      `json:"permanent,omitempty"` // failed items say retryable: false
	Status      int       `json:"status,omitempty"`    // of an answer
	ContentType string    `json:"contentType,omitempty"`
	Body        string    `json:"body,omitempty"`
}

type faultClass int

const (
	classWhole faultClass = iota + 1 // decides the whole request before anything is done
	classDelay
	classItems
	classShape // spoils the answer after everything is done
)

// faultTable says how each kind works; status and code are of kinds that answer with a problem.
var faultTable = map[FaultKind]struct {
	class  faultClass
	status int
	code   string
}{
	FaultRateLimited:     {classWhole, http.StatusTooManyRequests, CodeQuotaExceeded},
	FaultUnavailable:     {classWhole, http.StatusServiceUnavailable, CodeUnavailable},
	FaultServerError:     {classWhole, http.StatusInternalServerError, ""},
	FaultUnauthenticated: {classWhole, http.StatusUnauthorized, CodeUnauthenticated},
	FaultSubscription:    {classWhole, http.StatusPaymentRequired, CodeSubscriptionRequired},
	FaultForbidden:       {classWhole, http.StatusForbidden, CodeForbidden},
	FaultPaused:          {classWhole, http.StatusConflict, CodeConnectionPaused},
	FaultUninstalled:     {classWhole, http.StatusGone, CodeConnectionUninstalled},
	FaultAnswer:          {class: classWhole},
	FaultHang:            {class: classWhole},
	FaultReset:           {class: classWhole},
	FaultSlow:            {class: classDelay},
	FaultLostResponse:    {class: classShape},
	FaultLateResponse:    {class: classShape},
	FaultFailItems:       {class: classItems},
	FaultRejectItems:     {class: classItems},
	FaultEmptyResults:    {class: classShape},
	FaultWrongCount:      {class: classShape},
}

// faults holds the faults that are set, and decides by dice and counters which request they hit.
type faults struct {
	mu     sync.Mutex
	dice   *rand.Rand
	active []*activeFault
	serial int
}

type activeFault struct {
	Fault
	bounded bool
	cleared chan struct{} // closed when it is cleared: what it holds back goes on
}

// plan is what the faults decided for one request.
type plan struct {
	request *activeFault
	shape   *activeFault
	delay   time.Duration
	items   map[string]Fault // by external id
}

func newFaults(seed uint64) *faults { return &faults{dice: rand.New(rand.NewPCG(seed, seed))} }

// SetFault adds a fault and returns its id.
func (s *Sim) SetFault(f Fault) (string, error) { return s.faults.set(f) }

// Faults lists the faults that may still hit something.
func (s *Sim) Faults() []Fault { return s.faults.list() }

// ClearFault ends one fault and releases what it holds back. It reports whether there was one.
func (s *Sim) ClearFault(id string) bool {
	return s.faults.clear(func(f *activeFault) bool { return f.ID == id })
}

// ClearFaults ends every fault and releases what they hold back.
func (s *Sim) ClearFaults() { s.faults.clear(func(*activeFault) bool { return true }) }

func (fs *faults) set(f Fault) (string, error) {
	kind, ok := faultTable[f.Kind]
	switch {
	case !ok:
		return "", fmt.Errorf("set fault: no kind is called %q", f.Kind)
	case f.Probability < 0 || f.Probability > 1:
		return "", fmt.Errorf("set fault %s: probability %v, want 0 to 1", f.Kind, f.Probability)
	case f.Next < 0 || f.RetryAfter < 0 || f.DelayMillis < 0 || f.MinRecords < 0:
		return "", fmt.Errorf("set fault %s: next, retryAfter, delayMillis and minRecords cannot be negative", f.Kind)
	case f.Kind == FaultAnswer && (f.Status < 200 || f.Status > 599):
		return "", fmt.Errorf("set fault %s: status %d, want 200 to 599", f.Kind, f.Status)
	case (kind.class == classDelay || f.Kind == FaultLateResponse) && f.DelayMillis == 0:
		return "", fmt.Errorf("set fault %s: delayMillis is missing", f.Kind)
	}
	fs.mu.Lock()
	defer fs.mu.Unlock()
	fs.serial++
	f.ID = fmt.Sprintf("fault_%d", fs.serial)
	f.ExternalIDs = slices.Clone(f.ExternalIDs)
	fs.active = append(fs.active, &activeFault{Fault: f, bounded: f.Next > 0, cleared: make(chan struct{})})
	return f.ID, nil
}

func (fs *faults) list() []Fault {
	fs.mu.Lock()
	defer fs.mu.Unlock()
	list := []Fault{}
	for _, f := range fs.active {
		if !f.spent() {
			list = append(list, f.Fault)
		}
	}
	return list
}

func (fs *faults) clear(which func(*activeFault) bool) bool {
	fs.mu.Lock()
	defer fs.mu.Unlock()
	before := len(fs.active)
	fs.active = slices.DeleteFunc(fs.active, func(f *activeFault) bool {
		if !which(f) {
			return false
		}
		close(f.cleared)
		return true
	})
	return len(fs.active) < before
}
