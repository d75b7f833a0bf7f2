package cli

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"time"

	"channelsync/cmd/channelsync/cli/internal/command"
)

const healthTimeout = 5 * time.Second

func (s *session) healthcheckCommand() *command.Command {
	var target string
	return &command.Command{
		Name: "healthcheck", Short: "exit 0 when a URL answers 200, for containers",
		Long: "It sends no token. Without --url it requests /livez of the admin listener.",
		Flags: func(fs *flag.FlagSet) {
			fs.StringVar(&target, "url", "", "`URL` to request")
		},
		Run: func(ctx context.Context, args []string) error {
			if err := noArguments(args); err != nil {
				return err
			}
			if target == "" {
				target = strings.TrimRight(s.url(), "/") + "/livez"
			}
			if u, err := url.Parse(target); err != nil || u.Host == "" {
				return command.Usage("such as http://127.0.0.1:8081/livez", "--url: got %q, want a URL", target)
			}
			if err := s.secure(); err != nil {
				return err
			}
			return s.askHealth(ctx, target)
		},
	}
}

func (s *session) askHealth(ctx context.Context, target string) error {
	ctx, cancel := context.WithTimeoutCause(ctx, healthTimeout, fmt.Errorf("no answer within %s", healthTimeout))
	defer cancel()
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, target, nil)
	if err != nil {
		return fmt.Errorf("make request: %w", err)
	}
	hc := &http.Client{
		Transport:     s.transport,
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}
	resp, err := hc.Do(req)
	if err != nil {
		if errors.Is(err, context.DeadlineExceeded) {
			err = context.Cause(ctx)
		}
		return fmt.Errorf("ask health: %w", err)
	}
	_ = resp.Body.Close()
	if resp.StatusCode != http.StatusOK {
		return &failure{fmt.Sprintf("%s answers %s, want 200 OK", target, resp.Status), ""}
	}
	return nil
}
