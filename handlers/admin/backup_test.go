package admin

import (
	"context"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"channelsync/api/client"
	v1 "channelsync/api/v1"
	"channelsync/handlers/internal/identity"
	"channelsync/test/harness"
)

// backupOf writes a file of five bytes; fails says when it ends instead.
type backupOf struct {
	*fake
	fails string
}

func (b backupOf) Size(context.Context) (uint64, error) { return 5, nil }

func (b backupOf) Backup(_ context.Context, to io.Writer) error {
	if err := b.note("backup"); err != nil {
		return err
	}
	switch b.fails {
	case "before":
		return v1.NewProblem(http.StatusConflict, v1.CodeConflict, "A backup is being made already.", "Wait.")
	case "within":
		_, err := io.WriteString(to, "a t")
		return errors.Join(err, errors.New("the store went away"))
	}
	_, err := io.WriteString(to, "a tar")
	return err
}

func TestBackupThatFailsIsNeverTakenForWhole(t *testing.T) {
	for fails, says := range map[string]string{"before": "being made already", "within": "could not complete it"} {
		t.Run(fails, func(t *testing.T) {
			f := &fake{}
			cfg := f.config()
			cfg.Backups = backupOf{f, fails}
			srv := httptest.NewServer(http.StripPrefix("/api/v1", served(cfg)))
			defer srv.Close()
			c, err := client.New(client.Config{URL: srv.URL, Token: "t", Transport: srv.Client().Transport})
			harness.OK(t, err)
			if err := c.Backup(context.Background(), io.Discard, nil); err == nil || !strings.Contains(err.Error(), says) {
				t.Fatalf("got %v", err)
			}
			srv.Close() // it is audited even when nobody listens any more
			if len(f.audited) != 1 || f.audited[0].Action != "backup" || f.audited[0].OK {
				t.Errorf("audited %+v", f.audited)
			}
		})
	}
}

// endless writes a backup for as long as it is let.
type endless struct{ backupOf }

func (b endless) Backup(ctx context.Context, to io.Writer) error {
	if _, err := io.WriteString(to, "a t"); err != nil {
		return err
	}
	<-ctx.Done()
	return context.Cause(ctx)
}

func TestABackupEndsWithItsToken(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := &fake{}
		cfg := f.config()
		cfg.Backups = endless{backupOf{fake: f}}
		var ended atomic.Bool
		caller := identity.Caller{Identity: v1.Identity{ID: "t-1", Name: "ops", Role: v1.RoleAdmin}}.While(func() bool { return !ended.Load() })
		aborted := make(chan any, 1)
		go func() {
			defer func() { aborted <- recover() }()
			r := httptest.NewRequest(http.MethodGet, "/backup", nil)
			New(cfg).ServeHTTP(httptest.NewRecorder(), r.WithContext(identity.With(r.Context(), caller)))
		}()
		<-time.After(time.Minute)
		synctest.Wait()
		if len(aborted) != 0 {
			t.Fatal("it ended while its token had not")
		}
		ended.Store(true)
		<-time.After(5 * time.Second)
		synctest.Wait()
		select {
		case v := <-aborted:
			if v != http.ErrAbortHandler {
				t.Errorf("it ended as if it were whole: %v", v)
			}
		default:
			t.Fatal("it goes on 5 s after its token ended")
		}
		if len(f.audited) != 1 || f.audited[0].OK {
			t.Errorf("audited %+v", f.audited)
		}
	})
}

func TestBackupIsADownload(t *testing.T) {
	f := &fake{}
	for _, method := range []string{http.MethodGet, http.MethodHead} {
		w := httptest.NewRecorder()
		served(f.config()).ServeHTTP(w, httptest.NewRequest(method, "/backup", nil))
		h := w.Header()
		if h.Get("Content-Type") != "application/x-tar" || h.Get("Cache-Control") != "no-store" || h.Get(SizeHeader) != "5" ||
			!strings.HasPrefix(h.Get("Content-Disposition"), `attachment; filename="channelsync-`) {
			t.Errorf("%s: got %v", method, h)
		}
	}
	if len(f.audited) != 1 || !f.audited[0].OK {
		t.Errorf("audited %+v: a HEAD makes no backup", f.audited)
	}
}
