package events

import (
	"errors"
	"fmt"
	"testing"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"

	v1 "channelsync/api/v1"
	js "channelsync/events/internal/jetstream"
)

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
			if !errors.Is(err, js.ErrBadName) {
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
		e, err := parseDueSubject(s)
		if err != nil {
			return
		}
		if again, err := dueSubject(e.Installation, e.Kind, e.Lane, e.ID); err != nil || again != s {
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

// FuzzReadDueEntry: a due entry names the record of its subject, whatever its body.
func FuzzReadDueEntry(f *testing.F) {
	f.Add("due."+inst+".company.live.174", []byte(`{"id":9,"kind":"contract","fields":["a"]}`))
	f.Add("due."+inst+".contract.bulk.0", []byte("null"))
	f.Add("due..company.live.1", []byte(nil))
	f.Fuzz(func(t *testing.T, subject string, body []byte) {
		e, err := readDueEntry(subject, body)
		if err != nil {
			return
		}
		if again, err := dueSubject(e.Installation, e.Kind, e.Lane, e.ID); err != nil || again != subject {
			t.Errorf("%q names %+v, which is due under %q, %v", subject, e, again, err)
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
		if err == nil && (len(l.Installation) != js.InstallationLength || l.ID == "" || l.Sequence != 7) {
			t.Errorf("%q: read %+v", subject, l)
		}
	})
}
