package callback

import (
	"cmp"
	"slices"
	"strings"

	callout "channelsync/api/autotask/callback"
	v1 "channelsync/api/v1"
)

const maxGUID = 100

// authenticate says whether a secret of the installation signed the body, and
// whether the registration that has this secret is the one the body names.
func (d *delivery) authenticate(receiver Receiver, signature string, body []byte, envelope callout.Envelope) bool {
	var secrets []v1.Secret
	for _, reg := range receiver.Registrations {
		secrets = append(secrets, reg.Secrets...)
	}
	i, ok := callout.VerifySignature(signature, body, secrets...)
	if !ok {
		return false
	}
	named := envelope.GUID()
	for _, reg := range receiver.Registrations {
		if slices.Contains(reg.Secrets, secrets[i]) && owns(reg, named) {
			d.guid = strings.ToLower(cmp.Or(reg.GUID, named))
			return true
		}
	}
	return false
}

// owns says whether a body that names guid may come from the registration. A
// body without one is vouched for by the secret, and so is the first callback of
// a registration whose GUID has not been read back yet.
func owns(reg Registration, guid string) bool {
	switch {
	case guid == "":
		return true
	case reg.GUID == "":
		return isGUID(guid)
	}
	return strings.EqualFold(reg.GUID, guid)
}

// isGUID keeps out what could not be a GUID and would not look well in a header.
func isGUID(s string) bool {
	for i := range len(s) {
		if s[i] <= ' ' || s[i] > '~' {
			return false
		}
	}
	return len(s) <= maxGUID
}
