package callback

import (
	"crypto/sha256"
	"encoding/hex"
	"strconv"
	"strings"

	callout "channelsync/api/autotask/callback"
)

// messageID is what the journal de-duplicates by, for 30 minutes: installation,
// webhook, sequence number, action and id. The GUID alone names the webhook, not
// the event. Without a sequence number the body itself is the identity.
func messageID(installation, guid string, c callout.Event, body []byte) string {
	if c.SequenceNumber == nil {
		sum := sha256.Sum256(body)
		return installation + "|" + hex.EncodeToString(sum[:])
	}
	return strings.Join([]string{
		installation, strings.ToLower(guid), strconv.FormatInt(*c.SequenceNumber, 10),
		strings.ToLower(c.Action), strconv.FormatInt(c.ID, 10),
	}, "|")
}
