package callout

import (
	"crypto/hmac"
	"crypto/sha1"
	"encoding/base64"
)

// SignatureHeader carries the signature of a callout.
const SignatureHeader = "X-Hook-Signature"

// Sign is the vendor's signature of a body: HMAC-SHA1 under the registration's secret, base64, with its prefix.
func Sign(secret string, body []byte) string {
	mac := hmac.New(sha1.New, []byte(secret))
	mac.Write(body)
	return "sha1=" + base64.StdEncoding.EncodeToString(mac.Sum(nil))
}
