package console

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"fmt"
	"io/fs"
	"net/http"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"sync/atomic"
	"time"

	"go.uber.org/zap"

	v1 "channelsync/api/v1"
	"channelsync/handlers/internal/identity"
	"channelsync/handlers/internal/web"
)

// liveType is what a page that is open asks for every two seconds: its "live" block alone. The
// answer has it too, so that the script takes nobody else's answer for one: not a proxy's, not
// that of a hotel's network.
const liveType = "text/vnd.channelsync.live+html"

// timeHeader has the time here, in milliseconds since 1970: times on a page go by it, not by the reader's clock. Date counts
// seconds, and may be a proxy's.
const timeHeader = "Service-Time"

// buildHeader names the templates and assets that a block is made of. A page that was made of others lacks parts, or the
// script for them: it is loaded anew, see app.js.
const buildHeader = "Service-Build"

// buildOf names what is in some file systems.
func buildOf(of ...fs.FS) (string, error) {
	sum := sha256.New()
	for _, files := range of {
		err := fs.WalkDir(files, ".", func(name string, d fs.DirEntry, err error) error {
			if err != nil || d.IsDir() {
				return err
			}
			b, err := fs.ReadFile(files, name)
			fmt.Fprintf(sum, "%s %d\n%s", name, len(b), b)
			return err
		})
		if err != nil {
			return "", fmt.Errorf("read what pages are made of: %w", err)
		}
	}
	return hex.EncodeToString(sum.Sum(nil)[:6]), nil
}

// liveFor is how old a block may be: all who look at the same within it get the same one.
const liveFor = time.Second

// follows says whether a request is a page's that is open. No person asks for anything by it.
func follows(r *http.Request) bool { return r.Header.Get("Accept") == liveType }

// block is the "live" block of a page, as HTML, with what names its content.
type block struct {
	html []byte
	tag  string
}

// view is what a block is made for: what is shown, and what whoever looks may see. Two callers
// share one only if all of it is the same.
type view struct{ page, uri, rights string }

// rightsOf is what somebody may see, without who it is.
func rightsOf(who v1.Identity) (allowed v1.Identity, key string) {
	allowed = v1.Identity{Role: who.Role, Installations: slices.Sorted(slices.Values(who.Installations))}
	return allowed, string(who.Role) + " " + strings.Join(allowed.Installations, " ")
}

// live answers with the "live" block of a page, or that it is the one that the browser has.
func (v *visit) live(name string, load func(*visit) (*page, error)) {
	allowed, rights := rightsOf(identity.Of(v.ctx).Identity)
	after, age := v.writes.shown(v.now())
	b, err := v.blocks.Get(v.ctx, view{name, v.r.URL.RequestURI(), rights}, after, func(ctx context.Context) (block, error) {
		// It is made for whoever may see as much: nothing of this caller can get into it.
		ctx = web.MaxAge(identity.With(ctx, identity.Caller{Identity: allowed, Actor: "console"}), age)
		r := v.r.Clone(ctx)
		r.Header = http.Header{"Accept": {liveType}}
		return (&visit{v.Console, nil, r, ctx}).block(name, load)
	})
	if err != nil {
		v.fail(err)
		return
	}
	h := v.w.Header()
	h.Set("Content-Type", liveType+"; charset=utf-8")
	h.Set("ETag", b.tag)
	h.Set(buildHeader, v.build)
	h.Set(timeHeader, strconv.FormatInt(v.now().UnixMilli(), 10))
	if v.r.Header.Get("If-None-Match") == b.tag {
		v.w.WriteHeader(http.StatusNotModified)
		return
	}
	_, _ = v.w.Write(b.html) // the browser is gone if this fails
}

// block renders the "live" block.
func (v *visit) block(name string, load func(*visit) (*page, error)) (block, error) {
	p, err := load(v)
	if err != nil {
		return block{}, err
	}
	var out bytes.Buffer
	if err := v.execute(&out, v.r, name, "live", p); err != nil {
		return block{}, err
	}
	return block{out.Bytes(), tagOf(out.Bytes())}, nil
}

// elapsed matches what a page counts on by itself: how long ago a time is.
var elapsed = regexp.MustCompile(`(<time [^>]*>)[^<]*`)

// tagOf names a block's content; that time goes by is no other content.
func tagOf(html []byte) string {
	sum := sha256.Sum256(elapsed.ReplaceAll(html, []byte("$1")))
	return `W/"` + base64.RawURLEncoding.EncodeToString(sum[:12]) + `"`
}

// failLive answers a page that is open without a page: its script knows what the status means.
func (v *visit) failLive(p *v1.Problem) {
	v.w.Header().Set("Content-Type", liveType)
	v.w.WriteHeader(p.Status)
	v.log.Debug("live page failed", zap.String(v1.LogOperation, v.r.URL.Path), zap.String(v1.LogCause, p.Detail))
}

// writes knows when somebody last changed something by this console.
type writes struct{ at atomic.Pointer[time.Time] }

// note notes that something was changed by now.
func (w *writes) note(now time.Time) { w.at.Store(&now) }

// shown says what may be shown at a time: what was begun after some time, and how old what it
// is made of may be. Whoever has just changed something sees it.
func (w *writes) shown(now time.Time) (after time.Time, age time.Duration) {
	after = now.Add(-liveFor)
	if last := w.at.Load(); last != nil && !last.Before(after) {
		return *last, 0
	}
	return after, liveFor
}
