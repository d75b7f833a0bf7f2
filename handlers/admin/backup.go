package admin

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"strconv"
	"time"

	"github.com/go-chi/chi/v5"
	"go.uber.org/zap"

	v1 "channelsync/api/v1"
	"channelsync/handlers/internal/identity"
)

const (
	// SizeHeader is about how many bytes a backup will have, for a progress bar.
	SizeHeader = "X-Channelsync-Size"
	// backupWriting is how long a piece of a backup may take to be taken. The store
	// gives up on a receiver that stands still for 5 seconds by itself.
	backupWriting = 30 * time.Second
	backupType    = "application/x-tar"
)

// Backups writes the store while it is at work.
type Backups interface {
	Backup(ctx context.Context, to io.Writer) error
	Size(ctx context.Context) (uint64, error)
}

func (a *API) backupRoutes(r chi.Router) {
	r.Get("/backup", a.backup)
}

// backup streams a file that may be large, so it stands apart from serve, which
// gives an answer a time to be done by. Once it has begun it cannot be answered
// with a problem any more: the connection is cut, and the file has no end.
func (a *API) backup(w http.ResponseWriter, r *http.Request) {
	until, stop := identity.Until(r.Context()) // whoever lost the right to it does not get the rest
	defer stop()
	ctx, cancel := context.WithCancel(until)
	defer cancel()
	defer a.closing.Then(r, cancel)()
	c := &call{API: a, r: r.WithContext(ctx), control: http.NewResponseController(w)}
	c.received()
	if err := c.query().err(); err != nil {
		c.fail(w, err)
		return
	}
	out := &download{w: w, control: c.control, name: "channelsync-" + c.Now().UTC().Format("20060102T150405Z") + ".tar"}
	if size, err := c.Backups.Size(ctx); err == nil {
		w.Header().Set(SizeHeader, strconv.FormatUint(size, 10))
	}
	if r.Method == http.MethodHead {
		out.begin()
		return
	}
	c.auditing("backup", "", "")
	_, err := c.try(func(*call) (reply, error) { return reply{}, c.Backups.Backup(ctx, out) })
	c.audit(err)
	switch {
	case err == nil:
		out.begin()
	case !out.begun:
		w.Header().Del(SizeHeader)
		c.fail(w, err)
	default:
		c.Log.Warn("backup ended early", zap.NamedError(v1.LogCause, err))
		panic(http.ErrAbortHandler) // what net/http wants of an answer that cannot be completed
	}
}

// download begins its answer with the first byte, so that a failure before it can
// still be answered as one.
type download struct {
	w       http.ResponseWriter
	control *http.ResponseController
	name    string
	begun   bool
}

func (d *download) begin() {
	if d.begun {
		return
	}
	d.begun = true
	h := d.w.Header()
	h.Set("Content-Type", backupType)
	h.Set("Content-Disposition", `attachment; filename="`+d.name+`"`)
	h.Set("Cache-Control", "no-store")
	h.Set("X-Content-Type-Options", "nosniff")
	h.Set("X-Accel-Buffering", "no") // nginx would keep it on its own disk
}

func (d *download) Write(b []byte) (int, error) {
	first := !d.begun
	d.begin()
	_ = d.control.SetWriteDeadline(time.Now().Add(backupWriting)) // not every writer has one
	n, err := d.w.Write(b)
	if err != nil {
		return n, fmt.Errorf("send backup: %w", err)
	}
	if first {
		_ = d.control.Flush() // what ends from here on was begun for the client too
	}
	return n, nil
}
