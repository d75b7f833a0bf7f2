package cli

import (
	"context"
	"errors"
	"strings"
	"syscall"

	v1 "channelsync/api/v1"
	"channelsync/cmd/channelsync/cli/internal/command"
)

// failure is what a command itself finds wrong, with what to do about it.
type failure struct{ text, hint string }

func (f *failure) Error() string { return f.text }

// exited ends with a code, once everything there is to say has been said.
type exited int

func (exited) Error() string { return "ended" }

// errShown fails a command whose output has said why.
const errShown = exited(exitFailed)

// report tells what went wrong and returns the exit code.
func (s *session) report(path string, err error) int {
	var code exited
	var usage *command.UsageError
	var problem *v1.Problem
	var own *failure
	if unknown, is := errors.AsType[*unknownInstallation](err); is {
		err = s.suggest(unknown)
	}
	switch {
	case err == nil:
		return exitOK
	case errors.As(err, &code):
		return int(code)
	case errors.Is(err, command.ErrHelpShown):
		return exitUsage
	case errors.As(err, &usage):
		s.note("%s: %s", path, usage.Text)
		s.hint(usage.Hint)
		return exitUsage
	case errors.Is(err, context.Canceled):
		s.note("%s: interrupted", path)
	case errors.As(err, &problem):
		s.problem(path, problem)
	case errors.As(err, &own):
		s.note("%s: %s", path, own.text)
		s.hint(own.hint)
	default:
		s.note("%s: %s", path, text(err.Error()))
		if errors.Is(err, syscall.ECONNREFUSED) {
			s.hint("start the service (channelsync serve), or say where it is with --api-url")
		}
	}
	return exitFailed
}

func (s *session) hint(hint string) {
	if hint != "" {
		s.note("hint: %s", text(hint))
	}
}

// asGiven is a field or a parameter of a request as people gave it: a parameter by its flag.
func asGiven(pointer string) string {
	switch parameter, is := strings.CutPrefix(pointer, "?"); {
	case parameter == "at":
		return "--on"
	case is:
		return "--" + parameter
	}
	return strings.TrimPrefix(pointer, "#/")
}

// problem prints a refusal of the API: what, every wrong field, what was tried, the way out.
func (s *session) problem(path string, p *v1.Problem) {
	s.note("%s: %s (%s)", path, strings.TrimSuffix(text(p.Detail), "."), p.Code)
	for _, e := range p.Errors {
		s.note("  %s: %s", text(asGiven(e.Pointer)), text(e.Detail))
	}
	for _, c := range p.Checks {
		s.note("  %-7s %s: %s", verdict(c), text(c.Name), text(c.Detail))
	}
	if p.Code == v1.CodeUnauthenticated {
		s.hint("give the token with --admin-token-file or CHANNELSYNC_ADMIN_TOKEN; " +
			"an embedded service keeps it in admin-token in its data directory")
		return
	}
	s.hint(p.Hint)
	if next := commandAfter(p, s.opened); next != "" {
		s.note("next: %s", next)
	}
}
