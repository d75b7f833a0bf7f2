package callback

import (
	"cmp"
	"strings"

	callout "channelsync/api/autotask/callback"
)

const maxGUID = 100

// authenticate says whether a secret of the registration that the body names signed it; of
// any registration, where it names none.
func (d *delivery) authenticate(receiver Receiver, signature string, body []byte, envelope callout.Envelope) bool {
	named := envelope.GUID()
	for _, reg := range receiver.Registrations {
		if owns(reg, named) && callout.VerifySignature(signature, body, reg.Secrets...) {
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
	return len(s) <= maxGUID && !strings.ContainsFunc(s, func(r rune) bool { return r <= ' ' || r > '~' })
}
