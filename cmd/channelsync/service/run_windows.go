package service

import (
	"context"
	"fmt"
	"os"
	"os/signal"
	"syscall"
	"time"

	"go.uber.org/zap/zapcore"
	"golang.org/x/sys/windows/svc"
	"golang.org/x/sys/windows/svc/eventlog"
)

// Identifiers of events; what they mean is in their text.
const eventInfo, eventError = 1, 2

// startWithin is how long the manager waits for a start: a store of an older version may be
// rewritten.
const startWithin = 15 * time.Minute

// longest is how much of a text an event holds.
const longest = 30_000

// Host is the service manager of Windows, as a service that it has started sees it.
type Host struct {
	log    *eventlog.Log
	status chan<- svc.Status
}

// Run lets the manager of Windows run the service, until it says stop. It is for the
// process that the manager started, and fails in any other.
func Run(ctx context.Context, serve func(context.Context, *Host) int) error {
	log, err := eventlog.Open(Name)
	if err != nil {
		return fmt.Errorf("open the event log: %w", err)
	}
	defer func() { _ = log.Close() }()
	// A user who logs off, or a console that closes, does not end a service: only its manager does.
	signal.Notify(make(chan os.Signal, 1), os.Interrupt, syscall.SIGTERM)
	if err := svc.Run(Name, &handler{ctx: context.WithoutCancel(ctx), log: log, serve: serve}); err != nil {
		return fmt.Errorf("speak to the service manager, which alone starts this command: %w", err)
	}
	return nil
}

// handler is what the manager calls.
type handler struct {
	ctx   context.Context //nolint:containedctx // svc.Handler has no place for it
	log   *eventlog.Log
	serve func(context.Context, *Host) int
}

// Execute runs the service and answers the manager meanwhile.
func (h *handler) Execute(_ []string, requests <-chan svc.ChangeRequest, status chan<- svc.Status) (specific bool, code uint32) {
	status <- svc.Status{State: svc.StartPending, WaitHint: uint32(startWithin.Milliseconds())}
	ctx, stop := context.WithCancel(h.ctx)
	defer stop()
	ended := make(chan int, 1)
	go func() { ended <- h.serve(ctx, &Host{log: h.log, status: status}) }()
	for {
		select {
		case code := <-ended:
			if code != 0 {
				_ = h.log.Error(eventError, fmt.Sprintf("channelsync ended with exit code %d.", code))
			}
			return code != 0, uint32(code) //nolint:gosec // 0, 1 or 2
		case request := <-requests:
			switch request.Cmd {
			case svc.Interrogate:
				status <- request.CurrentStatus
			case svc.Stop, svc.Shutdown:
				status <- svc.Status{State: svc.StopPending, WaitHint: uint32(time.Minute.Milliseconds())}
				stop()
			}
		}
	}
}

// Ready says that callbacks are taken.
func (h *Host) Ready(callback, admin string) {
	h.status <- svc.Status{State: svc.Running, Accepts: svc.AcceptStop | svc.AcceptShutdown}
	_ = h.log.Info(eventInfo, fmt.Sprintf("channelsync takes callbacks on %s; its console is on %s.", callback, admin))
}

// Alive says nothing: this manager does not watch.
func (h *Host) Alive() {}

// Stopping says that the service ends in order.
func (h *Host) Stopping() { _ = h.log.Info(eventInfo, "channelsync stops.") }

// Failed says why the service does not run.
func (h *Host) Failed(text string) { _ = h.log.Error(eventError, clip(text)) }

// Errors is a log that keeps the lines of errors as events: what happened, and its fields in JSON.
func (h *Host) Errors() zapcore.Core {
	encoder := zapcore.NewConsoleEncoder(zapcore.EncoderConfig{MessageKey: "msg", EncodeDuration: zapcore.StringDurationEncoder})
	return zapcore.NewCore(encoder, zapcore.AddSync(events{h.log}), zapcore.ErrorLevel)
}

type events struct{ log *eventlog.Log }

func (e events) Write(line []byte) (int, error) {
	return len(line), e.log.Error(eventError, clip(string(line)))
}

func clip(text string) string { return text[:min(len(text), longest)] }
