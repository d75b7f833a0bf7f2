package export

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/go-chi/chi/v5"
	"go.uber.org/zap"

	v1 "channelsync/api/v1"
	"channelsync/handlers/internal/access"
	"channelsync/handlers/internal/identity"
	"channelsync/handlers/internal/web"
)

// writing is how long a piece of a file may take to be taken.
const writing = 30 * time.Second

// Config is what an exporter needs.
type Config struct {
	API     http.Handler // the admin API, below /api/v1
	Auditor access.Auditor
	Log     *zap.Logger
	Now     func() time.Time
}

// Exporter is the admin API with ?format= on its lists; mount it where the API would be.
type Exporter struct {
	Config
	closing *web.Closing
}

// New makes an exporter.
func New(cfg Config) *Exporter { return &Exporter{cfg, web.NewClosing()} }

// ServeHTTP answers an export; whatever is none is the API's.
func (e *Exporter) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	query := r.URL.Query()
	l, installation, known := find(chi.RouteContext(r.Context()).RoutePath)
	if !known || !query.Has("format") || r.Method != http.MethodGet && r.Method != http.MethodHead {
		e.API.ServeHTTP(w, r)
		return
	}
	if p := l.wrong(query); p != nil {
		web.Problem(w, p)
		return
	}
	until, stop := identity.Until(r.Context()) // whoever lost the right to it does not get the rest
	defer stop()
	ctx, cancel := context.WithCancel(until)
	defer cancel()
	defer e.closing.Then(r, cancel)()
	_ = http.NewResponseController(w).SetReadDeadline(time.Time{}) // it is for the request only; not every writer has one
	x := &exported{Exporter: e, list: l, format: Format(query.Get("format")), installation: installation, r: r.WithContext(ctx), w: w}
	x.serve(query)
}

// wrong is what is wrong with the query of an export.
func (l list) wrong(query url.Values) *v1.Problem {
	var errs []v1.FieldError
	if f := query["format"]; len(f) != 1 || !slices.Contains(Formats, Format(f[0])) {
		errs = append(errs, v1.FieldError{Pointer: "?format", Code: "oneof", Detail: "got another format, want csv, csv-spreadsheet or json, once"})
	}
	for _, name := range []string{"cursor", "limit", "values", "at"} {
		if query.Has(name) {
			errs = append(errs, v1.FieldError{Pointer: "?" + name, Code: "unknown", Detail: "got it with a format, want it left out: an export is the whole list"})
		}
	}
	for name := range l.equal {
		v := v1.Trim(query.Get(name))
		if v != "" && !slices.Contains(values[name], v) && (name != "code" || !v1.KnownCode(v)) {
			errs = append(errs, v1.FieldError{Pointer: "?" + name, Code: "oneof", Detail: "got another value, want one of " + strings.Join(values[name], ", ")})
		}
	}
	if len(errs) == 0 {
		return nil
	}
	slices.SortFunc(errs, func(a, b v1.FieldError) int { return strings.Compare(a.Pointer, b.Pointer) })
	return v1.Invalid("The query of the request is not valid.", errs...)
}

// exported is one export while it is written.
type exported struct {
	*Exporter
	list         list
	format       Format
	installation string
	r            *http.Request
	w            http.ResponseWriter
	count        int // items written
}

func (x *exported) serve(query url.Values) {
	filtered := described(query)
	query.Del("format")
	keep := x.list.filter(query)
	maps.Copy(query, x.list.ask)
	first := x.ask(query)
	if first.status != http.StatusOK { // it is refused as the list itself would be
		first.copyTo(x.w)
		return
	}
	if x.r.Method == http.MethodHead {
		x.list.head(x.w.Header(), x.format)
		return
	}
	err := x.write(first, query, keep)
	x.audit(filtered, err)
	if err != nil {
		x.Log.Warn("export ended early", zap.String(v1.LogOperation, x.list.name), zap.NamedError(v1.LogCause, err))
		panic(http.ErrAbortHandler) // what net/http wants of an answer that cannot be completed
	}
}

// Filters are the parameters by whose values lists are limited, the search apart.
var Filters = []string{"kind", "outcome", "reason", "state", "code", "trigger", "installation"}

// described is what an export is limited to, for the audit. What was searched for may name a client and is not
// kept: the audit outlives the erasing of an installation.
func described(query url.Values) string {
	var words []string
	for _, name := range Filters {
		if v := v1.Trim(query.Get(name)); v != "" && len(v) <= 64 {
			words = append(words, name+" "+v)
		}
	}
	if v1.Trim(query.Get("q")) != "" {
		words = append(words, "a search")
	}
	if len(words) == 0 {
		return "all"
	}
	return strings.Join(words, ", ")
}

func (x *exported) audit(filtered string, err error) {
	entry := access.Entry(identity.Of(x.r.Context()))
	entry.At, entry.Action, entry.Installation, entry.OK = x.Now().UTC(), "export", x.installation, err == nil
	entry.Detail = fmt.Sprintf("%s as %s, %s: %d", x.list.name, x.format, filtered, x.count)
	if err != nil {
		entry.Detail += ", broken off"
	}
	if x.Auditor != nil {
		x.Auditor.Audit(context.WithoutCancel(x.r.Context()), entry)
	}
}

// write goes through the pages. Each is written before the next is asked for.
func (x *exported) write(page *recorder, query url.Values, keep func(json.RawMessage) bool) error {
	x.list.head(x.w.Header(), x.format)
	out := x.list.writer(x.format, Pieces(x.w))
	if err := out.begin(); err != nil {
		return fmt.Errorf("write: %w", err)
	}
	for {
		items, next, err := x.list.read(page.body.Bytes())
		if err != nil {
			return err
		}
		for _, item := range items {
			if !keep(item) {
				continue
			}
			if err := out.item(item); err != nil {
				return err
			}
			x.count++
		}
		if next == "" {
			return out.end(x.count)
		}
		if next == query.Get("cursor") {
			return errors.New("the list does not go on")
		}
		query.Set("cursor", next)
		if page = x.ask(query); page.status != http.StatusOK {
			return fmt.Errorf("the list broke off with %d", page.status)
		}
	}
}

// read is the items of a page, and the cursor of the next; empty on the last.
func (l list) read(body []byte) (items []json.RawMessage, next string, err error) {
	var fields map[string]json.RawMessage
	if err := json.Unmarshal(body, &fields); err != nil {
		return nil, "", fmt.Errorf("read a page: %w", err)
	}
	if err := json.Unmarshal(fields[l.items], &items); err != nil {
		return nil, "", fmt.Errorf("read the items of a page: %w", err)
	}
	if l.paged {
		if err := json.Unmarshal(fields["nextCursor"], &next); err != nil { // null leaves it empty
			return nil, "", fmt.Errorf("read the cursor of a page: %w", err)
		}
	}
	return items, next, nil
}

// ask asks the API for a page, as whoever asks for the export.
func (x *exported) ask(query url.Values) *recorder {
	path := chi.RouteContext(x.r.Context()).RoutePath
	route := chi.NewRouteContext() // the API routes each page anew
	route.RoutePath = path
	r := x.r.Clone(context.WithValue(x.r.Context(), chi.RouteCtxKey, route))
	r.Method = http.MethodGet
	r.URL.RawQuery = query.Encode()
	r.RequestURI = r.URL.RequestURI()
	answer := &recorder{header: http.Header{}, status: http.StatusOK}
	x.API.ServeHTTP(answer, r)
	return answer
}

// head names the file and says what is in it.
func (l list) head(h http.Header, format Format) {
	kind, extension, name := "text/csv; charset=utf-8", "csv", l.name
	switch format {
	case JSON:
		kind, extension = "application/json", "json"
	case Spreadsheet:
		name += "-spreadsheet"
	case CSV:
	}
	h.Set("Content-Type", kind)
	h.Set("Content-Disposition", `attachment; filename="`+name+"."+extension+`"`)
	h.Set("Cache-Control", "no-store")
	h.Set("X-Content-Type-Options", "nosniff")
	h.Set("X-Accel-Buffering", "no") // nginx would keep it on its own disk
}

// writer writes items in a format.
type writer interface {
	begin() error
	item(json.RawMessage) error
	end(count int) error
}

func (l list) writer(format Format, to io.Writer) writer {
	if format == JSON {
		return &document{to: to}
	}
	return &sheet{l, table{to: to, header: names(l.columns), spreadsheet: format == Spreadsheet}}
}

// Pieces is a writer of an answer of any length, each piece of which has its own time to be taken.
func Pieces(w http.ResponseWriter) io.Writer {
	return &pieces{w: w, control: http.NewResponseController(w)}
}

type pieces struct {
	w       io.Writer
	control *http.ResponseController
	begun   bool
}

func (p *pieces) Write(b []byte) (int, error) {
	_ = p.control.SetWriteDeadline(time.Now().Add(writing)) // not every writer has one
	n, err := p.w.Write(b)
	if err != nil {
		return n, fmt.Errorf("send export: %w", err)
	}
	if !p.begun {
		p.begun = true
		_ = p.control.Flush() // what ends from here on was begun for the client too
	}
	return n, nil
}

// Answer writes items that are in memory already as a list that the API has not: sessions or options-preview.
func Answer[T any](w http.ResponseWriter, name string, format Format, items []T) error {
	l := own[name]
	l.head(w.Header(), format)
	out := l.writer(format, w)
	if err := out.begin(); err != nil {
		return err
	}
	for _, item := range items {
		raw, err := json.Marshal(item)
		if err != nil {
			return fmt.Errorf("encode an item: %w", err)
		}
		if err := out.item(raw); err != nil {
			return err
		}
	}
	return out.end(len(items))
}

// sheet writes items as rows.
type sheet struct {
	list list
	table
}

func (s *sheet) item(raw json.RawMessage) error {
	rows, err := s.list.rows(raw)
	if err != nil {
		return err
	}
	for _, row := range rows {
		if err := s.row(row); err != nil {
			return err
		}
	}
	return nil
}

func (s *sheet) end(int) error { return nil }

// document writes items as one JSON document, whose count comes last: one that broke off has none.
type document struct {
	to       io.Writer
	nonEmpty bool
}

func (d *document) begin() error { return d.write(`{"items":[`) }

func (d *document) item(raw json.RawMessage) error {
	before := "\n"
	if d.nonEmpty {
		before = ",\n"
	}
	d.nonEmpty = true
	var b bytes.Buffer
	if err := json.Compact(&b, raw); err != nil {
		return fmt.Errorf("read an item: %w", err)
	}
	return d.write(before + b.String())
}

func (d *document) end(count int) error {
	return d.write("\n],\"count\":" + strconv.Itoa(count) + "}\n")
}

func (d *document) write(s string) error {
	_, err := io.WriteString(d.to, s)
	return err //nolint:wrapcheck // of whoever is written to
}

// recorder keeps a page.
type recorder struct {
	header http.Header
	status int
	body   bytes.Buffer
}

func (r *recorder) Header() http.Header         { return r.header }
func (r *recorder) WriteHeader(status int)      { r.status = status }
func (r *recorder) Write(b []byte) (int, error) { return r.body.Write(b) } //nolint:wrapcheck // never fails

func (r *recorder) copyTo(w http.ResponseWriter) {
	for name, values := range r.header {
		w.Header()[name] = values
	}
	w.WriteHeader(r.status)
	_, _ = w.Write(r.body.Bytes()) // the client is gone if this fails
}
