package control

import (
	"context"
	"crypto/rand"
	"errors"
	"strings"
	"time"

	"github.com/oklog/ulid/v2"
	"go.uber.org/zap"

	"channelsync/api/autotask"
	"channelsync/api/channelprogram"
	v1 "channelsync/api/v1"
	"channelsync/events/lease"
	"channelsync/sync/choice"
	"channelsync/sync/installation"
	"channelsync/sync/issue"
	"channelsync/sync/job"
	"channelsync/sync/preflight"
)

// Zones lists the zones that may be chosen by name.
func (m *Manager) Zones() []v1.Zone { return m.Hosts.Zones() }

// FindZone asks Autotask which zone a user name belongs to; known is false when it
// has none for it, which happens to valid users too.
func (m *Manager) FindZone(ctx context.Context, username string) (zone v1.Zone, known bool, err error) {
	zone, err = m.Discovery.Discover(ctx, username)
	switch {
	case errors.Is(err, autotask.ErrZoneUnknown):
		return v1.Zone{}, false, nil
	case err != nil:
		return v1.Zone{}, false, preflight.ZoneProblem(err)
	}
	return zone, true, nil
}

// Create tries everything an installation needs and, when all of it works, keeps
// it and starts it. Nothing is kept otherwise.
func (m *Manager) Create(ctx context.Context, req v1.CreateInstallation) (v1.Installation, error) {
	defer m.begin(admitting)()
	if p := m.taken(req.Username, req.TrackingIdentifier.Reveal(), req.ChannelProgram.ConnectionID); p != nil {
		return v1.Installation{}, p // not tried: a wrong secret would count towards the user's lock-out
	}
	in, _, err := m.try(ctx, req)
	if err != nil {
		return v1.Installation{}, err
	}
	in.PendingJobs = []installation.PendingJob{{Type: job.TypeBackfill, Kinds: kindsOf(req.Syncs), By: v1.AskerOf(ctx)}}
	if err := m.keep(ctx, in); err != nil {
		return v1.Installation{}, err
	}
	if m.Cluster != nil {
		m.align(ctx, in.ID) // runs it if it falls to this instance; else another hears of it
	} else {
		m.start(in)
	}
	m.startPendingNow(ctx, in.ID)
	if !m.holds(in.ID) {
		return m.outline(in), nil
	}
	return m.changed(ctx, in.ID)
}

// changed answers a request whose change is stored: that its records cannot be counted now
// is no failure of it.
func (m *Manager) changed(ctx context.Context, id string) (v1.Installation, error) {
	in, err := m.get(id)
	if err != nil {
		return v1.Installation{}, err
	}
	shown, err := m.Get(ctx, id)
	if err != nil {
		m.Log.Warn("an installation was changed, but cannot be shown in full", zap.String(v1.LogInstallation, id), zap.Error(err))
		return m.outline(in), nil
	}
	return shown, nil
}

// admitting is the shard that whoever makes new installations keeps.
const admitting = 0

// keep stores a new installation, unless another request with the same account or
// connection was faster: trying one takes seconds.
func (m *Manager) keep(ctx context.Context, in *installation.Installation) error {
	return m.alone(ctx, func() *v1.Problem {
		if m.Cluster != nil && !m.Cluster.Admits() {
			return v1.Unavailable("Another instance of channelsync makes new installations now.", "Try again; nothing was kept.")
		}
		return m.taken(in.Secrets.Username, in.Secrets.TrackingIdentifier, in.ConnectionID)
	}, func(ctx context.Context) error {
		return m.Store.Create(ctx, in)
	}, func(ctx context.Context) error {
		if err := m.Store.Leave(ctx, in.ID); err != nil {
			return err
		}
		return m.finishErasing(ctx, in.ID)
	})
}

// taken is the 409 of what a new installation would have and another one has.
func (m *Manager) taken(username, trackingIdentifier, connection string) *v1.Problem {
	if p := m.accountTaken("", username, trackingIdentifier); p != nil {
		return p
	}
	return m.connectionTaken("", connection)
}

// TryCreate tries the same and keeps nothing. That the account is installed already, or
// the connection in use, are the last of its checks: whether the credentials work can be
// tried all the same.
func (m *Manager) TryCreate(ctx context.Context, req v1.CreateInstallation) (v1.Checks, error) {
	_, checks, err := m.try(ctx, req)
	if err != nil {
		return v1.Checks{Checks: checks}, err
	}
	same := "" // what has the account has its connection too, and is named once
	if p := m.accountTaken("", req.Username, req.TrackingIdentifier.Reveal()); p != nil {
		checks, same = append(checks, v1.Check{Name: "installation", Detail: p.Detail, Fix: p.Hint}), p.Installation
	}
	return v1.Checks{Checks: m.withConnection(checks, same, req.ChannelProgram.ConnectionID)}, nil
}

// withConnection adds a check that fails where another installation pushes to the connection.
func (m *Manager) withConnection(checks []v1.Check, except, connection string) []v1.Check {
	if p := m.connectionTaken(except, connection); p != nil {
		checks = append(checks, v1.Check{Name: "connection", Detail: p.Detail, Fix: p.Hint, Of: p.Installation})
	}
	return checks
}

// try makes the installation in memory and tries it.
func (m *Manager) try(ctx context.Context, req v1.CreateInstallation) (*installation.Installation, []v1.Check, error) {
	zone, err := m.Discovery.ResolveZone(ctx, req.Zone, req.Username)
	if err != nil {
		p := preflight.ZoneProblem(err)
		p.Checks = []v1.Check{{Name: "zone", Detail: p.Detail, Fix: p.Hint}}
		return nil, nil, p
	}
	now := m.Now()
	in := &installation.Installation{
		ID: strings.ToLower(ulid.MustNew(ulid.Timestamp(now), rand.Reader).String()), Name: req.Name, Zone: zone, CreatedAt: now,
		Syncs: map[v1.Sync]*installation.SyncSettings{}, ConnectionID: req.ChannelProgram.ConnectionID,
		Secrets: installation.Secrets{
			Username: req.Username, Secret: req.Secret.Reveal(), TrackingIdentifier: req.TrackingIdentifier.Reveal(), Token: req.ChannelProgram.Token.Reveal(),
		},
	}
	for _, s := range req.Syncs {
		in.Syncs[s] = &installation.SyncSettings{InstalledAt: now}
	}
	if req.Options != nil {
		in.Options = *req.Options
	}
	in.Cursors.Parts = now
	checks, problem := m.tried(ctx, in)
	if problem == nil && !req.Names.Empty() {
		client := autotask.New(m.autotaskConfig(in))
		defer client.Close()
		if err := choice.Resolve(ctx, client, req.Names, &in.Options); err != nil {
			return nil, checks, cannotAsk(err)
		}
	}
	checks = append([]v1.Check{{Name: "zone", OK: true, Detail: "The zone is " + in.Zone.Name + " (" + in.Zone.URL + ")."}}, checks...)
	if problem != nil {
		problem.Checks = checks
		return nil, checks, problem
	}
	return in, checks, nil
}

// tried runs the preflight with a client of its own; a zone that turned out to be another one
// is taken over.
func (m *Manager) tried(ctx context.Context, in *installation.Installation) ([]v1.Check, *v1.Problem) {
	try, end := m.preflight(in)
	defer end()
	return try.All(ctx)
}

// preflight is what is tried of an installation, which the caller ends.
func (m *Manager) preflight(in *installation.Installation) (try preflight.Try, end func()) {
	cfg := m.autotaskConfig(in)
	cfg.OnZone = func(_ autotask.Credentials, z v1.Zone) { in.Zone = z }
	client := autotask.New(cfg)
	return preflight.Try{
		Installation: in, Autotask: client, Webhooks: m.PublicURL != "",
		Target: func() (*channelprogram.Client, error) { return m.targetClient(in, nil) },
	}, client.Close
}

// Test tries an installation as it stands. Credentials that were refused are not
// tried again: that could lock the user out.
func (m *Manager) Test(ctx context.Context, id string) (v1.Checks, error) {
	in, err := m.get(id)
	if err != nil {
		return v1.Checks{}, err
	}
	if in.Refused {
		words := issue.Describe("credentials_refused")
		checks := []v1.Check{{Name: "credentials", Detail: words.Detail, Fix: words.Fix}}
		try, end := m.preflight(in)
		defer end()
		target, _ := try.Connection(ctx)
		return v1.Checks{Checks: append(checks, target)}, nil
	}
	checks, _ := m.tried(ctx, in)
	zone := v1.Check{Name: "zone", OK: true, Detail: "The zone is " + in.Zone.Name + " (" + in.Zone.URL + ")."}
	return v1.Checks{Checks: m.withConnection(append([]v1.Check{zone}, checks...), id, in.ConnectionID)}, nil
}

// Update changes the name and the options of an installation.
func (m *Manager) Update(ctx context.Context, id string, req v1.UpdateInstallation) (v1.Installation, error) {
	in, err := m.mine(id)
	if err != nil {
		return v1.Installation{}, err
	}
	if err := m.resolveNames(ctx, in, req); err != nil {
		return v1.Installation{}, err
	}
	_, err = m.Store.Change(ctx, id, func(in *installation.Installation) error {
		if req.Name != nil {
			in.Name = *req.Name
		}
		if req.Options != nil {
			in.Options = *req.Options
			in.PendingJobs = append(in.PendingJobs, installation.PendingJob{Type: job.TypeResync, Kinds: kindsOf(in.InstalledSyncs()), By: v1.AskerOf(ctx)})
		}
		return nil
	})
	if err != nil {
		return v1.Installation{}, err
	}
	m.startPendingNow(ctx, id)
	return m.changed(ctx, id)
}

// SetCredentials tries new credentials and takes them over; work that was paused
// for the old ones resumes at once. That another installation has the account is said to
// whoever knows its secret only.
func (m *Manager) SetCredentials(ctx context.Context, id string, req v1.Credentials) (v1.Installation, error) {
	defer m.begin(lease.ShardOf(id))()
	in, err := m.mine(id)
	if err != nil {
		return v1.Installation{}, err
	}
	sameUser := v1.Same(req.Username, in.Secrets.Username)
	in.Secrets.Username, in.Secrets.Secret, in.Secrets.TrackingIdentifier = req.Username, req.Secret.Reveal(), req.TrackingIdentifier.Reveal()
	if req.Zone != "" || !sameUser {
		zone, err := m.Discovery.ResolveZone(ctx, req.Zone, req.Username)
		if err != nil {
			return v1.Installation{}, preflight.ZoneProblem(err)
		}
		in.Zone = zone
	}
	try, end := m.preflight(in)
	defer end()
	if _, p := try.Source(ctx); p != nil {
		return v1.Installation{}, p
	}
	var before, kept *installation.Installation
	free := func() *v1.Problem { return m.accountTaken(id, req.Username, req.TrackingIdentifier.Reveal()) }
	err = m.alone(ctx, free, func(ctx context.Context) error {
		kept, err = m.Store.Change(ctx, id, func(now *installation.Installation) error {
			before = now.Clone()
			if !v1.Same(now.Secrets.Username, in.Secrets.Username) && !now.Uninstalled {
				now.HandOver() // what the former user made at Autotask ends with that user
			}
			now.Secrets.Username, now.Secrets.Secret, now.Secrets.TrackingIdentifier = in.Secrets.Username, in.Secrets.Secret, in.Secrets.TrackingIdentifier
			now.Zone, now.Refused, now.RefusedFor = in.Zone, false, ""
			return nil
		})
		return err
	}, func(ctx context.Context) error {
		_, err := m.Store.Change(ctx, id, func(now *installation.Installation) error {
			now.Secrets, now.Registrations = before.Secrets, before.Registrations
			now.Zone, now.Refused, now.RefusedFor = before.Zone, before.Refused, before.RefusedFor
			return nil
		})
		return err
	})
	if err != nil {
		return v1.Installation{}, err
	}
	if rt := m.runtime(id); rt != nil {
		rt.autotask.SetCredentials(credentialsOf(kept), kept.Zone)
		rt.issues.Clear("credentials_refused")
		rt.worker.RetryNow()
		notify(rt.check)
		notify(rt.newJob)
	}
	return m.Get(ctx, id)
}

// SetChannelProgram tries a new connection and takes it over. That another installation
// pushes to it is said to whoever knows its token only.
func (m *Manager) SetChannelProgram(ctx context.Context, id string, req v1.ChannelProgramTarget) (v1.Installation, error) {
	defer m.begin(lease.ShardOf(id))()
	in, err := m.mine(id)
	if err != nil {
		return v1.Installation{}, err
	}
	another := req.ConnectionID != in.ConnectionID
	in.ConnectionID, in.Secrets.Token = req.ConnectionID, req.Token.Reveal()
	try, end := m.preflight(in)
	defer end()
	if _, p := try.Connection(ctx); p != nil {
		return v1.Installation{}, p
	}
	var before, kept *installation.Installation
	free := func() *v1.Problem { return m.connectionTaken(id, req.ConnectionID) }
	err = m.alone(ctx, free, func(ctx context.Context) error {
		kept, err = m.Store.Change(ctx, id, func(now *installation.Installation) error {
			before = now.Clone()
			now.ConnectionID, now.Secrets.Token = in.ConnectionID, in.Secrets.Token
			if another {
				now.Switched(m.Now().UTC())
			}
			if another && !now.Uninstalled { // what is remembered as pushed is not there
				now.PendingJobs = append(now.PendingJobs, installation.PendingJob{Type: job.TypeResync, Kinds: kindsOf(now.InstalledSyncs()), Force: true, By: v1.AskerOf(ctx)})
			}
			return nil
		})
		return err
	}, func(ctx context.Context) error { // a pass too many does no harm
		_, err := m.Store.Change(ctx, id, func(now *installation.Installation) error {
			now.ConnectionID, now.Secrets.Token, now.Switches = before.ConnectionID, before.Secrets.Token, before.Switches
			return nil
		})
		return err
	})
	if err != nil {
		return v1.Installation{}, err
	}
	m.restart(ctx, kept) // its client is bound to the connection
	m.startPendingNow(ctx, id)
	return m.changed(ctx, id)
}

// restart stops what runs of an installation and starts it with what it has now, whether or
// not whoever asked is still there.
func (m *Manager) restart(ctx context.Context, in *installation.Installation) {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), restartWithin)
	defer cancel()
	leave, err := m.changing.Enter(ctx, in.ID)
	if err != nil {
		m.Log.Error("installation not restarted", zap.String(v1.LogInstallation, in.ID), zap.Error(err))
		return
	}
	defer leave()
	m.stop(in.ID)
	m.start(in)
}

// restartWithin bounds how long a new start waits for another change of the installation.
const restartWithin = 30 * time.Second
