package autotask

import (
	"context"
	"net/http"
	"strings"
	"testing"
	"time"
)

type fuzzedRow struct {
	ID      int64     `at:"id"`
	Name    string    `at:"companyName"`
	Active  *bool     `at:"isActive"`
	Changed time.Time `at:"lastActivityDate,optional"`
	Charged *int64    `at:"companyType,optional"`
	Missing []string
}

// FuzzAnswers gives every reader of the REST API the same answer, whatever it is:
// none may fail in another way than with an error, none may ask for ever, and no
// error may repeat the credentials.
func FuzzAnswers(f *testing.F) {
	for _, body := range []string{
		`{"items":[{"id":1,"companyName":"Acme","isActive":true}],"pageDetails":{"count":1,"nextPageUrl":"http://127.0.0.1/"}}`,
		`{"item":{"id":"7","companyName":null,"lastActivityDate":"2025-09-15T14:57:50.1Z"}}`, `{"item":null}`, `{"items":[null,7,{}]}`, `{"queryCount":"12"}`,
		`{"info":{"name":"Companies","canQuery":"true"}}`, `{"fields":[{"name":"a","picklistValues":[{"value":1}]}]}`,
		`{"externalRequestThreshold":10000,"requestThresholdTimeframe":60,"currentTimeframeRequestCount":1}`, `{"itemId":5}`,
		`{"errors":["Unable to find Nope in the Companies Entity."]}`, `[`, ``, `{"ITEMS":[{"ID":1}],"Items":[]}`, `{"items":[{"id":9223372036854775808}]}`,
		`{"items":[` + strings.TrimSuffix(strings.Repeat(`{"id":3},`, 500), ",") + `]}`, `{"errors":["secret ` + testSecret.Reveal() + `"]}`,
	} {
		for _, status := range []int{200, 500} {
			f.Add(status, "application/json", "3", []byte(body))
		}
	}
	f.Add(429, "text/html", "Wed, 21 Oct 2015 07:28:00 GMT", []byte("<html>"))
	f.Fuzz(func(t *testing.T, status int, mediaType, retryAfter string, body []byte) {
		if status < 200 || status > 599 {
			return // nothing else is an answer
		}
		v := &vendor{answer: func(w http.ResponseWriter, _ *http.Request) {
			w.Header()["Content-Type"], w.Header()["Retry-After"] = []string{mediaType}, []string{retryAfter}
			w.WriteHeader(status)
			_, _ = w.Write(body)
		}}
		c := newTestClient(t, v)
		ctx := t.Context()
		for name, read := range map[string]func() error{
			"query": func() error {
				return Each(ctx, c, EntityCompanies, Query{}, func(Rows[fuzzedRow]) error { return nil })
			},
			"ids":     func() error { _, err := ByIDs[fuzzedRow](ctx, c, EntityCompanies, "id", []int64{1, 2}); return err },
			"get":     func() error { _, err := Get[fuzzedRow](ctx, c, EntityCompanies, 7); return err },
			"count":   func() error { _, err := c.Count(ctx, EntityCompanies); return err },
			"info":    func() error { _, err := c.EntityInformation(ctx, EntityCompanies); return err },
			"fields":  func() error { _, err := c.Fields(ctx, EntityCompanies); return err },
			"limits":  func() error { _, err := c.readThreshold(ctx); return err },
			"missed":  func() error { return c.MissedCallouts(ctx, nil, func(Rows[MissedCallout]) error { return nil }) },
			"hooks":   func() error { _, err := c.Webhooks(ctx, CompanyWebhooks, ""); return err },
			"created": func() error { _, err := c.CreateWebhook(ctx, CompanyWebhooks, NewWebhook{Name: "n"}); return err },
		} {
			if err := read(); err != nil &&
				strings.Contains(err.Error(), testSecret.Reveal()) {
				t.Errorf("%s: the error repeats the secret: %v", name, err)
			}
		}
		if n := len(v.sent()); n > 200 {
			t.Errorf("%d requests", n)
		}
		for _, s := range v.sent() {
			if s.host != "webservices3.autotask.net" {
				t.Errorf("asked %s%s", s.host, s.path)
			}
		}
	})
}

// FuzzZoneAnswer: whatever discovery answers, what comes out is a zone that the
// list of hosts allows, or nothing.
func FuzzZoneAnswer(f *testing.F) {
	for _, body := range []string{
		`{"zoneName":"America East","url":"https://webservices3.autotask.net/atservicesrest/","webUrl":"https://ww3.autotask.net/","ci":1}`,
		`{"url":"http://169.254.169.254/"}`, `{"url":"https://webservices3.autotask.net@127.0.0.1/"}`, `{"URL":"https://127.0.0.1:9000/"}`, `{"errors":["x"]}`, `null`, ``,
	} {
		f.Add(200, "", []byte(body))
	}
	f.Add(307, "http://169.254.169.254/", []byte(nil))
	f.Fuzz(func(t *testing.T, status int, location string, body []byte) {
		if status < 200 || status > 599 {
			return
		}
		v := &vendor{answer: func(w http.ResponseWriter, _ *http.Request) {
			w.Header()["Location"] = []string{location}
			w.WriteHeader(status)
			_, _ = w.Write(body)
		}}
		hosts := NewHosts([]string{"127.0.0.1:9000"})
		zone, err := Discoverer{URL: discoveryURL, Hosts: hosts, Client: &http.Client{Transport: v}}.Discover(context.Background(), "a@b")
		if err == nil {
			if u, err := hosts.Check(zone.URL); err != nil || u.String() != zone.URL {
				t.Errorf("discovered %+v: %v", zone, err)
			}
		}
		for _, s := range v.sent() {
			if !vendorHost.MatchString(s.host) && s.host != "webservices3.autotask.net:443" && s.host != "127.0.0.1:9000" && !strings.HasSuffix(s.host, ".autotask.net:443") {
				t.Errorf("asked %s", s.host)
			}
		}
	})
}
