package console

import (
	"slices"

	v1 "channelsync/api/v1"
	"channelsync/handlers/console/present"
)

// welcomeData is the page that follows a new installation to the end of its first sync.
type welcomeData struct {
	Done     bool
	Headline present.Headline
	Jobs     []v1.Job
	Other    *present.SyncCard // the sync that was not selected
}

func (v *visit) welcome() (*page, error) {
	in, err := v.installation()
	if err != nil {
		return nil, err
	}
	d := welcomeData{Done: firstSyncDone(in)}
	switch in.State {
	case v1.StateInstalling, v1.StateBackfilling: // whatever is not well does not keep it back; it stands below
		calm := *in
		calm.Issues = nil
		d.Headline = v.headline(&calm)
	default:
		d.Headline = v.headline(in)
	}
	if d.Done {
		d.Headline = welcomed(in)
	}
	for _, j := range in.Jobs {
		if j.Type == "backfill" {
			d.Jobs = append(d.Jobs, j)
		}
	}
	for _, card := range present.SyncCards(in) {
		if !card.Installed {
			d.Other = &card
		}
	}
	return &page{Title: "First sync", Installation: in, Data: d}, nil
}

// firstSyncDone says whether every installed sync has been through all records,
// and nothing keeps the installation from working.
func firstSyncDone(in *v1.Installation) bool {
	if !slices.Contains([]v1.State{v1.StateLive, v1.StateDegraded}, in.State) {
		return false
	}
	done := false
	for _, s := range in.Syncs {
		if s.State == v1.SyncBackfilling {
			return false
		}
		done = done || s.State == v1.SyncRunning
	}
	return done
}

// welcomed is what the first sync brought.
func welcomed(in *v1.Installation) present.Headline {
	there := func(s v1.Sync, noun string) string {
		status, ok := in.Syncs[s]
		if !ok || status.State == v1.SyncUninstalled {
			return ""
		}
		return present.Count(status.Counts.Pushed+status.Counts.Unchanged, noun)
	}
	what, verb := there(v1.SyncActiveCustomers, "client"), " are"
	contracts := there(v1.SyncActiveCustomerContracts, "contract")
	switch {
	case what == "":
		what = contracts
	case contracts != "":
		what += " and " + contracts
	}
	if what == "1 client" || what == "1 contract" {
		verb = " is"
	}
	failed := 0
	for _, s := range in.Syncs {
		failed += s.Counts.Failed
	}
	if failed > 0 {
		return present.Headline{Tone: present.ToneWarn, Word: "Done, with issues", Sentence: what + verb + " in Channel Program. " + present.Count(failed, "record") + " could not be sent yet; the issues below say why."}
	}
	return present.Headline{Tone: present.ToneGood, Word: "Done", Sentence: "Done: " + what + verb + " in Channel Program. You can close this page."}
}
