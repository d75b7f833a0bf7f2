package cluster

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	v1 "channelsync/api/v1"
	"channelsync/test/harness"
	"channelsync/test/harness/service"
)

// TestTheAPIIsTheSameOnAll: whatever is read from one instance is read from the
// other, and whatever is done at one is done, whosever the installation is. The two
// are of different versions.
func TestTheAPIIsTheSameOnAll(t *testing.T) {
	t.Parallel()
	f := newField(t, 12, 3)
	a, b := f.join(service.Options{Version: "1.0"}), f.join(service.Options{Version: "1.1"})
	both := []*service.Harness{a, b}
	owned(t, both)
	f.install(a, b)
	f.agree(30 * time.Second)
	ctx := t.Context()

	same(t, both, "the list", func(w *service.Harness) (any, error) { return w.Admin.Installations(ctx) })
	same(t, both, "the status", func(w *service.Harness) (any, error) {
		st, err := w.Admin.Status(ctx)
		st.Version = ""
		return st, err
	})
	same(t, both, "the audit", func(w *service.Harness) (any, error) {
		return w.Admin.Audit(ctx, v1.AuditQuery{Cursor: "", Limit: 500})
	})
	for _, one := range f.tenants {
		same(t, both, "an installation", func(w *service.Harness) (any, error) { return w.Admin.Installation(ctx, one.id) })
		same(t, both, "its records", func(w *service.Harness) (any, error) { return w.Admin.Records(ctx, one.id, v1.RecordQuery{Limit: 2}) })
		company := strconv.FormatInt(one.companies[0], 10)
		same(t, both, "a record", func(w *service.Harness) (any, error) { return w.Admin.Record(ctx, one.id, v1.KindCompany, company) })
		same(t, both, "why", func(w *service.Harness) (any, error) { return w.Admin.Explain(ctx, one.id, v1.KindCompany, company) })
	}

	// Whatever is done at one shows at the other.
	for i, one := range f.tenants {
		here, there := both[i%2], both[1-i%2]
		name := fmt.Sprintf("Renamed %d", i)
		if _, err := here.Admin.UpdateInstallation(ctx, one.id, v1.UpdateInstallation{Name: &name}); err != nil {
			t.Fatal(err)
		}
		there.Until(one.id, "has its new name", 5*time.Second, func(in v1.Installation) bool { return in.Name == name })
		ref, err := here.Admin.Resync(ctx, one.id, v1.ResyncRequest{})
		harness.OK(t, err)
		there.Eventually("the job ends", 20*time.Second, func() error {
			job, err := there.Admin.Job(ctx, one.id, ref.Job)
			if err == nil && (job.State != v1.JobDone || job.Done != len(one.companies)) {
				err = fmt.Errorf("%+v", job)
			}
			return err
		})
	}
	bad := "nobody"
	_, err := a.Admin.Installation(ctx, strings.Repeat("0", 26))
	refused(t, err, http.StatusNotFound)
	_, err = b.Admin.UpdateInstallation(ctx, f.tenants[0].id, v1.UpdateInstallation{Options: &v1.Options{Emails: bad}})
	refused(t, err, http.StatusUnprocessableEntity)

	// An account is installed once, whoever is asked.
	var taken sync.WaitGroup
	for _, w := range both {
		taken.Go(func() {
			_, err := w.Admin.CreateInstallation(ctx, v1.CreateInstallation{
				Name: "Again", Username: f.tenants[0].user, Secret: secret, TrackingIdentifier: tracking, Syncs: v1.Syncs,
				Zone:           strings.TrimPrefix(f.first.AutotaskURL, "http://"),
				ChannelProgram: v1.ChannelProgramTarget{ConnectionID: f.tenants[0].connection, Token: service.Token},
			})
			refused(t, err, http.StatusConflict)
		})
	}
	taken.Wait()

	// Outcomes are streamed by both.
	one := f.tenants[0]
	for _, w := range both {
		feed, cancel := context.WithTimeout(ctx, 20*time.Second)
		received := make(chan v1.FeedEvent, 1)
		var listening sync.WaitGroup
		listening.Go(func() {
			for e, err := range w.Admin.Feed(feed, one.id) {
				if err != nil {
					return
				}
				select {
				case received <- e:
				default:
				}
			}
		})
		w.Eventually("an outcome in the feed", 15*time.Second, func() error {
			if err := a.Admin.ReconcileRecord(ctx, one.id, v1.KindCompany, strconv.FormatInt(one.companies[1], 10)); err != nil {
				return err
			}
			select {
			case e := <-received:
				if e.ID != strconv.FormatInt(one.companies[1], 10) {
					return fmt.Errorf("%+v", e)
				}
				return nil
			case <-time.After(300 * time.Millisecond):
				return errors.New("none yet")
			}
		})
		cancel()
		listening.Wait()
	}

	// One that is erased is gone everywhere.
	for i, one := range f.tenants[:4] {
		harness.OK(t, both[i%2].Admin.Act(ctx, one.id, "", "erase"))
		for _, w := range both {
			w.Eventually("it is gone", 5*time.Second, func() error {
				if _, err := w.Admin.Installation(ctx, one.id); err == nil {
					return errors.New("still shown")
				}
				resp, err := http.Post(w.CallbackURL+"/callbacks/autotask/"+one.id, "application/json", strings.NewReader("{}"))
				if err != nil {
					return err
				}
				_ = resp.Body.Close()
				if resp.StatusCode != http.StatusNotFound {
					return fmt.Errorf("a callback is answered %s", resp.Status)
				}
				return nil
			})
		}
	}
	same(t, both, "the list after it", func(w *service.Harness) (any, error) { return w.Admin.Installations(ctx) })
	same(t, both, "the audit after it", func(w *service.Harness) (any, error) {
		return w.Admin.Audit(ctx, v1.AuditQuery{Cursor: "", Limit: 500})
	})
	http.DefaultClient.CloseIdleConnections()
}

// owned waits until each instance holds a fair part of the shards, all of them
// together: one that joined last is given its part by the others bit by bit.
func owned(t *testing.T, services []*service.Harness) {
	t.Helper()
	services[0].Eventually("the shards are shared out", 30*time.Second, func() error {
		total := 0
		for _, w := range services {
			n := shardsOf(t, w)
			if n < 64/len(services)/3 {
				return fmt.Errorf("an instance holds %d shards", n)
			}
			total += n
		}
		if total != 64 {
			return fmt.Errorf("%d shards are held", total)
		}
		return nil
	})
}

func shardsOf(t *testing.T, w *service.Harness) int {
	t.Helper()
	resp, err := http.Get(w.AdminURL + "/metrics")
	harness.OK(t, err)
	defer func() { _ = resp.Body.Close() }()
	text := new(strings.Builder)
	harness.OK(t, resp.Write(text))
	_, rest, ok := strings.Cut(text.String(), "\nchannelsync_shards ")
	if !ok {
		t.Fatal("no metric of shards")
	}
	line, _, _ := strings.Cut(rest, "\n")
	n, err := strconv.Atoi(strings.TrimSpace(line))
	harness.OK(t, err)
	return n
}

// same waits until all instances answer the same.
func same(t *testing.T, services []*service.Harness, what string, read func(*service.Harness) (any, error)) {
	t.Helper()
	services[0].Eventually(what+" is the same on all", 10*time.Second, func() error {
		first, err := read(services[0])
		if err != nil {
			return err
		}
		for _, w := range services[1:] {
			other, err := read(w)
			if err != nil {
				return err
			}
			if diff := cmp.Diff(first, other); diff != "" {
				return errors.New(diff)
			}
		}
		return nil
	})
}

func refused(t *testing.T, err error, status int) {
	t.Helper()
	var p *v1.Problem
	if !errors.As(err, &p) || p.Status != status {
		t.Errorf("got %v, want %d", err, status)
	}
}
