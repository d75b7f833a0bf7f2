//go:build linux

package fault

import (
	"bytes"
	"fmt"
	"io"
	"io/fs"
	"net/http"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	v1 "channelsync/api/v1"
	"channelsync/test/harness"
	"channelsync/test/harness/service"
	"channelsync/test/sim/autotask/callout"
	simfault "channelsync/test/sim/autotask/fault"
	atsim "channelsync/test/sim/autotask/sim"
	cpsim "channelsync/test/sim/channelprogram/sim"
)

// neighbour is a second installation in the same service: another API user of the
// tenant, and another connection.
func neighbour(t *testing.T, w *service.Harness) v1.Installation {
	t.Helper()
	req := service.Create(v1.SyncActiveCustomers)
	req.Name, req.Username, req.Secret = "The neighbour", "neighbour@msp.example", "At-Secret-of-the-neighbour"
	w.Autotask.AddUser(req.Username, req.Secret.Reveal())
	req.ChannelProgram = v1.ChannelProgramTarget{ConnectionID: "msp-two", Token: "cp-token-of-the-neighbour"}
	in, err := w.Admin.CreateInstallation(t.Context(), req)
	harness.OK(t, err)
	return w.Until(in.ID, "live and called by its webhooks", soon, func(in v1.Installation) bool { return in.State == v1.StateLive && called(in) })
}

// hookOf is the company webhook that posts to an installation.
func hookOf(t *testing.T, w *service.Harness, in v1.Installation) atsim.Webhook {
	t.Helper()
	for _, h := range w.Autotask.Webhooks() {
		if h.Collection == "CompanyWebhooks" && strings.Contains(h.URL, in.ID) {
			return h
		}
	}
	t.Fatalf("no company webhook posts to %s", in.ID)
	return atsim.Webhook{}
}

// poster posts callbacks the way Autotask does, and counts what they are answered.
type poster struct {
	*http.Client
	mu      sync.Mutex
	answers map[int]int // 0: none
	slowest time.Duration
}

func newPoster(t *testing.T) *poster {
	transport := &http.Transport{MaxIdleConnsPerHost: 64}
	t.Cleanup(transport.CloseIdleConnections)
	return &poster{Client: &http.Client{Transport: transport}, answers: map[int]int{}}
}

func (p *poster) post(t *testing.T, w *service.Harness, in v1.Installation, secret string, body []byte) (status int) {
	req, err := http.NewRequestWithContext(t.Context(), http.MethodPost, w.CallbackURL+"/callbacks/autotask/"+in.ID, bytes.NewReader(body))
	if err != nil {
		t.Error(err)
		return 0
	}
	req.Header.Set(callout.SignatureHeader, callout.Sign(secret, body))
	began := time.Now()
	resp, err := p.Do(req)
	took := time.Since(began)
	if err == nil {
		_, _ = io.Copy(io.Discard, resp.Body)
		_ = resp.Body.Close()
		status = resp.StatusCode
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	p.answers[status]++
	p.slowest = max(p.slowest, took)
	return status
}

// folder is how many bytes the files of a directory have.
func folder(t *testing.T, dir string) (size int64) {
	t.Helper()
	err := filepath.WalkDir(dir, func(_ string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return nil // the server may have removed it meanwhile
		}
		if info, err := d.Info(); err == nil {
			size += info.Size()
		}
		return nil
	})
	harness.OK(t, err)
	return size
}

// TestUnreadableBodiesFillNoDisk: whoever may sign for an installation sends thousands of
// bodies that are no callbacks. Each is answered 400, what is kept of them stays small,
// and the callbacks of another installation are answered as ever.
func TestUnreadableBodiesFillNoDisk(t *testing.T) {
	t.Parallel()
	w := service.New(t, service.Options{Target: cpsim.Config{Connections: []cpsim.Connection{
		{ID: service.Connection, Token: service.Token}, {ID: "msp-two", Token: "cp-token-of-the-neighbour"},
	}}})
	company := w.Autotask.Put("Companies", atsim.Row{"companyName": "Northwind", "companyType": 1, "isActive": true})
	in := w.Install(v1.SyncActiveCustomers)
	w.Until(in.ID, "called by its webhooks", soon, called)
	other := neighbour(t, w)
	hook, theirs := hookOf(t, w, in), hookOf(t, w, other)

	flood, calm := newPoster(t), newPoster(t)
	n := form(3_000, 12_000)
	numbers := make(chan int)
	var flooding sync.WaitGroup
	for range 16 {
		flooding.Go(func() {
			for i := range numbers {
				size := 16 << 10
				switch i % 10 {
				case 0:
					size = 256 << 10
				case 1, 2:
					size = 100
				}
				body := append(fmt.Appendf(nil, `{"no envelope":%d,"x":"`, i), bytes.Repeat([]byte{'x'}, size-40)...)
				flood.post(t, w, in, hook.Secret, body)
			}
		})
	}
	over, beside := make(chan struct{}), make(chan struct{})
	go func() {
		defer close(beside)
		tick := time.NewTicker(50 * time.Millisecond)
		defer tick.Stop()
		for i := 0; ; i++ {
			body := callout.Envelope{
				Action: "Update", GUID: theirs.GUID, EntityType: "Account", ID: company, EventTime: time.Now(), Sequence: int64(1_000_000 + i),
			}.Encode()
			calm.post(t, w, other, theirs.Secret, body)
			select {
			case <-over:
				return
			case <-tick.C:
			}
		}
	}()
	most := int64(0)
	for i := range n {
		numbers <- i
		if i%250 == 0 {
			most = max(most, folder(t, w.DataDir))
		}
	}
	close(numbers)
	flooding.Wait()
	close(over)
	<-beside

	if len(flood.answers) != 1 || flood.answers[http.StatusBadRequest] != n {
		t.Errorf("the bodies are answered %v, want %d times 400", flood.answers, n)
	}
	if len(calm.answers) != 1 || calm.answers[http.StatusAccepted] < 20 || calm.slowest > 5*time.Second {
		t.Errorf("the other's callbacks are answered %v, the slowest after %s", calm.answers, calm.slowest)
	}
	if most = max(most, folder(t, w.DataDir)); most > 50<<20 {
		t.Errorf("the data folder had %d MiB, want under 50", most>>20)
	}
	kept, dropped := 0, 0
	for d, err := range w.Admin.AllDeadLetters(t.Context(), in.ID) {
		switch {
		case err != nil:
			t.Fatal(err)
		case d.Code == "dead_letters_dropped":
			dropped = d.Attempts
		case len(d.Raw) > 16<<10:
			t.Errorf("%d bytes are kept of a body", len(d.Raw))
		default:
			kept++
		}
	}
	if kept+dropped != n || dropped == 0 {
		t.Errorf("%d bodies are kept and %d were dropped, of %d", kept, dropped, n)
	}
	w.Until(in.ID, "with the issue that says so", soon, func(in v1.Installation) bool {
		for _, i := range in.Issues {
			if i.Code == "dead_letters_dropped" {
				return true
			}
		}
		return false
	})
	harness.OK(t, w.Autotask.Edit("Companies", company, atsim.Row{"companyName": "Northwind, renamed"}))
	w.ClientBecomes(company, "renamed", soon, func(c cpsim.ClientInput) bool { return c.Name == "Northwind, renamed" })
	t.Logf("%d bodies, %d kept; the folder had %d MiB at most; the other's slowest callback took %s", n, kept, most>>20, calm.slowest)
}

// TestOversizedCallbacksHarmNobody: what a callback tells beside its record may be of
// any size. It is answered, its record is brought in line, and so are all others.
func TestOversizedCallbacksHarmNobody(t *testing.T) {
	t.Parallel()
	tg := newTarget(t, nil)
	bystander := tg.Autotask.Put("Companies", atsim.Row{"companyName": "Bystander", "companyType": 1, "isActive": true})
	p := newPoster(t)
	var many strings.Builder
	for i := range 10_000 {
		fmt.Fprintf(&many, `,"f%d":%d`, i, i)
	}
	huge := strings.Repeat("x", 160<<10)
	for i, fields := range []string{
		`{"` + huge + `":1}`, `{"a":"` + huge + `"}`, `[{"name":"` + huge + `"}]`, `{` + many.String()[1:] + `}`,
	} {
		name := fmt.Sprintf("Northwind %d", i)
		tg.Autotask.SetFault(atsim.Fault{Kind: simfault.Lose, Entity: "Companies", Next: 1}) // the callback below stands for it
		harness.OK(t, tg.Autotask.Edit("Companies", tg.id, atsim.Row{"companyName": name}))
		head := fmt.Sprintf(`{"Action":"Update","Guid":%q,"EntityType":"Account","Id":%d,"EventTime":"9999-12-31T23:59:59-10:00","SequenceNumber":%d,"Fields":`,
			tg.hook.GUID, tg.id, 2_000_000+i)
		body := head + fields
		body += strings.Repeat(" ", 256<<10-1-len(body)) + "}"
		if status := p.post(t, tg.Harness, tg.in, tg.hook.Secret, []byte(body)); status != http.StatusAccepted {
			t.Fatalf("fields %.20s…: answered %d, want 202", fields, status)
		}
		tg.ClientBecomes(tg.id, name, soon, func(c cpsim.ClientInput) bool { return c.Name == name })
	}
	harness.OK(t, tg.Autotask.Edit("Companies", bystander, atsim.Row{"companyName": "Bystander, renamed"}))
	tg.ClientBecomes(bystander, "renamed", soon, func(c cpsim.ClientInput) bool { return c.Name == "Bystander, renamed" })
	tg.Until(tg.in.ID, "with nothing left", soon, func(in v1.Installation) bool {
		return in.State == v1.StateLive && in.Backlog == 0 && len(in.Issues) == 0
	})
	for d, err := range tg.Admin.AllDeadLetters(t.Context(), tg.in.ID) {
		t.Errorf("dead letter %+v, %v", d, err)
	}
}
