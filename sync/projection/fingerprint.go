package projection

import (
	"cmp"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"

	"channelsync/api/channelprogram"
)

// ClientFingerprint is the lower-case hex SHA-256 of what the sync owns of a
// client: every field but the Source, which differs on each fetch. Equal
// fingerprints mean that nothing needs to be pushed.
func ClientFingerprint(in channelprogram.ClientInput) string {
	in.Source = channelprogram.Source{}
	in.Lifecycle = cmp.Or(in.Lifecycle, channelprogram.LifecycleActive) // so that leaving the default out changes nothing
	return fingerprint(in)
}

// ContractFingerprint is the same for a contract.
func ContractFingerprint(in channelprogram.ContractInput) string {
	in.Source = channelprogram.Source{}
	in.Lifecycle = cmp.Or(in.Lifecycle, channelprogram.LifecycleActive)
	return fingerprint(in)
}

// fingerprint hashes JSON. It is canonical because encoding/json writes a
// struct's fields in their declared order and these types hold no map, no float
// and, with an empty Source, no time of the day.
func fingerprint(in any) string {
	b, err := json.Marshal(in)
	if err != nil {
		// Texts, booleans and slices of them always marshal: only a change of the types could lead here.
		panic(fmt.Sprintf("fingerprint a projection: %v", err))
	}
	sum := sha256.Sum256(b)
	return hex.EncodeToString(sum[:])
}
