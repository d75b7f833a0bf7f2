package load

import (
	"crypto/hmac"
	"crypto/sha1"
	"encoding/base64"
	"fmt"
	"net/url"
)

// Callbacks makes callbacks of Autotask, each of another record and with the next sequence
// number. The envelope is built here rather than by the product, which is what is measured.
type Callbacks struct {
	URL     string // where they are posted to
	GUID    string // of the registration
	Secret  string // of the registration
	FirstID int64  // of the records
	Records int64  // so many of them, over and over
	// Repeats is how many of a hundred are one that was made before, as a vendor does that
	// did not see the answer.
	Repeats int
	last    int64
}

// repeatAfter is how many requests lie between one and its repeat: more than there are
// connections, so that most repeats are of what was answered.
const repeatAfter = 100

// Make builds n requests.
func (c *Callbacks) Make(n int) ([][]byte, error) {
	u, err := url.Parse(c.URL)
	if err != nil {
		return nil, fmt.Errorf("read callback URL: %w", err)
	}
	out := make([][]byte, n)
	for i := range out {
		if i >= repeatAfter && i%100 < c.Repeats {
			out[i] = out[i-repeatAfter/2-i%100]
			continue
		}
		c.last++
		body := fmt.Sprintf(`{"Action":"Update","Guid":"%s","EntityType":"Account","Id":%d,`+
			`"Fields":{"CompanyName":"Example Client %06d","Phone":"518-555-0100","City":"Albany"},`+
			`"EventTime":"2026-11-23T14:57:50Z","SequenceNumber":%d,"PersonId":29682945}`,
			c.GUID, c.FirstID+c.last%c.Records, c.last, c.last)
		mac := hmac.New(sha1.New, []byte(c.Secret))
		_, _ = mac.Write([]byte(body)) // a hash takes everything
		out[i] = fmt.Appendf(nil, "POST %s HTTP/1.1\r\nHost: %s\r\nContent-Type: application/json; charset=utf-8\r\n"+
			"X-Hook-Signature: sha1=%s\r\nContent-Length: %d\r\n\r\n%s",
			u.Path, u.Host, base64.StdEncoding.EncodeToString(mac.Sum(nil)), len(body), body)
	}
	return out, nil
}
