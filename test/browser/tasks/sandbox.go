package main

import (
	"bufio"
	"bytes"
	"encoding/json"
	"fmt"
	"net/http"
	"os"
	"os/exec"
	"regexp"
	"time"

	"channelsync/api/client"
	v1 "channelsync/api/v1"
	"channelsync/test/browser/stage"
	"channelsync/test/harness"
)

// startWithin is how long the sandbox may take to be in sync.
const startWithin = 3 * time.Minute

// sandbox is one that runs, with what the tasks are about in its Autotask.
type sandbox struct {
	*stage.Stage
	console, token   string
	autotask, target string
	admin            *client.Client
	id               string // of its installation
	leftOut          int64  // the company that is to be left out
}

func build(program string) error {
	c := exec.Command("go", "build", "-o", program, "./cmd/sandbox")
	c.Stderr = os.Stderr
	if err := c.Run(); err != nil {
		return fmt.Errorf("build the sandbox: %w", err)
	}
	return nil
}

// open starts the program, which ends with the stage, and waits until it is in sync.
func open(st *stage.Stage, program string) *sandbox {
	s := &sandbox{Stage: st}
	c := exec.Command(program, "--edit-every=24h", "--companies=40") //nolint:gosec // it is the caller's to choose
	out, err := c.StdoutPipe()
	if err == nil {
		err = c.Start()
	}
	if err != nil {
		st.Fatalf("start the sandbox: %v", err)
	}
	st.Cleanup(func() {
		_ = c.Process.Signal(os.Interrupt)
		_ = c.Wait() // it says whether both sides agree, which a wiped target does not
	})
	late := time.AfterFunc(startWithin, func() { _ = c.Process.Kill() })
	lines := bufio.NewScanner(out)
	for s.id == "" && lines.Scan() {
		s.read(lines.Text())
	}
	late.Stop()
	go func() {
		for lines.Scan() { //nolint:revive // what it prints at its end is for nobody
		}
	}()
	if s.id == "" {
		st.Fatal("the sandbox did not start")
	}
	s.furnish()
	return s
}

var (
	autotaskLine = regexp.MustCompile(`^Autotask simulator +(\S+)/$`)
	targetLine   = regexp.MustCompile(`^Channel Program simulator +(\S+)/$`)
	consoleLine  = regexp.MustCompile(`^console and admin API +(\S+)/ +token: (\S+)`)
	installed    = regexp.MustCompile(`^installed `)
)

// read takes what the sandbox says of itself.
func (s *sandbox) read(line string) {
	switch {
	case autotaskLine.MatchString(line):
		s.autotask = autotaskLine.FindStringSubmatch(line)[1]
	case targetLine.MatchString(line):
		s.target = targetLine.FindStringSubmatch(line)[1]
	case consoleLine.MatchString(line):
		m := consoleLine.FindStringSubmatch(line)
		s.console, s.token = m[1], m[2]
	case installed.MatchString(line):
		var err error
		s.admin, err = client.New(client.Config{URL: s.console, Token: v1.Secret(s.token)})
		var all []v1.Installation
		if err == nil {
			all, err = s.admin.Installations(s.Context())
		}
		if err != nil || len(all) != 1 {
			s.Fatalf("installations %v, %v", all, err)
		}
		s.id = all[0].ID
	}
}

// furnish puts into Autotask what the tasks are about, and waits until it has arrived.
func (s *sandbox) furnish() {
	company := func(name string, kind int) int64 {
		return s.put("Companies", map[string]any{"companyName": name, "companyType": kind, "isActive": true, "phone": "518-555-0100"})
	}
	company(missing, 3)
	freight := company(before, 1)
	s.leftOut = company(leftOut, 1)
	now := time.Now().UTC().Truncate(time.Second)
	contract := s.put("Contracts", map[string]any{
		"companyID": s.leftOut, "contractName": agreement, "contractType": 7, "status": 1, "startDate": now.AddDate(0, -1, 0), "endDate": now.AddDate(1, 0, 0),
	})
	for _, cost := range []int{90, 160} {
		s.put("ContractCharges", map[string]any{
			"contractID": contract, "name": "Backup", "datePurchased": now, "unitQuantity": 1, "unitCost": cost, "unitPrice": 2 * cost, "chargeType": 1, "status": 1,
			"isBillableToCompany": true, "extendedCost": cost, "billableAmount": 2 * cost,
		})
	}
	s.arrives(v1.KindCompany, freight, before)
	s.arrives(v1.KindContract, contract, agreement)
	for _, name := range []string{between, renamed} {
		s.put("Companies", map[string]any{"id": freight, "companyName": name, "companyType": 1, "isActive": true, "phone": "518-555-0100"})
		s.arrives(v1.KindCompany, freight, name)
	}
}

// arrives waits until a record is synced under a name.
func (s *sandbox) arrives(kind v1.Kind, id int64, name string) {
	harness.Eventually(s.Stage, name+" is synced", startWithin, func() error {
		rec, err := s.admin.Record(s.Context(), s.id, kind, fmt.Sprint(id))
		if err == nil && (rec.Name != name || rec.PushedAt == nil) {
			err = fmt.Errorf("it is %s, %s", rec.Name, rec.Outcome)
		}
		return err
	})
}

// wipe empties Channel Program.
func (s *sandbox) wipe() { s.ask(s.target+"/sim/empty", map[string]any{}) }

func (s *sandbox) put(entity string, fields map[string]any) int64 {
	var made struct{ ID int64 }
	if err := json.Unmarshal(s.ask(s.autotask+"/sim/"+entity, fields), &made); err != nil {
		s.Fatalf("put %s: %v", entity, err)
	}
	return made.ID
}

// ask posts to a simulator.
func (s *sandbox) ask(url string, body any) []byte {
	sent, err := json.Marshal(body)
	if err != nil {
		s.Fatal(err)
	}
	res, err := http.Post(url, "application/json", bytes.NewReader(sent)) //nolint:gosec,noctx // it is one of the sandbox's
	if err != nil {
		s.Fatalf("ask a simulator: %v", err)
	}
	defer func() { _ = res.Body.Close() }()
	var answer bytes.Buffer
	_, err = answer.ReadFrom(res.Body)
	if err != nil || res.StatusCode >= http.StatusBadRequest {
		s.Fatalf("ask %s: %d %s, %v", url, res.StatusCode, answer.String(), err)
	}
	return answer.Bytes()
}
