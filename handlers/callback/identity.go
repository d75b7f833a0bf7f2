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

const traceparentLength = 55

// traceparent passes a well-formed W3C trace context on. None is made up: Autotask sends
// none, nobody could follow it, and its random digits would be half of the journal.
func traceparent(header string) string {
	if isTraceparent(header) {
		return header
	}
	return ""
}

// isTraceparent checks version 00 of the header: 2, 32, 16 and 2 lower-case hex
// digits, neither id all zero.
func isTraceparent(s string) bool {
	if len(s) != traceparentLength {
		return false
	}
	parts := strings.Split(s, "-")
	if len(parts) != 4 || parts[0] != "00" || len(parts[1]) != 32 || len(parts[2]) != 16 || len(parts[3]) != 2 {
		return false
	}
	for _, part := range parts {
		if strings.Trim(part, "0123456789abcdef") != "" {
			return false
		}
	}
	return strings.Trim(parts[1], "0") != "" && strings.Trim(parts[2], "0") != ""
}
