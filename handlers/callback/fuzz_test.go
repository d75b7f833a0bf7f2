package callback

import (
	"strings"
	"testing"

	callout "channelsync/api/autotask/callback"
	v1 "channelsync/api/v1"
)

// FuzzDelivery posts anything, signed or not: nothing may be stored that no
// secret signed, an answer is always one of the documented ones, and a body is
// never sent back.
func FuzzDelivery(f *testing.F) {
	f.Add([]byte(envelope()), "", true, false)
	f.Add([]byte(envelope(`Action="Deactivated"`)), "sha1=cwGUUthIoAgGAkxibQF/9W0Bs4I=", false, true)
	f.Add([]byte(`{"Id":1e400,"Guid":"a","guid":7}`), "", true, true)
	f.Add([]byte("\xef\xbb\xbf"+envelope("SequenceNumber=")), "", true, false)
	f.Add([]byte(strings.Repeat("[", 20000)), "sha1=", false, false)
	f.Fuzz(func(t *testing.T, body []byte, header string, sign, onDeactivated bool) {
		w := newEnv()
		path := main(live)
		if onDeactivated {
			path = deactivated(live)
		}
		r := request(path, "", string(body))
		if sign {
			header = signature(companySecret, body)
		}
		r.Header.Set(callout.SignatureHeader, header)
		resp := serve(w.handler(w.config()), r)
		switch resp.StatusCode {
		case 202, 204, 400, 401, 413:
		default:
			t.Errorf("answered %d", resp.StatusCode)
		}
		authentic := callout.VerifySignature(header, body, []v1.Secret{companySecret, companyOld, contactSecret, pendingSecret}...)
		if !authentic && len(w.published)+len(w.rejected) > 0 {
			t.Error("kept something that nobody vouches for")
		}
		if got := bodyOf(t, resp); len(body) > 80 && strings.Contains(got, string(body)) {
			t.Error("the body came back")
		}
	})
}
