package main

import (
	"bytes"
	"errors"
	"flag"
	"strings"
	"testing"
)

func TestUsage(t *testing.T) {
	var out, progress bytes.Buffer
	if err := run(t.Context(), []string{"--help"}, &out, &progress); !errors.Is(err, flag.ErrHelp) || !strings.Contains(progress.String(), "callbacks") {
		t.Errorf("got %v; it says %s", err, progress.String())
	}
	err := run(t.Context(), []string{"--only", "callbacks,nothing", "--binary", "none", "--dir", t.TempDir()}, &out, &progress)
	if err == nil || !strings.Contains(err.Error(), `"nothing"`) || out.Len() > 0 {
		t.Errorf("an unknown part: got %v", err)
	}
}
