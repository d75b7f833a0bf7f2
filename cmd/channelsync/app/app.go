// Package app puts channelsync together: it is the one package that sees every
// layer. New opens the store and the listeners, Start serves and works, Stop
// ends everything in the reverse order. cmd/channelsync and cmd/sandbox run it;
// tests run it too, so that what they test is what users start.
package app

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"net"
	"net/http"
	"sync"
	"sync/atomic"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"go.uber.org/zap"

	v1 "channelsync/api/v1"
	"channelsync/cmd/channelsync/config"
	"channelsync/handlers"
	"channelsync/internal/lifecycle"
	"channelsync/internal/panics"
	"channelsync/internal/progress"
	"channelsync/sync/audit"
	"channelsync/sync/control"
	"channelsync/sync/identity"
)

// stopTimeout bounds the clean-up of a New that failed; servingTimeout is how long
// Stop lets requests under way finish once the work is done. workTimeout bounds how long it
// waits for the work, and cleanupTimeout for each of the rest: what does not end is named,
// and the process ends all the same.
const (
	stopTimeout    = 10 * time.Second
	servingTimeout = 3 * time.Second
	workTimeout    = 12 * time.Second
	cleanupTimeout = 15 * time.Second
)

// Options is what the caller decides beside the settings.
type Options struct {
	Config  config.Config
	Version string
	Log     *zap.Logger
	Now     func() time.Time // nil: time.Now
	// LogDropped is how many lines of the log were dropped; nil: none ever are.
	LogDropped func() uint64
	// Alive is called every few seconds for as long as the watchdog looks after the work; may be nil.
	Alive func()
	// NotifyEvery and NotifyQuiet are Every and Quiet of notify.Config. Tests shorten them.
	NotifyEvery, NotifyQuiet time.Duration
	// Stall is how long work that is due may stand still. Tests shorten it.
	Stall progress.Limits
}

// App is one running channelsync.
type App struct {
	opts            Options
	callback, admin *server
	callbackCert    certificates // nil: plain http
	adminCert       certificates // nil: plain http
	manager         *control.Manager
	tokens          *identity.Store
	noise           *audit.Noise
	cluster         *cluster              // nil: the only instance
	notify          func(context.Context) // nil: there is no receiver
	dispatch        func(context.Context) error
	stuck           func(context.Context) error // ends when only a start anew helps the store
	metrics         *prometheus.Registry

	draining atomic.Bool // Stop has begun
	watchdog *progress.Watchdog
	working  lifecycle.Group
	serving  sync.WaitGroup
	failed   chan error
	cleanups []cleanup
	stopping sync.Once
	stopped  error
}

type cleanup struct {
	name string
	run  func(context.Context) error
}

// within runs a cleanup, and leaves one behind that does not end.
func (c cleanup) within(ctx context.Context) error {
	ctx, cancel := context.WithTimeoutCause(context.WithoutCancel(ctx), cleanupTimeout, fmt.Errorf("not within %s", cleanupTimeout))
	defer cancel()
	task := lifecycle.New(c.name, c.run)
	task.Start(ctx)
	if err := task.Wait(ctx); err != nil {
		return err
	}
	return task.Err()
}

type server struct {
	*http.Server
	listener net.Listener
}

// New opens everything: the store, the installations, the listeners. What it
// opened is closed again when it fails. Nothing works before Start.
func New(ctx context.Context, opts Options) (*App, error) {
	if opts.Now == nil {
		opts.Now = time.Now
	}
	a := &App{opts: opts, failed: make(chan error, 4)}
	if err := a.wire(ctx); err != nil {
		stop, cancel := context.WithTimeout(context.WithoutCancel(ctx), stopTimeout)
		defer cancel()
		return nil, errors.Join(err, a.Stop(stop))
	}
	return a, nil
}

// Start serves both listeners and runs the installations. It returns at once;
// Failed tells of what ends by itself.
func (a *App) Start(ctx context.Context) error {
	for _, s := range []*server{a.callback, a.admin} {
		a.serving.Go(func() {
			if err := s.Serve(s.listener); !errors.Is(err, http.ErrServerClosed) {
				a.fail(fmt.Errorf("serve %s: %w", s.Addr, err))
			}
		})
	}
	a.defers("listeners", a.stopServing)
	ctx = context.WithoutCancel(ctx)
	dispatcher := a.service("dispatcher", a.dispatch)
	notifier := a.service("notifier", func(ctx context.Context) error {
		if a.notify != nil {
			a.notify(ctx)
		}
		return nil
	})
	a.defers("workers", func(ctx context.Context) error {
		ctx, cancel := context.WithTimeoutCause(ctx, workTimeout, fmt.Errorf("not within %s", workTimeout))
		defer cancel()
		services := make(chan error, 1)
		go func() { services <- progress.Stop(ctx, errStopping, dispatcher, notifier) }()
		return errors.Join(a.working.Stop(ctx, errStopping), <-services)
	})
	dispatcher.Start(ctx)
	notifier.Start(ctx)
	for name, cert := range map[string]certificates{"callback certificate": a.callbackCert, "admin certificate": a.adminCert} {
		if cert != nil {
			a.working.Go(ctx, name, func(ctx context.Context) error { cert.Run(ctx); return nil })
		}
	}
	for name, run := range map[string]func(context.Context) error{
		"watch of the event store": a.stuck,
		"installations":            func(ctx context.Context) error { a.manager.Run(ctx); return nil },
		"tokens":                   func(ctx context.Context) error { a.tokens.Run(ctx); return nil },
		"audit of refusals":        func(ctx context.Context) error { a.noise.Run(ctx); return nil },
		"watchdog":                 func(ctx context.Context) error { a.watchdog.Run(ctx); return nil },
	} {
		a.working.Go(ctx, name, func(ctx context.Context) error {
			if err := panics.Try(func() error { return run(ctx) }); err != nil {
				a.opts.Log.Error("a part of the service stopped unexpectedly", zap.String(v1.LogOperation, name), zap.Error(err), panics.Stack(err))
				a.fail(fmt.Errorf("%s: %w", name, err))
			}
			return nil
		})
	}
	return nil
}

// errStopping is the cause of the end of what a stop ends.
var errStopping = errors.New("the service is stopping")

// service is a part that the watchdog starts anew when it stands still.
func (a *App) service(name string, run func(context.Context) error) *progress.Service {
	return &progress.Service{Name: name, Part: name, Watchdog: a.watchdog, Log: a.opts.Log, Run: func(ctx context.Context) error {
		err := run(ctx)
		if err != nil && panics.Of(err) == nil && ctx.Err() == nil {
			a.fail(fmt.Errorf("%s: %w", name, err))
		}
		return err
	}}
}

// stopServing ends both listeners, side by side. Requests under way may finish for
// servingTimeout; what is left then is cut off: whoever asked sees that, and a
// connection that was opened and never used counts as one for longer.
func (a *App) stopServing(ctx context.Context) error {
	ctx, cancel := context.WithTimeoutCause(ctx, servingTimeout, fmt.Errorf("finish requests under way: not within %s", servingTimeout))
	defer cancel()
	errs := make([]error, 2)
	var stopping sync.WaitGroup
	for i, s := range []*server{a.callback, a.admin} {
		stopping.Go(func() {
			if s.Shutdown(ctx) == nil {
				return
			}
			// Whoever does not send its request to the end must not keep the rest from stopping;
			// what was not answered is sent again.
			a.opts.Log.Warn("requests cut off at shutdown", zap.String(v1.LogAddr, s.Addr), zap.NamedError(v1.LogCause, context.Cause(ctx)))
			errs[i] = s.Close()
		})
	}
	stopping.Wait()
	a.serving.Wait()
	return errors.Join(errs...)
}

// Addr returns the addresses that are listened on: callbacks and admin.
func (a *App) Addr() (callback, admin string) {
	return a.callback.listener.Addr().String(), a.admin.listener.Addr().String()
}

// Failed tells of a part that ended by itself; the caller should stop then.
func (a *App) Failed() <-chan error { return a.failed }

// Stop ends everything in the reverse order of its start: what is under way is
// finished and given to the other instances first, while callbacks are still taken and
// /readyz already says 503; then the listeners, the store last. It takes under 10 s,
// and may be called more than once.
func (a *App) Stop(ctx context.Context) error {
	a.draining.Store(true)
	a.stopping.Do(func() {
		var errs []error
		for len(a.cleanups) > 0 {
			c := a.cleanups[len(a.cleanups)-1]
			a.cleanups = a.cleanups[:len(a.cleanups)-1]
			if err := c.within(ctx); err != nil {
				errs = append(errs, fmt.Errorf("stop %s: %w", c.name, err))
			}
		}
		a.stopped = errors.Join(errs...)
	})
	return a.stopped
}

func (a *App) defers(name string, run func(context.Context) error) {
	a.cleanups = append(a.cleanups, cleanup{name, run})
}

func (a *App) fail(err error) {
	select {
	case a.failed <- err:
	default:
	}
}

// listen opens a listener, with TLS when there is a certificate. A listener that
// was never served is closed by Stop.
func (a *App) listen(setting, addr string, s func(addr string) *http.Server, cert certificates) (*server, error) {
	l, err := new(net.ListenConfig).Listen(context.Background(), "tcp", addr)
	if err != nil {
		return nil, fmt.Errorf("%s: got %q, want an address that can be listened on: %w", setting, addr, err)
	}
	a.defers("listener "+addr, func(context.Context) error {
		if err := l.Close(); err != nil && !errors.Is(err, net.ErrClosed) {
			return err
		}
		return nil
	})
	srv := s(l.Addr().String())
	l = handlers.Bound(l, openFiles(), a.opts.Config.TrustedProxies)
	if cert != nil {
		l = tls.NewListener(l, cert.Config())
	}
	return &server{Server: srv, listener: l}, nil
}

func (a *App) listeners(public, admin http.Handler) error {
	cfg, log := a.opts.Config, a.opts.Log
	var err error
	a.callback, err = a.listen("--callback-listen", cfg.CallbackListen, func(addr string) *http.Server {
		return handlers.NewPublicServer(addr, public, log)
	}, a.callbackCert)
	if err != nil {
		return err
	}
	a.admin, err = a.listen("--admin-listen", cfg.AdminListen, func(addr string) *http.Server {
		return handlers.NewAdminServer(addr, admin, log)
	}, a.adminCert)
	return err
}
