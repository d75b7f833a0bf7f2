package cli

import (
	"context"
	"path/filepath"
	"strings"

	"go.uber.org/zap"
	"go.uber.org/zap/zapcore"
	"gopkg.in/natefinch/lumberjack.v2"

	"channelsync/cmd/channelsync/app"
	"channelsync/cmd/channelsync/cli/internal/command"
	"channelsync/cmd/channelsync/logsink"
	"channelsync/cmd/channelsync/service"
)

// The log of a service of Windows, which has no standard error: this many MiB in each of so many files.
const logSize, logFiles = 10, 5

// serviceRun is what the service manager of Windows starts.
func (s *session) serviceRun() []*command.Command {
	return []*command.Command{{
		Name: "run", Short: "run the service, for the service manager of Windows", Hidden: true, Raw: true,
		Run: func(ctx context.Context, args []string) error {
			inv := s.Invocation
			inv.Args = args
			code := exitOK
			if err := service.Run(ctx, func(ctx context.Context, host *service.Host) int {
				code = serveAsService(ctx, inv, host)
				return code
			}); err != nil {
				return err
			}
			return endedWith(code)
		},
	}}
}

// serveAsService is serve with a log in the data directory, whose errors are events too.
func serveAsService(ctx context.Context, inv Invocation, host *service.Host) int {
	var said strings.Builder
	inv.Stdout, inv.Stderr = &said, &said
	cfg, code, ok := settings(inv, "service run")
	if !ok {
		host.Failed(said.String())
		return code
	}
	file := &lumberjack.Logger{Filename: filepath.Join(cfg.DataDir, "channelsync.log"), MaxSize: logSize, MaxBackups: logFiles - 1}
	defer func() { _ = file.Close() }()
	sink := logsink.New(file)
	defer sink.Stop(logWithin)
	log := NewLogger(cfg.LogLevel, "json", sink).WithOptions(zap.WrapCore(func(file zapcore.Core) zapcore.Core {
		return zapcore.NewTee(file, host.Errors())
	}))
	return operate(ctx, app.Options{Config: cfg, Version: Version(), Log: log, LogDropped: sink.Dropped}, host)
}
