package container

import (
	"context"
	"errors"
	"fmt"
	"os"
	"testing"
	"time"

	"github.com/testcontainers/testcontainers-go"
	"go.uber.org/goleak"

	"channelsync/test/harness"
)

func TestMain(m *testing.M) {
	for name, value := range map[string]string{
		"TESTCONTAINERS_RYUK_DISABLED": "true",      // its image would have to be pulled
		"TESTCONTAINERS_HOST_OVERRIDE": "127.0.0.1", // inside a container it would dial the gateway
	} {
		if err := os.Setenv(name, value); err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
	}
	dir, err := os.MkdirTemp("", "channelsync-container-")
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	built.dir = dir
	harness.Main(m, goleak.Cleanup(func(code int) {
		_ = os.RemoveAll(dir)
		os.Exit(code)
	}))
}

// needEngine skips the test when no Docker engine answers, and fails it in CI.
func needEngine(t *testing.T) {
	t.Helper()
	err := askEngine(t.Context())
	switch {
	case err == nil:
	case os.Getenv("CI") == "true":
		t.Fatalf("CI must have a Docker engine: %v", err)
	default:
		t.Skipf("NOT TESTED: no Docker engine answers, so nothing ran against NATS in a container: %v", err)
	}
}

func askEngine(ctx context.Context) (err error) {
	defer func() { // the library panics when it finds no way to any engine
		if v := recover(); v != nil {
			err = fmt.Errorf("find an engine: %v", v)
		}
	}()
	ctx, cancel := context.WithTimeoutCause(ctx, 20*time.Second, errors.New("ask the engine: no answer within 20 s"))
	defer cancel()
	provider, err := testcontainers.ProviderDocker.GetProvider()
	if err != nil {
		return fmt.Errorf("find an engine: %w", err)
	}
	defer func() { err = errors.Join(err, provider.Close()) }()
	if err := provider.Health(ctx); err != nil {
		return fmt.Errorf("ask the engine: %w", err)
	}
	return nil
}
