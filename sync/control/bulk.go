package control

import (
	"context"
	"fmt"
	"slices"
	"strconv"

	v1 "channelsync/api/v1"
	"channelsync/sync/installation"
	"channelsync/sync/job"
	"channelsync/sync/ledger"
)

// Why a bulk action leaves something alone.
const (
	withItsClient = "a contract is excluded with its client"
	excludedNow   = "it is excluded already"
)

// recordKinds are those of records, in the order that lists have.
var recordKinds = []v1.Kind{v1.KindCompany, v1.KindContract}

// ReconcileRecords enqueues records now, those named; all of a filter are a job's, behind what others do.
func (m *Manager) ReconcileRecords(ctx context.Context, id string, req v1.BulkRecords) (v1.BulkResult, error) {
	in, err := m.mine(id)
	if err != nil {
		return v1.BulkResult{}, err
	}
	if in.Uninstalled {
		return v1.BulkResult{}, v1.Conflict("the installation is uninstalled", "Reinstall it first.")
	}
	ids, out, err := m.meant(ctx, id, req)
	if err != nil || req.DryRun || nothingMeant(out.Count, req.Expect) {
		return out, err
	}
	if err := confirmed(v1.ActionReconcile, out.Count, req.Filter != nil, req.Expect); err != nil {
		return out, err
	}
	if req.Filter != nil {
		out.Job, err = m.startBulk(ctx, in, *req.Filter, v1.BulkJob{Action: v1.ActionReconcile, Expect: out.Count})
		return out, err
	}
	for _, kind := range recordKinds {
		if err := m.enqueueManually(ctx, id, kind, ids[kind]); err != nil {
			return out, err
		}
	}
	out.Done = out.Count
	return out, nil
}

// meant are the records that a request is about, each once; of a filter as it is now.
func (m *Manager) meant(ctx context.Context, id string, req v1.BulkRecords) (ids map[v1.Kind][]int64, out v1.BulkResult, err error) {
	ids = map[v1.Kind][]int64{}
	if req.Filter != nil {
		if ids, err = m.Ledger.Select(ctx, id, req.Filter.Query()); err != nil {
			return nil, out, err
		}
	}
	for _, r := range req.Records {
		rec, _ := v1.ParseRecordID(r.ID) // the API has looked
		ids[r.Kind] = append(ids[r.Kind], rec)
	}
	out = v1.BulkResult{NotPossible: []v1.NotPossible{}, Sample: []v1.BulkItem{}}
	for _, kind := range recordKinds {
		slices.Sort(ids[kind])
		ids[kind] = slices.Compact(ids[kind])
		out.Count += len(ids[kind])
		first := ids[kind][:min(len(ids[kind]), sampleSize-len(out.Sample))]
		known, err := m.Ledger.Read(ctx, id, kind, first)
		if err != nil {
			return nil, out, err
		}
		for _, rec := range first {
			item := v1.BulkItem{ID: strconv.FormatInt(rec, 10), Kind: string(kind)}
			if e := known[rec]; e != nil {
				item.Name = e.Name
			}
			out.Sample = append(out.Sample, item)
		}
	}
	return ids, out, nil
}

// confirmed refuses a filter that finds something else than somebody said yes to.
func confirmed(action string, found int, filter bool, expect *int) error {
	if !filter || expect != nil && !v1.Moved(action, found, *expect) {
		return nil
	}
	if expect == nil {
		return v1.Invalid("The body does not say how many are expected.", v1.FieldError{
			Pointer: "#/expect", Code: "required", Detail: fmt.Sprintf("got nothing, want how many the filter finds; now it is %d", found),
		})
	}
	return v1.Conflict(fmt.Sprintf("The filter finds %d now, not %d. Nothing was done.", found, *expect), "Check what it finds, and confirm again.")
}

// nothingMeant says that there is nothing to do, and that nobody expects anything else.
func nothingMeant(found int, expect *int) bool { return found == 0 && (expect == nil || *expect == 0) }

// unknown refuses companies that are named and were never seen: a slip of a digit would exclude another one for good.
func (m *Manager) unknown(ctx context.Context, id string, named []v1.RecordRef) error {
	var companies []int64
	for _, r := range named {
		if rec, ok := v1.ParseRecordID(r.ID); ok && r.Kind == v1.KindCompany {
			companies = append(companies, rec)
		}
	}
	known, err := m.Ledger.Read(ctx, id, v1.KindCompany, companies)
	if err != nil {
		return fmt.Errorf("look for companies: %w", err)
	}
	var errs []v1.FieldError
	for i, r := range named {
		rec, _ := v1.ParseRecordID(r.ID) // the API has looked
		if r.Kind == v1.KindCompany && known[rec] == nil {
			errs = append(errs, v1.FieldError{Pointer: fmt.Sprintf("#/records/%d/id", i), Code: "unknown", Detail: "there is no such record: company " + r.ID})
		}
	}
	if len(errs) == 0 {
		return nil
	}
	return v1.Invalid("Some of the companies are not known. Nothing was done.", errs...)
}

// startBulk starts the job of a filter. What was searched for is sealed: it may name a client.
func (m *Manager) startBulk(ctx context.Context, in *installation.Installation, filter v1.RecordFilter, asked v1.BulkJob) (string, error) {
	if _, err := m.atWork(in); err != nil {
		return "", err
	}
	if asked.Until.IsZero() {
		asked.Until = m.Now().UTC()
	}
	asked.Filter, asked.Search = filter, filter.Q != ""
	asked.Filter.Q = ""
	j := job.Job{Job: v1.Job{Type: job.TypeBulk, Bulk: &asked}, Installation: in.ID, By: v1.AskerOf(ctx)}
	ring, err := m.Vault.Ring(ctx, in.ID)
	if err != nil {
		return "", fmt.Errorf("seal what was searched for: %w", err)
	}
	if twin := runningTwin(m.Jobs.List(in.ID), asked, func(sealed []byte) bool {
		text, err := ring.Open(searchPlace(in.ID), sealed)
		return err == nil && string(text) == filter.Q
	}); twin != "" {
		return twin, nil
	}
	if filter.Q != "" {
		j.Search = ring.Seal(searchPlace(in.ID), []byte(filter.Q))
	}
	ref, err := m.startJob(ctx, j, m.Jobs.Ask)
	return ref.Job, err
}

// runningTwin is the job that does the same already: a form that is sent twice is one job.
func runningTwin(jobs []job.Job, asked v1.BulkJob, searched func(sealed []byte) bool) string {
	for _, at := range jobs {
		if at.State != v1.JobRunning || at.Bulk == nil {
			continue
		}
		same := *at.Bulk
		if same.Until = asked.Until; same == asked && (!asked.Search || searched(at.Search)) {
			return at.ID
		}
	}
	return ""
}

func searchPlace(installation string) string { return installation + ".job.search" }

// ExcludeRecords adds companies to what the options exclude, as one change of options. A dry run says what would
// leave, as that of any change of options.
func (m *Manager) ExcludeRecords(ctx context.Context, id string, req v1.BulkRecords) (v1.BulkResult, error) {
	in, err := m.mine(id)
	if err != nil {
		return v1.BulkResult{}, err
	}
	ids, out, err := m.meant(ctx, id, req)
	if err != nil {
		return out, err
	}
	add := slices.DeleteFunc(slices.Clone(ids[v1.KindCompany]), func(rec int64) bool { return slices.Contains(in.Options.Exclude, rec) })
	out.NotPossible = leftAlone(out.NotPossible, len(ids[v1.KindContract]), withItsClient)
	out.NotPossible = leftAlone(out.NotPossible, len(ids[v1.KindCompany])-len(add), excludedNow)
	out.Count = len(add)
	out.Sample = slices.DeleteFunc(out.Sample, func(i v1.BulkItem) bool { return i.Kind != string(v1.KindCompany) })
	if err := m.unknown(ctx, id, req.Records); err != nil {
		return out, err
	}
	if nothingMeant(len(add), req.Expect) || req.DryRun && len(add) == 0 {
		return out, nil
	}
	if req.DryRun {
		options := in.Options
		options.Exclude = append(slices.Clone(options.Exclude), add...)
		preview, err := m.Preview(ctx, id, v1.UpdateInstallation{Options: &options})
		if err != nil {
			return out, err
		}
		out.Preview = &preview
		out.InScope, err = m.inScope(ctx, in)
		return out, err
	}
	if err := confirmed(v1.ActionExclude, out.Count, req.Filter != nil, req.Expect); err != nil {
		return out, err
	}
	_, err = m.Store.Change(ctx, id, func(now *installation.Installation) error {
		for _, rec := range add {
			if !slices.Contains(now.Options.Exclude, rec) {
				now.Options.Exclude = append(now.Options.Exclude, rec)
			}
		}
		now.PendingJobs = append(now.PendingJobs, installation.PendingJob{Type: job.TypeResync, Kinds: kindsOf(now.InstalledSyncs()), By: v1.AskerOf(ctx)})
		return nil
	})
	if err != nil {
		return out, err
	}
	m.startPendingNow(ctx, id)
	out.Done = len(add)
	_, err = m.changed(ctx, id)
	return out, err
}

// inScope counts the records that are synced now.
func (m *Manager) inScope(ctx context.Context, in *installation.Installation) (n int, err error) {
	for _, kind := range kindsOf(in.InstalledSyncs()) {
		ids, err := m.Ledger.Find(ctx, in.ID, kind, func(s ledger.Summary) bool { return s.InScope })
		if err != nil {
			return 0, fmt.Errorf("count records in scope: %w", err)
		}
		n += len(ids)
	}
	return n, nil
}

// leftAlone adds what a bulk action leaves alone for a reason; none is not said.
func leftAlone(list []v1.NotPossible, count int, reason string) []v1.NotPossible {
	if count == 0 {
		return list
	}
	return append(list, v1.NotPossible{Count: count, Reason: reason})
}
