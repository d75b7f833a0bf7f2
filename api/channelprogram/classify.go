package channelprogram

import (
	"cmp"
	"encoding/json"
	"fmt"
	"html"
	"mime"
	"net/http"
	"net/url"
	"regexp"
	"strconv"
	"strings"
	"time"
	"unicode"
)

// answer is an HTTP answer that is not a success.
type answer struct {
	operation string
	status    int
	header    http.Header
	body      []byte
	now       time.Time
}

// Longest texts of the target that an error keeps, in characters.
const (
	maxDetail = 300
	maxCode   = 64
	maxErrors = 20
)

// classify is the one place that says what an answer means (reference:
// channel-program.md, 5.2). Of a body that is no problem+json only the first words are
// kept: the status decides, with the code where one status has two meanings.
func classify(a answer) *Error {
	e := &Error{
		Operation: a.operation, Status: a.status,
		RequestID: clean(a.header.Get("X-Request-Id"), maxCode),
	}
	var p Problem
	if json.Unmarshal(a.body, &p) != nil || p.Code+p.Detail+p.Title == "" {
		e.Detail = "the answer is " + foreign(a.header, a.body)
	} else {
		e.Code, e.Detail = clean(p.Code, maxCode), clean(p.Detail, maxDetail)
		e.Detail = cmp.Or(e.Detail, clean(p.Title, maxDetail))
		e.RequestID = cmp.Or(e.RequestID, clean(p.RequestID, maxCode))
		for _, f := range p.Errors[:min(len(p.Errors), maxErrors)] {
			e.Errors = append(e.Errors, FieldError{
				Pointer: clean(f.Pointer, maxDetail), Code: clean(f.Code, maxCode), Detail: clean(f.Detail, maxDetail),
			})
		}
	}
	e.Code = cmp.Or(e.Code, "http_"+strconv.Itoa(a.status))
	e.Kind = kindOf(a.status, e.Code)
	switch e.Kind {
	case KindThrottled:
		e.RetryAfter = retryAfter(a.header, a.now)
	case KindUnavailable: // a quota says nothing about an outage
		e.RetryAfter, _ = retryAfterHeader(a.header, a.now)
	}
	if a.status >= 300 && a.status < 400 {
		e.Code, e.Detail = CodeRedirectRefused, redirectDetail(a.header.Get("Location"))
	}
	return e
}

func kindOf(status int, code string) Kind {
	switch status {
	case http.StatusUnauthorized, http.StatusPaymentRequired, http.StatusForbidden:
		return KindPause
	case http.StatusNotFound, http.StatusGone:
		// Of a record it says "not there"; anything else means that the connection,
		// or the whole API, is not at this address.
		if code == CodeClientNotFound || code == CodeContractNotFound {
			return KindNotFound
		}
		return KindPause
	case http.StatusConflict:
		switch code {
		case CodeConnectionPaused, CodeConnectionUninstalled:
			return KindPause
		case CodeIdempotencyInProgress:
			return KindUnavailable
		}
		return KindFailed
	case http.StatusTooManyRequests:
		return KindThrottled
	case http.StatusRequestTimeout, http.StatusTooEarly:
		return KindUnavailable
	case http.StatusUnprocessableEntity:
		return KindRejected
	}
	switch {
	case status >= 500:
		return KindUnavailable
	case status >= 400: // 400, 405, 413, 415 and whatever else says that the request is wrong
		return KindInvalid
	case status >= 300: // the token must not follow; the setting is wrong, not a record
		return KindPause
	default:
		return KindBreach
	}
}

// redirectDetail names only the host: the rest of an address may hold more than an issue should show.
func redirectDetail(location string) string {
	u, err := url.Parse(location)
	if err != nil || u.Host == "" {
		return "the target answers with a redirect, which is never followed; set its final address"
	}
	return "the target redirects to " + clean(u.Host, maxDetail) + ", which is never followed; set its final address"
}

// Of an answer that is not the API's, so many bytes are looked at, and so many characters kept.
const (
	maxPage  = 16 << 10
	maxWords = 160
)

// foreign describes an answer that is not the API's (a firewall's or a gateway's page,
// say) by its type and its first words.
func foreign(h http.Header, body []byte) string {
	kind, _, err := mime.ParseMediaType(h.Get("Content-Type"))
	if err != nil || kind == "" {
		kind = "of no known type"
	}
	words := clean(plainText(body), maxWords)
	if words == "" {
		return "empty, not the API's JSON"
	}
	return fmt.Sprintf("not the API's JSON but %s: %q", clean(kind, maxCode), words)
}

// plainText is a page without its tags, scripts and styles, and with single spaces.
func plainText(body []byte) string {
	markup := regexp.MustCompile(`(?is)<(script|style)\b.*?</(script|style)\s*>|<!--.*?-->|<[^>]*>`)
	text := markup.ReplaceAllString(string(body[:min(len(body), maxPage)]), " ")
	return strings.Join(strings.Fields(html.UnescapeString(text)), " ")
}

// clean makes a text of the target safe to show: one line, bounded.
func clean(text string, limit int) string {
	text = strings.TrimSpace(strings.Map(func(r rune) rune {
		if unicode.IsControl(r) {
			return ' '
		}
		return r
	}, strings.ToValidUTF8(text, "?")))
	if r := []rune(text); len(r) > limit {
		return string(r[:limit-1]) + "…"
	}
	return text
}
