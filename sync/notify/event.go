package notify

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"time"

	v1 "channelsync/api/v1"
)

// The types of events.
const (
	TypeOpened    = "issue.opened"
	TypeRecovered = "issue.recovered"
)

// The headers of a notification.
const (
	HeaderSignature = "X-Channelsync-Signature"
	HeaderTimestamp = "X-Channelsync-Timestamp"
)

// Event is the body of a notification.
type Event struct {
	ID           string       `json:"id"` // the same in every attempt: what a receiver has seen it can drop
	Type         string       `json:"type"`
	At           time.Time    `json:"at"` // when it was found, not when it was posted
	Installation Installation `json:"installation"`
	Issue        Issue        `json:"issue"`
}

// Installation says whose issue it is.
type Installation struct {
	ID   string `json:"id"`
	Name string `json:"name"` // empty when it was erased and this process never saw it
}

// Issue is an issue as the receiver gets it; code and installation together name its cause.
type Issue struct {
	Code     string    `json:"code"`
	Severity string    `json:"severity"`
	Title    string    `json:"title"`
	Detail   string    `json:"detail"`
	Fix      string    `json:"fix"`
	Records  int       `json:"records"` // 0: it concerns the installation as a whole
	FirstAt  time.Time `json:"firstAt"` // the same when it opened and when it recovered
}

// Sign returns the value of HeaderSignature for a body and the value of
// HeaderTimestamp (Unix seconds) it is sent with: "sha256=" and the lower-case
// hex HMAC-SHA256 over timestamp, a dot, and the bytes of the body.
func Sign(secret v1.Secret, timestamp string, body []byte) string {
	mac := hmac.New(sha256.New, []byte(secret.Reveal()))
	_, _ = mac.Write([]byte(timestamp + ".")) // a hash never fails
	_, _ = mac.Write(body)
	return "sha256=" + hex.EncodeToString(mac.Sum(nil))
}
