package control

import (
	"context"
	"fmt"
	"slices"

	"channelsync/sync/installation"
	"channelsync/sync/job"
)

// Restored prepares the installations of a store that was put back from a backup,
// before anything runs on it, and returns how many there are.
//
// What was done after the backup is not in it, so its ledger may say that the
// target holds what it held then. A record that was changed meanwhile and changed
// back would look unchanged, and stay wrong for good. Each installation therefore
// owes a pass over all of its records that trusts no fingerprint; one that is
// stopped or uninstalled owes it until it works again. And the webhooks may have
// been given new secrets: registrations whose id is forgotten get ours by the next check.
func Restored(ctx context.Context, store *installation.Store) (int, error) {
	all := store.List()
	for _, in := range all {
		_, err := store.Change(ctx, in.ID, func(in *installation.Installation) error {
			if kinds := kindsOf(in.SelectedSyncs()); len(kinds) > 0 {
				in.Owed = append(in.Owed, installation.Owed{Type: job.TypeResync, Kinds: kinds, Force: true})
			}
			for i := range in.Registrations {
				if r := &in.Registrations[i]; !r.Bridge {
					r.ID, r.Moved, r.Touched = 0, installation.Contest{}, installation.Contest{}
				}
			}
			return nil
		})
		if err != nil {
			return 0, fmt.Errorf("prepare installation %s: %w", in.ID, err)
		}
	}
	return len(all), nil
}

// stillOwed are the passes that a reinstall does not make up for: a first pass
// trusts what was pushed last, and these do not.
func stillOwed(owed []installation.Owed) []installation.Owed {
	return slices.DeleteFunc(slices.Clone(owed), func(o installation.Owed) bool { return !o.Force })
}
