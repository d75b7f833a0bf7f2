package autotask

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"pgregory.net/rapid"
)

// spoilable is a table some of whose rows spoil every answer that would tell more of
// them than their ids.
func spoilable(n int, guilty []int, spoil http.HandlerFunc) *vendor {
	return spoilableWhere(`"name"`, n, guilty, spoil)
}

// spoilableWhere spoils the answers to queries with a text in them.
func spoilableWhere(text string, n int, guilty []int, spoil http.HandlerFunc) *vendor {
	v := table(n)
	honest := v.answer
	v.answer = func(w http.ResponseWriter, r *http.Request) {
		body, err := io.ReadAll(r.Body)
		if err != nil {
			panic(err)
		}
		answer := &answered{header: http.Header{}}
		r.Body = io.NopCloser(bytes.NewReader(body))
		honest(answer, r)
		found := strings.Contains(string(body), text)
		if found && slices.ContainsFunc(guilty, func(id int) bool {
			return strings.Contains(answer.body.String(), fmt.Sprintf(`{"id":%d,`, id))
		}) {
			spoil(w, r)
			return
		}
		reply(w, max(answer.status, 200), answer.body.String())
	}
	return v
}

type answered struct {
	header http.Header
	status int
	body   bytes.Buffer
}

func (a *answered) Header() http.Header         { return a.header }
func (a *answered) WriteHeader(status int)      { a.status = status }
func (a *answered) Write(b []byte) (int, error) { return a.body.Write(b) }

var spoilings = map[string]http.HandlerFunc{
	"500 with a text": status(500, `{"errors":["Object reference not set"]}`),
	"500":             status(500, ``),
	"502":             status(502, `<html>`),
	"503":             status(503, ``),
	"400":             status(400, `<html>blocked`),
	"403 of a page":   status(403, `<html>blocked`),
	"404":             status(404, `<html>`),
	"413":             status(413, ``),
	"no JSON":         status(200, `<html>blocked`),
	"half of JSON":    status(200, `{"items":[{"id":`),
	"no list":         status(200, `{"items":7}`),
	"too large": func(w http.ResponseWriter, _ *http.Request) {
		_, _ = w.Write(bytes.Repeat([]byte(" "), maxAnswer+1))
	},
}

// TestEachPassesARowThatSpoilsItsPage: whatever comes for it, all others are read, it is
// reported with its id, and finding it takes few requests.
func TestEachPassesARowThatSpoilsItsPage(t *testing.T) {
	for name, spoil := range spoilings {
		for _, guilty := range []int{0, 173, 499, 500, 1199} {
			if name == "too large" && guilty != 173 { // it takes half a second
				continue
			}
			t.Run(fmt.Sprint(name, " ", guilty), func(t *testing.T) {
				v := spoilable(1200, []int{guilty}, spoil)
				rows, err := collect[link](t.Context(), newTestClient(t, v), "Links", Query{})
				if err != nil || len(rows.Items) != 1199 || len(rows.Bad) != 1 || rows.Bad[0].ID != int64(guilty) {
					t.Fatalf("%d rows, bad %v, %v", len(rows.Items), rows.Bad, err)
				}
				if says := rows.Bad[0].Error(); !strings.Contains(says, fmt.Sprintf("Links %d", guilty)) || KindOf(rows.Bad[0]) != KindBadRow {
					t.Errorf("it says %q", says)
				}
				if n := len(v.sent()); n > 5+1+9+6 {
					t.Errorf("%d requests", n)
				}
			})
		}
	}
}

// TestEachPassesARowThatIsNotEvenToldByItsID: what is asked of it makes no difference.
func TestEachPassesARowThatIsNotEvenToldByItsID(t *testing.T) {
	for _, name := range []string{"500 with a text", "503", "403 of a page", "no JSON"} {
		spoil := spoilings[name]
		for _, guilty := range []int{0, 173, 1199} {
			t.Run(fmt.Sprint(name, " ", guilty), func(t *testing.T) {
				v := spoilableWhere("", 1200, []int{guilty}, spoil)
				rows, err := collect[link](t.Context(), newTestClient(t, v), "Links", Query{})
				if err != nil || len(rows.Items) != 1199 || len(rows.Bad) != 1 || rows.Bad[0].ID != int64(guilty) {
					t.Fatalf("%d rows, bad %v, %v", len(rows.Items), rows.Bad, err)
				}
				if n := len(v.sent()); n > 5+1+9+6+5 {
					t.Errorf("%d requests", n)
				}
			})
		}
	}
}

// TestEachFindsALoneRowFarBehindTheOthers, whose id alone spoils the answer.
func TestEachFindsALoneRowFarBehindTheOthers(t *testing.T) {
	const far = 29_683_517
	v := &vendor{}
	v.answer = func(w http.ResponseWriter, r *http.Request) {
		var q queryBody
		if err := json.NewDecoder(r.Body).Decode(&q); err != nil {
			reply(w, 400, ``)
			return
		}
		if slices.ContainsFunc(q.Filter, func(f Filter) bool { return !matches(f, far) }) {
			reply(w, 200, page())
			return
		}
		reply(w, 502, ``)
	}
	rows, err := collect[link](t.Context(), newTestClient(t, v), "Links", Query{})
	if err != nil || len(rows.Bad) != 1 || rows.Bad[0].ID != far || len(v.sent()) > 80 {
		t.Errorf("bad %v, %v after %d requests", rows.Bad, err, len(v.sent()))
	}
}

// TestEachFindsTheRowThatIsNeverAnswered: in minutes, as only its last tries wait for long.
func TestEachFindsTheRowThatIsNeverAnswered(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		v := spoilable(1200, []int{173}, func(_ http.ResponseWriter, r *http.Request) { <-r.Context().Done() })
		start := time.Now()
		rows, err := collect[link](t.Context(), newTestClient(t, v), "Links", Query{})
		if err != nil || len(rows.Items) != 1199 || len(rows.Bad) != 1 || rows.Bad[0].ID != 173 {
			t.Fatalf("%d rows, bad %v, %v", len(rows.Items), rows.Bad, err)
		}
		if took := time.Since(start); took > 6*time.Minute {
			t.Errorf("took %s", took)
		}
	})
}

// TestEachBlamesNoRowWhereAutotaskIsAway: nor where it asks for something else.
func TestEachBlamesNoRowWhereAutotaskIsAway(t *testing.T) {
	for name, answer := range spoilings {
		t.Run(name, func(t *testing.T) {
			v := &vendor{answer: answer}
			rows, err := collect[link](t.Context(), newTestClient(t, v), "Links", Query{})
			if err == nil || len(rows.Items)+len(rows.Bad) != 0 || len(v.sent()) > 4 {
				t.Errorf("%d requests, %v, %v", len(v.sent()), rows, err)
			}
		})
	}
	for name, answer := range map[string]http.HandlerFunc{
		"a right is missing": status(500, `{"errors":["The logged in Resource does not have the adequate permissions to query this entity type."]}`),
		"refused":            status(401, ``),
	} {
		v := spoilable(1200, []int{700}, answer)
		rows, err := collect[link](t.Context(), newTestClient(t, v), "Links", Query{})
		if kind := KindOf(err); kind != KindPermission && kind != KindRefused || len(rows.Bad) != 0 {
			t.Errorf("%s: bad %v, %v", name, rows.Bad, err)
		}
	}
}

// TestEachGivesUpWhereEveryRowIsSpoilt: that is not the rows' fault.
func TestEachGivesUpWhereEveryRowIsSpoilt(t *testing.T) {
	var all []int
	for id := range 500 {
		all = append(all, id)
	}
	v := spoilable(500, all, spoilings["500"])
	if rows, err := collect[link](t.Context(), newTestClient(t, v), "Links", Query{}); err == nil || len(v.sent()) > 16*16+10 {
		t.Errorf("%d requests, %d bad, %v", len(v.sent()), len(rows.Bad), err)
	}
}

// TestEachBlamesOnlyTheGuilty: at random, with one outage that begins and ends at random.
func TestEachBlamesOnlyTheGuilty(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		guilty := rapid.SliceOfNDistinct(rapid.IntRange(0, 999), 0, 6, rapid.ID[int]).Draw(rt, "guilty")
		begins := rapid.IntRange(0, 60).Draw(rt, "outage begins")
		ends := begins + rapid.IntRange(0, 12).Draw(rt, "outage lasts")
		v := spoilable(1000, guilty, spoilings["503"])
		healthy, n := v.answer, 0
		v.answer = func(w http.ResponseWriter, r *http.Request) {
			if n++; n > begins && n <= ends {
				reply(w, 503, ``)
				return
			}
			healthy(w, r)
		}
		var seen []int64
		err := Each(context.Background(), newTestClient(t, v), "Links", Query{}, func(rows Rows[link]) error {
			for _, row := range rows.Items {
				seen = append(seen, row.ID)
			}
			for _, bad := range rows.Bad {
				if !slices.Contains(guilty, int(bad.ID)) {
					return errors.New("an innocent row is blamed: " + bad.Error())
				}
				seen = append(seen, bad.ID)
			}
			return nil
		})
		if err != nil && KindOf(err) == "" {
			rt.Fatal(err)
		}
		if err == nil && len(seen) != 1000 || !slices.IsSorted(seen) {
			rt.Fatalf("%d rows, sorted %v", len(seen), slices.IsSorted(seen))
		}
	})
}
