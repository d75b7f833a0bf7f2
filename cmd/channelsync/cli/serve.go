package cli

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"os/signal"
	"path/filepath"
	"slices"
	"syscall"
	"time"

	"go.uber.org/zap"
	"go.uber.org/zap/zapcore"

	v1 "channelsync/api/v1"
	"channelsync/cmd/channelsync/app"
	"channelsync/cmd/channelsync/cli/internal/command"
	"channelsync/cmd/channelsync/config"
	"channelsync/cmd/channelsync/logsink"
)

// stopWithin bounds a shutdown: 10 s for requests under way and as much for the store.
const stopWithin = 20 * time.Second

// logWithin is how long the end waits for the last lines of the log to be written.
const logWithin = 2 * time.Second

// OutliveReaders lets the process go on when whoever reads its output goes away: a write
// then fails, and Go would end the process for it (os/signal: SIGPIPE).
func OutliveReaders() { signal.Ignore(syscall.SIGPIPE) }

func (s *session) serveCommand() *command.Command {
	return &command.Command{
		Name: "serve", Short: "run the service", Flags: config.Flags,
		Raw: true, // package config reads the flags
		Run: func(ctx context.Context, args []string) error {
			inv := s.Invocation
			inv.Args = args
			return endedWith(serve(ctx, inv))
		},
	}
}

// endedWith is the error of a command that has said all itself; nil when all is well.
func endedWith(code int) error {
	if code == exitOK {
		return nil
	}
	return exited(code)
}

// settings reads the settings for a command. Where that shows the help, or is wrong, the
// command has ended with the code.
func settings(inv Invocation, name string) (cfg config.Config, code int, ok bool) {
	cfg, err := config.Parse(inv.Args, inv.LookupEnv)
	switch {
	case err == nil:
		return cfg, exitOK, true
	case !errors.Is(err, flag.ErrHelp):
		fmt.Fprintf(inv.Stderr, "channelsync %s: %v\n", name, err)
		return cfg, exitUsage, false
	case config.Usage(inv.Stdout) != nil:
		return cfg, exitFailed, false
	}
	return cfg, exitOK, false
}

func serve(ctx context.Context, inv Invocation) int {
	cfg, code, ok := settings(inv, "serve")
	if !ok {
		return code
	}
	if cfg.PrintConfig {
		if err := cfg.Dump(inv.Stdout); err != nil {
			return exitFailed
		}
		return exitOK
	}
	defer relaxCollector(inv.LookupEnv)()
	OutliveReaders()
	sink := logsink.New(inv.Stderr)
	defer sink.Stop(logWithin)
	inv.Stderr = sink // what is said below must not wait for a reader either
	log := NewLogger(cfg.LogLevel, cfg.LogFormat, sink)
	if names := cfg.SecretArguments(); len(names) > 0 {
		log.Warn("secrets are in the arguments, where every user of this machine can read them: give each by its variable or in a file",
			zap.Strings("settings", names))
	}
	return operate(ctx, app.Options{Config: cfg, Version: Version(), Log: log, LogDropped: sink.Dropped}, newSystemd(log, inv.Stderr))
}

// host is what has started the service, and wants to know how it stands.
type host interface {
	Ready(callback, admin string)
	Alive() // every few seconds
	Stopping()
	Failed(why string)
}

// operate runs the service until its context ends, or it fails, and returns the exit code.
func operate(ctx context.Context, opts app.Options, host host) (code int) {
	cfg, log := opts.Config, opts.Log
	opts.Alive = host.Alive
	a, err := app.New(ctx, opts)
	if err == nil {
		err = a.Start(ctx)
	}
	if err != nil {
		host.Failed(err.Error())
		return exitFailed
	}
	callback, admin := a.Addr()
	log.Info("serving", zap.String("callbacks", callback), zap.String("admin", admin), zap.String(v1.LogVersion, Version()))
	if cfg.NATS.Embedded() && cfg.AdminToken == "" {
		log.Info("the admin token is in a file", zap.String("path", filepath.Join(cfg.DataDir, "admin-token")))
	}
	host.Ready(callback, admin)
	select {
	case <-ctx.Done():
	case err := <-a.Failed():
		log.Error("stopping", zap.Error(err))
		code = exitFailed
	}
	host.Stopping()
	stop, cancel := context.WithTimeout(context.WithoutCancel(ctx), stopWithin)
	defer cancel()
	if err := a.Stop(stop); err != nil {
		log.Error("stopped with errors", zap.Error(err))
		return exitFailed
	}
	log.Info("stopped")
	return code
}

// NewLogger makes the logger: for people on a terminal, else JSON.
func NewLogger(level, format string, to io.Writer) *zap.Logger {
	lvl, err := zapcore.ParseLevel(level)
	if err != nil {
		lvl = zapcore.InfoLevel
	}
	enc := zap.NewProductionEncoderConfig()
	enc.EncodeTime = zapcore.RFC3339NanoTimeEncoder
	enc.EncodeDuration = zapcore.SecondsDurationEncoder
	encoder := zapcore.NewJSONEncoder(enc)
	if format == "console" || format == "auto" && isTerminal(to) {
		enc.EncodeTime = zapcore.TimeEncoderOfLayout("15:04:05.000")
		enc.EncodeLevel = zapcore.CapitalLevelEncoder
		enc.EncodeDuration = zapcore.StringDurationEncoder
		encoder = zapcore.NewConsoleEncoder(enc)
	}
	if sink, is := to.(*logsink.Sink); is {
		sink.OnLost(func(n uint64) []byte { return lostLine(encoder, n) })
		return zap.New(zapcore.NewCore(encoder, sink, lvl))
	}
	return zap.New(zapcore.NewCore(encoder, zapcore.Lock(zapcore.AddSync(to)), lvl))
}

// lostLine is the line of the log that says how many others are missing.
func lostLine(encoder zapcore.Encoder, n uint64) []byte {
	line, err := encoder.Clone().EncodeEntry(zapcore.Entry{
		Level: zapcore.WarnLevel, Time: time.Now(), Message: "log lines dropped: they could not be written, or nobody read them in time",
	}, []zapcore.Field{zap.Uint64(v1.LogCount, n)})
	if err != nil {
		return nil
	}
	defer line.Free()
	return slices.Clone(line.Bytes())
}
