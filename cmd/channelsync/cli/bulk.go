package cli

import (
	"context"
	"flag"
	"slices"
	"strings"

	"channelsync/api/client"
	v1 "channelsync/api/v1"
	"channelsync/cmd/channelsync/cli/internal/command"
	"channelsync/cmd/channelsync/cli/internal/screen"
)

// bulkFlags say how a filter is acted on.
type bulkFlags struct {
	dryRun, noWait bool
	expect         int
}

func (b *bulkFlags) flags(fs *flag.FlagSet) {
	fs.BoolVar(&b.noWait, "no-wait", false, "return without waiting for the job of a filter")
	fs.IntVar(&b.expect, "expect", -1, "do nothing unless the filter finds `N`; retry and reconcile accept a tenth more or fewer (-1: any number)")
}

// count is what is expected of a filter: what was given, or what a dry run finds.
func (b *bulkFlags) count(found v1.BulkResult) *int {
	if b.expect >= 0 {
		return &b.expect
	}
	return &found.Count
}

// bulkDone says what a bulk action did, and follows its job.
func (s *session) bulkDone(ctx context.Context, api *client.Client, installation string, did v1.BulkResult, word string, b *bulkFlags) error {
	s.leftAlone(did)
	switch {
	case did.Job != "":
		return s.started(ctx, api, installation, v1.JobRef{Job: did.Job}, !b.noWait)
	case s.json:
		return s.writeJSON(did)
	}
	s.say("%s %d.", word, did.Done)
	if did.Done == 0 {
		return errShown
	}
	return nil
}

// wouldDo says what a bulk action would do, and that it did nothing.
func (s *session) wouldDo(found v1.BulkResult, what string) error {
	if s.json {
		return s.writeJSON(found)
	}
	s.say("Would %s %d. Nothing was done.", what, found.Count)
	if p := found.Preview; p != nil {
		s.say("%s of %d in scope would leave at once, %d would come in, %d would be sent again.", plural(p.Leave, "record"), found.InScope, p.Enter, p.Change)
	}
	s.leftAlone(found)
	if len(found.Sample) == 0 {
		return nil
	}
	t := screen.Table{Header: []string{"KIND", "ID", "NAME"}}
	for _, i := range found.Sample {
		t.Add(i.Kind, i.ID, strings.TrimPrefix(i.Name+suffixed(i.Cause), ": "))
	}
	if err := s.writeTable(t); err != nil {
		return err
	}
	if more := found.Count - len(found.Sample); more > 0 {
		s.say("And %d more.", more)
	}
	return nil
}

// suffixed is a cause behind a name.
func suffixed(cause string) string {
	if cause == "" {
		return ""
	}
	return ": " + cause
}

func (s *session) leftAlone(of v1.BulkResult) {
	for _, n := range of.NotPossible {
		s.note("%d left as they are: %s", n.Count, n.Reason)
	}
}

// filterFlags are a filter of the list of records.
type filterFlags struct{ outcome, reason string }

func (f *filterFlags) flags(fs *flag.FlagSet) {
	fs.StringVar(&f.outcome, "outcome", "", "only this `OUTCOME`: "+strings.Join(outcomes(), ", "))
	fs.StringVar(&f.reason, "reason", "", "only those with this reason `CODE`, such as type_not_customer")
}

func (f *filterFlags) check(s *session) error {
	if f.outcome != "" && !slices.Contains(outcomes(), f.outcome) {
		return command.Usage("the outcomes are "+strings.Join(outcomes(), ", "), "there is no outcome %q", f.outcome)
	}
	return s.checkCode("reason", f.reason, v1.ReasonCodes())
}

func (f *filterFlags) filter(of *recordFlags) *v1.RecordFilter {
	return &v1.RecordFilter{Kind: v1.Kind(of.kind), Outcome: v1.Outcome(f.outcome), Reason: f.reason, Q: v1.Trim(of.q)}
}

// bulkRecords acts on all records of a filter, or on the companies that are named.
func (s *session) bulkRecords(
	ctx context.Context, api *client.Client, installation string, in v1.BulkRecords, b *bulkFlags, what, did string,
	do func(context.Context, string, v1.BulkRecords) (v1.BulkResult, error),
) error {
	in.DryRun = true
	found, err := do(ctx, installation, in)
	if err != nil {
		return err
	}
	if b.dryRun || found.Count == 0 && b.expect <= 0 {
		return s.wouldDo(found, what)
	}
	in.DryRun = false
	if in.Filter != nil {
		in.Expect = b.count(found)
	}
	done, err := do(ctx, installation, in)
	if err != nil {
		return err
	}
	return s.bulkDone(ctx, api, installation, done, did, b)
}

// reconcileAll is record reconcile --all.
func (s *session) reconcileAll(ctx context.Context, of *recordFlags, f *filterFlags, b *bulkFlags) error {
	api, in, err := s.open(ctx, &of.selector)
	if err != nil {
		return err
	}
	return s.bulkRecords(ctx, api, in.ID, v1.BulkRecords{Filter: f.filter(of)}, b, "reconcile", "Being synced now:", api.ReconcileRecords)
}

func (s *session) recordExclude() *command.Command {
	var of recordFlags
	var f filterFlags
	var b bulkFlags
	var every bool
	return &command.Command{
		Name: "exclude", Args: "[company id...]", Short: "exclude companies from the sync, with the option exclude",
		Long:     "This is a change of options, so a resync follows. The companies leave the scope at once, however many they are: only\nchanges that nobody requested wait for approval (massChangePercent). --dry-run shows what would leave.",
		Examples: []string{"channelsync record exclude 7 12 --dry-run", "channelsync record exclude --all --q \"test client\""},
		Values:   map[string][]string{"outcome": outcomes(), "reason": v1.ReasonCodes(), "kind": recordKinds()},
		Flags: func(fs *flag.FlagSet) {
			of.flags(fs)
			f.flags(fs)
			fs.BoolVar(&every, "all", false, "all companies that match --outcome, --reason and --q")
			fs.BoolVar(&b.dryRun, "dry-run", false, "show what would leave, and change nothing")
			b.flags(fs)
			s.jsonFlag(fs)
		},
		Run: func(ctx context.Context, args []string) error {
			if every == (len(args) > 0) {
				return command.Usage("such as: channelsync record exclude 7 12, or channelsync record exclude --all --q test", "say which companies: their ids, or --all of a filter")
			}
			if err := f.check(s); err != nil {
				return err
			}
			var req v1.BulkRecords
			if err := checkKind(of.kind); err != nil {
				return err
			}
			if of.kind != "" && of.kind != string(v1.KindCompany) {
				return command.Usage("a contract is excluded with its client", "--kind %s cannot be excluded, only companies can", of.kind)
			}
			if every {
				of.kind = string(v1.KindCompany)
				req.Filter = f.filter(&of)
			}
			for _, id := range args {
				if !isID(id) {
					return command.Usage("channelsync record list shows them", "%q is not the id of a company", id)
				}
				req.Records = append(req.Records, v1.RecordRef{Kind: v1.KindCompany, ID: id})
			}
			api, in, err := s.open(ctx, &of.selector)
			if err != nil {
				return err
			}
			return s.bulkRecords(ctx, api, in.ID, req, &b, "exclude", "Excluded:", api.ExcludeRecords)
		},
	}
}

// bulkDead acts on all dead letters of a cause, or of all causes.
func (s *session) bulkDead(ctx context.Context, api *client.Client, installation, action string, f *deadFlags) error {
	b := &f.bulkFlags
	in := v1.BulkDeadLetters{Action: action, Filter: &v1.DeadLetterFilter{Code: f.code}, AsOf: f.asOf, DryRun: true}
	found, err := api.BulkDeadLetters(ctx, installation, in)
	if err != nil {
		return err
	}
	if b.dryRun || found.Count == 0 && b.expect <= 0 {
		return s.wouldDo(found, action)
	}
	in.DryRun, in.Expect = false, b.count(found)
	if in.AsOf == nil {
		in.AsOf = found.AsOf
	}
	done, err := api.BulkDeadLetters(ctx, installation, in)
	if err != nil {
		return err
	}
	return s.bulkDone(ctx, api, installation, done, "", b)
}
