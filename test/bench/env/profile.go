package env

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"os"
	"time"
)

// Profile writes one of the program's own profiles, such as "profile?seconds=2" or "heap", to a file.
func (b *Env) Profile(ctx context.Context, name, path string) error {
	const within = 2 * time.Minute
	ctx, cancel := context.WithTimeoutCause(ctx, within, fmt.Errorf("not within %s", within))
	defer cancel()
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, "http://"+b.admin+"/debug/pprof/"+name, nil)
	if err != nil {
		return fmt.Errorf("ask for profile %s: %w", name, err)
	}
	req.Header.Set("Authorization", "Bearer "+adminToken)
	resp, err := (&http.Client{Transport: b.transport}).Do(req)
	if err != nil {
		return fmt.Errorf("ask for profile %s: %w", name, err)
	}
	defer func() { _ = resp.Body.Close() }()
	if resp.StatusCode != http.StatusOK {
		return fmt.Errorf("ask for profile %s: got %s", name, resp.Status)
	}
	f, err := os.Create(path)
	if err != nil {
		return fmt.Errorf("keep profile %s: %w", name, err)
	}
	_, err = io.Copy(f, resp.Body)
	if closing := f.Close(); err == nil {
		err = closing
	}
	return err
}
