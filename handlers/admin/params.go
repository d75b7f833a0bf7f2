package admin

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	v1 "channelsync/api/v1"
	"channelsync/handlers/internal/web"
)

const (
	defaultLimit = 50
	maxLimit     = 500
	maxCursor    = 1024
	maxSearch    = 200
	maxUsername  = 200 // as in api/v1
	maxToken     = 64
)

// installation is the {id} of the path; one of a wrong form cannot exist.
func (c *call) installation() (string, error) {
	id := c.r.PathValue("id")
	if !web.IsInstallationID(id) {
		return "", v1.NotFound("There is no such installation.")
	}
	return id, nil
}

// withInstallation gives f the {id} of the path.
func withInstallation(f func(c *call, id string) (reply, error)) func(*call) (reply, error) {
	return func(c *call) (reply, error) {
		id, err := c.installation()
		if err != nil {
			return reply{}, err
		}
		return f(c, id)
	}
}

// withOnlyInstallation gives f the {id} of the path of a request that takes no parameters.
func withOnlyInstallation(f func(c *call, id string) (reply, error)) func(*call) (reply, error) {
	return withInstallation(func(c *call, id string) (reply, error) {
		if err := c.query().err(); err != nil {
			return reply{}, err
		}
		return f(c, id)
	})
}

// withBody also gives f the body, as read by decode or decodeOptional.
func withBody[T any](read func(*call) (T, error), f func(c *call, id string, in T) (reply, error)) func(*call) (reply, error) {
	return withOnlyInstallation(func(c *call, id string) (reply, error) {
		in, err := read(c)
		if err != nil {
			return reply{}, err
		}
		return f(c, id, in)
	})
}

// sync is the {sync} of the path.
func (c *call) sync() (v1.Sync, error) {
	s := v1.Sync(c.r.PathValue("sync"))
	if !slices.Contains(v1.Syncs, s) {
		return "", v1.NotFound("There is no such sync; the syncs are active_customers and active_customer_contracts.")
	}
	return s, nil
}

// record is the {kind}/{record} of the path.
func (c *call) record() (v1.Kind, int64, error) {
	kind := v1.Kind(c.r.PathValue("kind"))
	if !isRecordKind(kind) {
		return "", 0, v1.NotFound("There is no such kind; the kinds are company and contract.")
	}
	id, ok := v1.ParseRecordID(c.r.PathValue("record"))
	if !ok {
		return "", 0, v1.NotFound("There is no such record; the id of a record is a decimal number.")
	}
	return kind, id, nil
}

func isRecordKind(k v1.Kind) bool { return k == v1.KindCompany || k == v1.KindContract }

// job is the {job} of the path.
func (c *call) job() (string, error) {
	id := c.r.PathValue("job")
	if !isToken(id) {
		return "", v1.NotFound("There is no such job.")
	}
	return id, nil
}

// deadLetter is the {letter} of the path.
func (c *call) deadLetter() (string, error) {
	id := c.r.PathValue("letter")
	if !isToken(id) {
		return "", v1.NotFound("There is no such dead letter.")
	}
	return id, nil
}

// isToken says whether s has the form of the id of a job or a dead letter.
func isToken(s string) bool {
	const allowed = "abcdefghijklmnopqrstuvwxyz0123456789-_"
	return s != "" && len(s) <= maxToken && strings.Trim(strings.ToLower(s), allowed) == ""
}

// query reads the query parameters that a route knows; any other is refused, so
// that a mistyped ?preview=true never changes anything by mistake.
type query struct {
	values map[string][]string
	errs   []v1.FieldError
}

func (c *call) query(known ...string) *query {
	q := &query{values: c.r.URL.Query()}
	for name := range q.values {
		if !slices.Contains(known, name) {
			want := "none"
			if len(known) > 0 {
				want = strings.Join(known, ", ")
			}
			q.wrong(shorten(name), "unknown_parameter", "got a parameter that is not known here, want "+want)
		}
	}
	slices.SortFunc(q.errs, func(a, b v1.FieldError) int { return strings.Compare(a.Pointer, b.Pointer) })
	return q
}

func (q *query) wrong(name, code, detail string) {
	q.errs = append(q.errs, v1.FieldError{Pointer: "?" + name, Code: code, Detail: detail})
}

// err is the 422 that names every wrong parameter, or nil.
func (q *query) err() error {
	if len(q.errs) == 0 {
		return nil
	}
	return v1.Invalid("The query of the request is not valid.", q.errs...)
}

func (q *query) text(name string, most int) string {
	v := q.values[name]
	if len(v) == 0 {
		return ""
	}
	text := v1.Trim(v[0])
	if len(v) > 1 || len([]rune(text)) > most {
		q.wrong(name, "max", fmt.Sprintf("got it several times or too long, want it once with at most %d characters", most))
		return ""
	}
	return text
}

func (q *query) oneOf(name string, allowed ...string) string {
	v := q.text(name, maxSearch)
	if v != "" && !slices.Contains(allowed, v) {
		q.wrong(name, "oneof", fmt.Sprintf("got %q, want %s", shorten(v), strings.Join(allowed, " or ")))
	}
	return v
}

// code is a word of a list, or the code of something else.
func (q *query) code(name string, listed []string) string {
	v := q.text(name, maxToken)
	if v != "" && !slices.Contains(listed, v) && !v1.KnownCode(v) {
		q.wrong(name, "oneof", fmt.Sprintf("got %q, want %s", shorten(v), orWords(listed)))
	}
	return v
}

// installation is the id of one; it may be erased already.
func (q *query) installation() string {
	id := q.text("installation", maxSearch)
	if id != "" && !web.IsInstallationID(id) {
		q.wrong("installation", "id", fmt.Sprintf("got %q, want the id of an installation", shorten(id)))
	}
	return id
}

// timeOrDay is a time with its offset, or a day. A blank before the offset was a plus that nobody escaped.
func (q *query) timeOrDay(name string) string {
	v := q.text(name, maxSearch)
	if i := len(v) - len("+01:00"); i > 0 && v[i] == ' ' {
		v = v[:i] + "+" + v[i+1:]
	}
	if _, err := time.Parse(time.RFC3339, v); err == nil || v == "" {
		return v
	}
	if _, err := time.Parse(time.DateOnly, v); err != nil {
		q.wrong(name, "time", fmt.Sprintf("got %q, want a day such as 2026-11-03, or a time such as 2026-11-03T17:00:00+01:00", shorten(v)))
	}
	return v
}

func (q *query) cursor() string { return q.text("cursor", maxCursor) }

// limit is how many items a page has at most: 1 to 500, 50 when nothing is said.
func (q *query) limit() int { return q.limitOr(defaultLimit) }

// limitOr is the same with another number when nothing is said.
func (q *query) limitOr(unsaid int) int {
	v := q.text("limit", maxSearch)
	if v == "" {
		return unsaid
	}
	n, err := strconv.Atoi(v)
	if err != nil || n < 1 || n > maxLimit {
		q.wrong("limit", "range", fmt.Sprintf("got %q, want a number from 1 to %d", shorten(v), maxLimit))
	}
	return n
}

// shorten keeps what is repeated to the client small.
func shorten(s string) string {
	if r := []rune(s); len(r) > 40 {
		return string(r[:40]) + "…"
	}
	return s
}
