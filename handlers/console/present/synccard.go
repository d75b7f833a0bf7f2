package present

import v1 "channelsync/api/v1"

// SyncCard is one of the two syncs.
type SyncCard struct {
	ID        v1.Sync
	Text      SyncText
	State     Word
	Installed bool
	Kept      bool // it was installed once, and its settings are kept
	Status    v1.SyncStatus
}

// SyncCards are both syncs of an installation, installed or not.
func SyncCards(in *v1.Installation) []SyncCard {
	var cards []SyncCard
	for _, s := range v1.Syncs {
		if in.State == v1.StateUninstalled {
			cards = append(cards, SyncCard{ID: s, Text: SyncWords(s), State: syncStateWord(v1.SyncUninstalled)})
			continue
		}
		status, known := in.Syncs[s]
		installed := known && status.State != v1.SyncUninstalled
		state := syncStateWord(status.State)
		if in.State == v1.StateNeedsCredentials && status.State != v1.SyncStopped && installed {
			state = Word{ToneWarn, "Waiting"} // for somebody to enter them
		}
		cards = append(cards, SyncCard{s, SyncWords(s), state, installed, known && !installed, status})
	}
	return cards
}
