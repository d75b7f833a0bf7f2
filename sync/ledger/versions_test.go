package ledger

import (
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"testing"
	"time"

	"pgregory.net/rapid"

	v1 "channelsync/api/v1"
)

// change makes a version of an entry as a push at a time does.
func change(e *Entry, at time.Time, sent string) {
	current := e.Current()
	e.Projection = json.RawMessage(sent)
	e.AddVersion(current, Version{At: at, Kind: v1.VersionSent, Cause: v1.Cause{Trigger: v1.TriggerCallback}})
}

// clientOf is what is sent of a client, with all that it can have, in about the size that it has.
func clientOf(random *rand.Rand) string {
	return fmt.Sprintf(`{"address":{"city":"Albany","country":"US","line1":"%d Tech Valley Drive","line2":"Suite 200","postalCode":"12061","region":"NY"},`+
		`"emails":[{"value":"ann.lee.%x@northwind.example"},{"value":"office@northwind.example"},{"value":"billing@northwind.example"}],`+
		`"name":"Northwind Traders International","phones":[{"value":"518-555-%04d"},{"value":"518-555-0199"}],"websites":[{"value":"https://www.northwind.example"}]}`,
		random.IntN(1000), random.Uint32(), random.IntN(10000))
}

// The newest are kept whatever their age, others for 90 days after they were replaced.
func TestVersionsAreKeptByNumberOrAge(t *testing.T) {
	const day = 24 * time.Hour
	for name, one := range map[string]struct {
		every  time.Duration
		pushes int
		want   int // in the end
	}{
		"a few":                              {365 * day, 10, 10},
		"more than are kept, years ago":      {30 * day, 200, VersionsLeast},
		"more than are kept, within 90 days": {day, 200, 91}, // the one that was held 90 days ago is the 91st
		"all day long":                       {day / 1000, 2500, versionsMost},
	} {
		e, now := company(1, "Northwind", v1.OutcomePushed), at
		for i := range one.pushes {
			change(e, now, fmt.Sprintf(`{"name":"%d"}`, i))
			now = now.Add(one.every)
		}
		got := e.Versions()
		if len(got) != one.want || got[len(got)-1].Number != one.pushes || got[0].Number != one.pushes-one.want+1 {
			t.Errorf("%s: %d versions from %d to %d", name, len(got), got[0].Number, got[len(got)-1].Number)
		}
		for i, v := range got {
			if string(v.Sent) != fmt.Sprintf(`{"name":"%d"}`, v.Number-1) || i > 0 && v.Number != got[i-1].Number+1 {
				t.Fatalf("%s: version %d is %s", name, v.Number, v.Sent)
			}
		}
	}
}

// What no push lets go of, the next reconcile does.
func TestVersionsGoWithoutAPushToo(t *testing.T) {
	e := company(1, "Northwind", v1.OutcomePushed)
	for i := range 60 {
		change(e, at.Add(time.Duration(i)*time.Hour), fmt.Sprintf(`{"name":"%d"}`, i))
	}
	last := at.Add(59 * time.Hour)
	e.TrimVersions(last.Add(80 * 24 * time.Hour))
	if n := len(e.Versions()); n != 60 {
		t.Errorf("%d after 80 days", n)
	}
	e.TrimVersions(last.Add(VersionsFor - 55*time.Hour)) // those replaced within the first 4 hours are over age
	if n := len(e.Versions()); n != 56 {
		t.Errorf("%d once the first are over age", n)
	}
	e.TrimVersions(last.Add(2 * VersionsFor))
	if n := len(e.Versions()); n != VersionsLeast || !e.Former.TrimAt.IsZero() {
		t.Errorf("%d in the end, and the next is due %s", n, e.Former.TrimAt)
	}
}

// However large what is sent is, a record's versions take so much and no more.
func TestVersionsAreBoundedInSize(t *testing.T) {
	random := rand.New(rand.NewPCG(1, 2))
	e := company(1, "Northwind", v1.OutcomePushed)
	for i := range 300 {
		noise := make([]byte, 2000)
		for j := range noise {
			noise[j] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_"[random.IntN(64)]
		}
		change(e, at.Add(time.Duration(i)*time.Minute), fmt.Sprintf(`{"name":"%s"}`, noise))
		if n := len(e.Former.lines()); e.Former != nil && (len(e.Former.Packed) > versionsBytes || n > 50) {
			t.Fatalf("%d versions take %d bytes", n, len(e.Former.Packed))
		}
	}
	got := e.Versions()
	if len(got) < 20 || got[len(got)-1].Number != 300 {
		t.Errorf("kept are %d", len(got))
	}
	change(e, at.Add(time.Hour*9), `{"name":"`+string(make([]byte, 0))+`"}`)
	huge := make([]byte, 200_000)
	for j := range huge {
		huge[j] = byte('a' + random.IntN(26))
	}
	change(e, at.Add(10*time.Hour), `{"name":"`+string(huge)+`"}`)
	change(e, at.Add(11*time.Hour), `{"name":"small"}`)
	if got := e.Versions(); len(got) != 1 || got[0].Number != 303 {
		t.Errorf("after one that is larger than all may be: %d", len(got))
	}
}

func TestVersionsSurviveTheStore(t *testing.T) {
	p := open(t)
	e := company(1, "Northwind", v1.OutcomePushed)
	change(e, at, `{"name":"a"}`)
	change(e, at.Add(time.Hour), `{"name":"b"}`)
	write(t, p.ledger(), e)
	got := read(t, p.ledger(), 1)[1].Versions()
	if len(got) != 2 || string(got[0].Sent) != `{"name":"a"}` || string(got[1].Sent) != `{"name":"b"}` || got[1].Trigger != v1.TriggerCallback || !got[0].At.Equal(at) {
		t.Errorf("got %+v", got)
	}
	if err := p.ledger().PurgeKind(t.Context(), inst, v1.KindCompany); err != nil {
		t.Fatal(err)
	}
	if left := read(t, p.ledger(), 1); len(left) != 0 {
		t.Errorf("after the purge: %+v", left)
	}
}

// Times never go back and numbers never repeat, whatever the clock does.
func TestVersionsAreInOrder(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		e, now := company(1, "x", v1.OutcomePushed), at
		n := rapid.IntRange(1, 200).Draw(rt, "pushes")
		for i := range n {
			now = now.Add(time.Duration(rapid.Int64Range(-48, 24*40).Draw(rt, "hours")) * time.Hour)
			change(e, now, fmt.Sprintf(`{"n":%d}`, i))
		}
		got := e.Versions()
		if len(got) < min(n, VersionsLeast) || got[len(got)-1].Number != n {
			rt.Fatalf("%d versions of %d pushes", len(got), n)
		}
		for i := 1; i < len(got); i++ {
			if got[i].Number != got[i-1].Number+1 || got[i].At.Before(got[i-1].At) {
				rt.Fatalf("%+v after %+v", got[i], got[i-1])
			}
		}
	})
}

// BenchmarkVersions says how large versions of clients are, and what one more costs.
func BenchmarkVersions(b *testing.B) {
	for _, kept := range []int{1, 50, 1000} {
		b.Run(fmt.Sprintf("of %d", kept), func(b *testing.B) {
			random := rand.New(rand.NewPCG(1, 2))
			e := company(1, "Northwind", v1.OutcomePushed)
			for i := range kept {
				change(e, at.Add(time.Duration(i)*time.Minute), clientOf(random))
			}
			plain, packed := len(clientOf(random)), 0
			if e.Former != nil {
				packed = len(e.Former.Packed)
			}
			for b.Loop() {
				one := *e
				change(&one, at.Add(9999*time.Minute), clientOf(random))
			}
			b.ReportMetric(float64(plain), "plain-bytes")
			b.ReportMetric(float64(packed)/float64(max(kept-1, 1)), "bytes/version")
		})
	}
}
