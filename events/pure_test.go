package events

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"

	v1 "channelsync/api/v1"
)

func TestCheckVersion(t *testing.T) {
	for _, c := range []struct {
		version string
		level   int
		refused string
	}{
		{"2.15.0", 5, ""},
		{"2.15.2", 4, ""},
		{"v2.16.0-RC.1", 6, ""},
		{"3.0.0+build.7", 9, ""},
		{"2.14.9", 4, "nats server 2.14.9 is too old: channelsync needs 2.15.0 or newer"},
		{"2.9.25", 0, "too old"},
		{"1.99.99", 9, "too old"},
		{"2.15.2", 3, "API level is 3"},
		{"", 5, "major.minor.patch"},
		{"2.15", 5, "major.minor.patch"},
		{"two.15.0", 5, "major.minor.patch"},
	} {
		err := checkVersion(c.version, c.level)
		if (err == nil) != (c.refused == "") || err != nil && !strings.Contains(err.Error(), c.refused) {
			t.Errorf("%q level %d: %v", c.version, c.level, err)
		}
	}
}

func TestReadFlush(t *testing.T) {
	for body, want := range map[string]string{
		`{"data":{"jetstream":{"config":{"sync_always":true,"sync_interval":120000000000}}}}`: "always",
		`{"data":{"jetstream":{"config":{"sync_interval":120000000000}}}}`:                    "2m0s",
		`{"data":{}}`:      "unknown",
		`{"error":"no"}`:   "unknown",
		`not json`:         "unknown",
		`{"data":"other"}`: "unknown",
	} {
		if got := readFlush([]byte(body)); got != want {
			t.Errorf("%s: %s, want %s", body, got, want)
		}
	}
}

func TestErrorsAreToldApart(t *testing.T) {
	api := func(code jetstream.ErrorCode, description string) error {
		return fmt.Errorf("nats: %w", &jetstream.APIError{ErrorCode: code, Description: description})
	}
	for _, c := range []struct {
		name         string
		err          error
		full, frozen bool
	}{
		{"none", nil, false, false},
		{"cap", api(10077, "maximum bytes exceeded"), true, false},
		{"disk limit", api(10023, "insufficient resources"), true, false},
		{"account limit", api(10002, "resource limits exceeded for account"), true, false},
		{"write error", api(10077, "write error"), false, true},
		{"no answer", context.DeadlineExceeded, false, true},
		{"caller left", context.Canceled, false, false},
		{"revision", api(10071, "wrong last sequence: 4"), false, false},
	} {
		if isFull(c.err) != c.full || looksFrozen(c.err) != c.frozen {
			t.Errorf("%s: full %t, frozen %t", c.name, isFull(c.err), looksFrozen(c.err))
		}
	}
}

func FuzzParseChangeSubject(f *testing.F) {
	for _, s := range []string{
		"change." + inst + ".company.1", "change." + inst + ".contact.0", "change." + inst + ".company.007",
		"change..company.1", "change." + inst + ".company.-1", "", "....", "change." + inst + ".company.9223372036854775808",
	} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		installation, kind, id, err := parseChangeSubject(s)
		if err != nil {
			if !errors.Is(err, ErrBadName) {
				t.Fatalf("%q: %v", s, err)
			}
			return
		}
		if again := fmt.Sprintf("change.%s.%s.%d", installation, kind, id); again != s {
			t.Fatalf("%q came back as %q", s, again)
		}
	})
}

func FuzzParseDueSubject(f *testing.F) {
	for _, s := range []string{
		"due." + inst + ".company.live.1", "due." + inst + ".contract.bulk.0", "due." + inst + ".company.live.*",
		"due." + inst + ".company.later.1", "due.probe", "due." + inst + ".company.live.1.2",
	} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		m, err := parseDueSubject(s)
		if err != nil {
			return
		}
		if again, err := dueSubject(m.Installation, m.Kind, m.Lane, m.ID); err != nil || again != s {
			t.Fatalf("%q came back as %q, %v", s, again, err)
		}
	})
}

func FuzzReadChange(f *testing.F) {
	subject := "change." + inst + ".company.5"
	f.Add(`{"trigger":"callback","fields":["name"],"sequenceNumber":3}`)
	f.Add(`{"eventTime":"2026-11-23T10:00:00Z"}`)
	f.Add(`{"trigger":7}`)
	f.Add(``)
	f.Fuzz(func(t *testing.T, body string) {
		c, _ := readChange(subject, nats.Header{}, []byte(body))
		if c.Installation != inst || c.Kind != v1.KindCompany || c.ID != 5 {
			t.Fatalf("lost the record: %+v", c)
		}
	})
}

func FuzzParseVersion(f *testing.F) {
	for _, s := range []string{"2.15.2", "v2.15.0-RC.1", "1.2", "a.b.c", "2.15.2+x", "99999999999.0.0"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		v, err := parseVersion(s)
		if err == nil && (v[0] < 0 || v[1] < 0 || v[2] < 0) {
			t.Fatalf("%q: %v", s, v)
		}
	})
}

func FuzzReadFlush(f *testing.F) {
	f.Add([]byte(`{"data":{"jetstream":{"config":{"sync_interval":-5}}}}`))
	f.Add([]byte(`[]`))
	f.Fuzz(func(t *testing.T, b []byte) {
		if readFlush(b) == "" {
			t.Fatal("said nothing")
		}
	})
}

// FuzzReadMark: a mark whose body is anything still names the record of its subject.
func FuzzReadMark(f *testing.F) {
	f.Add("due."+inst+".company.live.174", []byte(`{"id":9,"kind":"contract","fields":["a"]}`))
	f.Add("due."+inst+".contract.bulk.0", []byte("null"))
	f.Add("due..company.live.1", []byte(nil))
	f.Fuzz(func(t *testing.T, subject string, body []byte) {
		m, err := readMark(subject, body)
		if err != nil {
			return
		}
		if again, err := dueSubject(m.Installation, m.Kind, m.Lane, m.ID); err != nil || again != subject {
			t.Errorf("%q names %+v, which is due under %q, %v", subject, m, again, err)
		}
	})
}

// FuzzReadDeadLetter: what lies under a dead letter's subject is one of its installation, or an error.
func FuzzReadDeadLetter(f *testing.F) {
	f.Add("dead."+inst+".01JX-a_b", []byte(`{"kind":"company","recordId":"174","attempts":8,"sealed":"AAAA"}`))
	f.Add("dead."+inst+".", []byte(`{}`))
	f.Add("dead.x.y", []byte(`null`))
	f.Add("", []byte(`{"installation":"another"}`))
	f.Fuzz(func(t *testing.T, subject string, body []byte) {
		l, err := readDeadLetter(&jetstream.RawStreamMsg{Subject: subject, Data: body, Sequence: 7})
		if err == nil && (len(l.Installation) != installationLength || l.ID == "" || l.Sequence != 7) {
			t.Errorf("%q: read %+v", subject, l)
		}
	})
}
