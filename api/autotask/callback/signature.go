package callback

import (
	"crypto/hmac"
	"crypto/sha1" //nolint:gosec // the vendor's algorithm; HMAC-SHA1 is not broken by SHA-1 collisions
	"crypto/subtle"
	"encoding/base64"
	"strings"

	v1 "channelsync/api/v1"
)

// SignatureHeader is the request header that carries a callback's signature.
const SignatureHeader = "X-Hook-Signature"

const signaturePrefix = "sha1="

// ParseSignature reads the value of SignatureHeader, "sha1=" and 28 characters
// of padded standard base64, and returns the 20 bytes of the MAC; false for any
// other form. A well-formed signature says nothing yet about who signed.
func ParseSignature(header string) ([]byte, bool) {
	header = strings.TrimSpace(header)
	if len(header) < len(signaturePrefix) || !strings.EqualFold(header[:len(signaturePrefix)], signaturePrefix) {
		return nil, false
	}
	text := header[len(signaturePrefix):]
	if len(text) != base64.StdEncoding.EncodedLen(sha1.Size) {
		return nil, false
	}
	mac, err := base64.StdEncoding.Strict().DecodeString(text)
	if err != nil || len(mac) != sha1.Size {
		return nil, false
	}
	return mac, true
}

// VerifySignature says whether one of the secrets signed exactly these raw bytes. It always
// computes the MAC under every secret and compares in constant time, so that its duration
// does not tell which secret matched. An empty secret never matches. (Vendor: Secret Key and
// Payload Verification.)
func VerifySignature(header string, body []byte, secrets ...v1.Secret) bool {
	got, wellFormed := ParseSignature(header)
	if !wellFormed {
		return false
	}
	verified := 0
	for _, secret := range secrets {
		usable := 1 - subtle.ConstantTimeEq(int32(len(secret)), 0)
		verified |= usable & subtle.ConstantTimeCompare(got, sum(secret, body))
	}
	return verified == 1
}

func sum(secret v1.Secret, body []byte) []byte {
	mac := hmac.New(sha1.New, []byte(secret.Reveal()))
	mac.Write(body)
	return mac.Sum(nil)
}
