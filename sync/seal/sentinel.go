package seal

import "errors"

// The sentinel is a known value under the master key: whoever cannot open it has
// the wrong one. It lies in the table of keys, beside an embedded store and in
// backups, and tells nothing of the key.
const (
	sentinel      = "channelsync"
	sentinelPlace = "master" // its additional data
)

// Sentinel seals the known value with the key that seals now.
func (r *Ring) Sentinel() []byte { return r.Seal(sentinelPlace, []byte(sentinel)) }

// Fits says in one line what is wrong when no key of the ring has sealed the
// sentinel. An empty one fits: what it stands for has none yet.
func (r *Ring) Fits(sealed []byte) error {
	if len(sealed) == 0 {
		return nil
	}
	plain, err := r.Open(sentinelPlace, sealed)
	if err != nil || string(plain) != sentinel {
		return errors.New("--master-key: the store was sealed with another key; start with the key it was made with (nothing was changed)")
	}
	return nil
}

// Renewed returns the sentinel as it should be stored: the one there is when the
// key that seals now has sealed it, else a new one.
func (r *Ring) Renewed(sealed []byte) []byte {
	if r.SealedLast(sealed) {
		return sealed
	}
	return r.Sentinel()
}
