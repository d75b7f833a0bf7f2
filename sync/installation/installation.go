// Package installation keeps the installations: one MSP's Autotask connected to
// one Channel Program company, with its syncs, options, registrations and
// (sealed) credentials. It holds and stores; it starts nothing and calls nobody
// outside. sync/control, sync/reconcile and sync/watch read and change them.
package installation

import (
	"maps"
	"slices"
	"time"

	v1 "channelsync/api/v1"
	"channelsync/sync/coverage"
)

// Installation is everything we keep of one; all of it is sealed when stored.
type Installation struct {
	ID        string                    `json:"id"`
	Name      string                    `json:"name"`
	Zone      v1.Zone                   `json:"zone"`
	Syncs     map[v1.Sync]*SyncSettings `json:"syncs"`
	Options   v1.Options                `json:"options"`
	CreatedAt time.Time                 `json:"createdAt"`

	Stopped     bool `json:"stopped,omitempty"`
	Uninstalled bool `json:"uninstalled,omitempty"`
	// Refused says that Autotask refused the credentials: no call is made until they are replaced (lock-out).
	Refused    bool   `json:"refused,omitempty"`
	RefusedFor string `json:"refusedFor,omitempty"` // what Autotask said

	// MassChangeApproved is when an operator last let a mass change through.
	MassChangeApproved time.Time `json:"massChangeApproved"`

	ConnectionID string `json:"connectionId"`
	// Switches is when another account of Channel Program was connected each time, the last one last.
	// What was sent to an account before is no knowledge of the one that is connected now.
	Switches []time.Time `json:"switches,omitempty"`
	// Erased is when what was kept of records of a kind was erased last.
	Erased        map[v1.Kind]time.Time `json:"erased,omitempty"`
	Registrations []Registration        `json:"registrations,omitempty"`
	PendingJobs   []PendingJob          `json:"owed,omitempty"`
	Cursors       Cursors               `json:"cursors"`

	Secrets Secrets `json:"-"`
}

// PendingJob is a job that was decided and may not have been started yet. It is stored with
// the change that it follows from, so that a crash between the two loses neither.
type PendingJob struct {
	Type  string    `json:"type"` // of the job package
	Kinds []v1.Kind `json:"kinds"`
	Force bool      `json:"force,omitempty"`
	By    string    `json:"by,omitempty"` // who made the change that it follows from
}

// Equal says that two stand for the same job.
func (o PendingJob) Equal(other PendingJob) bool {
	return o.Type == other.Type && o.Force == other.Force && slices.Equal(o.Kinds, other.Kinds)
}

// SyncSettings is the state of one sync that is or was installed.
type SyncSettings struct {
	InstalledAt time.Time `json:"installedAt"`
	Stopped     bool      `json:"stopped,omitempty"`
	Uninstalled bool      `json:"uninstalled,omitempty"`
}

// Secrets are what must never be shown.
type Secrets struct {
	Username           string            `json:"username"`
	Secret             string            `json:"secret"`
	TrackingIdentifier string            `json:"trackingIdentifier"`
	Token              string            `json:"token"`
	Webhooks           map[string]Signer `json:"webhooks,omitempty"` // by Registration.Entity
}

// Signer holds what callbacks of one registration may be signed with: one secret, or two while rotating. Of a
// registration that was removed only the previous one is left.
type Signer struct {
	Current  string    `json:"current,omitempty"`
	Previous string    `json:"previous,omitempty"`
	Until    time.Time `json:"until"` // the previous one is valid until then
}

// Cursors remember how far the watchers have read, as stamps of Autotask's own clock.
type Cursors struct {
	Companies time.Time `json:"companies"`
	Contacts  time.Time `json:"contacts"`
	Contracts time.Time `json:"contracts"`
	Catalogue time.Time `json:"catalogue"`
	Sweep     time.Time `json:"sweep"`

	// Parts is when the rows that hang on contracts were all read first; from then on
	// PartsCompared says when those of each contract were compared, and PartsRequests
	// what that took of the hour.
	Parts         time.Time          `json:"parts"`
	PartsCompared coverage.Coverage  `json:"partsCompared,omitzero"`
	PartsRequests coverage.Allowance `json:"partsRequests,omitzero"`
}

// mostSwitches are remembered.
const mostSwitches = 100

// Switched notes that another account is connected from now on.
func (in *Installation) Switched(at time.Time) {
	in.Switches = append(slices.Clone(in.Switches), at.UTC().Round(0))
	in.Switches = in.Switches[max(0, len(in.Switches)-mostSwitches):]
}

// ConnectedAt is since when the account is connected that is now; zero: always.
func (in *Installation) ConnectedAt() time.Time {
	if n := len(in.Switches); n > 0 {
		return in.Switches[n-1]
	}
	return time.Time{}
}

// ConnectedUntil is until when an account was, by since when it was; zero: it is.
func (in *Installation) ConnectedUntil(since time.Time) time.Time {
	for _, at := range in.Switches {
		if at.After(since) {
			return at
		}
	}
	return time.Time{}
}

// KnownSince is since when records of a kind are kept: nothing is known of the time before.
func (in *Installation) KnownSince(kind v1.Kind) time.Time {
	if at := in.Erased[kind]; at.After(in.CreatedAt) {
		return at
	}
	return in.CreatedAt
}

// Installed says whether a sync is installed, running or not.
func (in *Installation) Installed(s v1.Sync) bool {
	st := in.Syncs[s]
	return st != nil && !st.Uninstalled && !in.Uninstalled
}

// Running says whether records of a sync are pushed now.
func (in *Installation) Running(s v1.Sync) bool {
	return in.Installed(s) && !in.Stopped && !in.Syncs[s].Stopped
}

// InstalledSyncs lists the installed syncs in the order they are shown.
func (in *Installation) InstalledSyncs() []v1.Sync {
	var out []v1.Sync
	for _, s := range v1.Syncs {
		if in.Installed(s) {
			out = append(out, s)
		}
	}
	return out
}

// SelectedSyncs lists the syncs that were not uninstalled by themselves: what an uninstalled
// installation has when it is reinstalled.
func (in *Installation) SelectedSyncs() []v1.Sync {
	return slices.DeleteFunc(slices.Clone(v1.Syncs), func(s v1.Sync) bool { return in.Syncs[s] == nil || in.Syncs[s].Uninstalled })
}

// Uses says which kinds of change some installed sync wants. Contacts give the
// e-mail addresses, so only the customers sync uses them; companies decide the
// scope of contracts too.
func (in *Installation) Uses() map[v1.Kind]bool {
	customers, contracts := in.Installed(v1.SyncActiveCustomers), in.Installed(v1.SyncActiveCustomerContracts)
	return map[v1.Kind]bool{
		v1.KindCompany:  customers || contracts,
		v1.KindContact:  customers,
		v1.KindContract: contracts,
	}
}

// Valid lists the secrets that a callback of the signer may be signed with at that moment.
func (s Signer) Valid(now time.Time) []v1.Secret {
	var out []v1.Secret
	if s.Current != "" {
		out = append(out, v1.Secret(s.Current))
	}
	if s.Previous != "" && now.Before(s.Until) {
		out = append(out, v1.Secret(s.Previous))
	}
	return out
}

// SameAccount says whether both log in to Autotask as the same user and integration, as
// people read them.
func (in *Installation) SameAccount(username, trackingIdentifier string) bool {
	return v1.Same(in.Secrets.Username, username) && v1.Same(in.Secrets.TrackingIdentifier, trackingIdentifier)
}

// Clone copies deeply, so that what a reader holds never changes under it.
func (in *Installation) Clone() *Installation {
	out := *in
	out.Syncs = map[v1.Sync]*SyncSettings{}
	for k, v := range in.Syncs {
		out.Syncs[k] = new(*v)
	}
	out.Registrations = slices.Clone(in.Registrations)
	out.Secrets.Webhooks = maps.Clone(in.Secrets.Webhooks)
	out.PendingJobs = slices.Clone(in.PendingJobs)
	out.Switches, out.Erased = slices.Clone(in.Switches), maps.Clone(in.Erased)
	out.Cursors.PartsCompared.Spans = slices.Clone(in.Cursors.PartsCompared.Spans)
	out.Cursors.PartsRequests.Used = slices.Clone(in.Cursors.PartsRequests.Used)
	return &out
}
