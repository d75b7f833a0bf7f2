package autotask

import (
	"bytes"
	"encoding/json"
	"net/http"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"
	"unicode"

	"channelsync/api/autotask/internal/lenient"
	"channelsync/internal/clip"
)

// Bounds of what an Error keeps of an answer.
const (
	maxTexts    = 5
	maxTextSize = 300
)

// hourlyPause is how long an hourly limit is left alone when the vendor does not
// say; the window rolls, so there is something free within minutes.
const hourlyPause = time.Minute

// The vendor's error texts, as they were observed. Order of use matters: a text
// about a delete of nothing also speaks of permissions.
var (
	// Not a plain "threshold": sendThresholdExceededNotification is a field's name.
	throttleText = regexp.MustCompile(`(?i)thread threshold|\bthreshold\b.*\bexceeded\b|\bexceeded\b.*\bthreshold\b`)
	threadText   = regexp.MustCompile(`(?i)\bthreads?\b`)
	refusedText  = regexp.MustCompile(`(?i)IntegrationCode is invalid|Zone information could not be determined|` +
		`account (has been|is) locked`)
	notFoundText   = regexp.MustCompile(`(?i)No matching records found`)
	permissionText = regexp.MustCompile(`(?i)adequate permissions?|required permissions?|not have (the )?permissions?|` +
		`maximum (number of )?webhooks?|webhook limit`)
	// Of ASP.NET or a gateway: the path is not known, which says nothing of a record under it.
	noRouteText = regexp.MustCompile(`(?i)No HTTP resource was found|no route matched`)
	invalidText = regexp.MustCompile(`(?i)Unable to find|Picklist|\brequired\b|Data violation|between 1 and 500|` +
		`cannot be null|Unexpected character|less than or equal to|500 or fewer`)
)

// classify turns an answer into an error, nil for 2xx. It is the only place that
// gives a status or a text a meaning. (Reference: errors, shape and status.)
func classify(status int, header http.Header, body []byte, now time.Time) *Error {
	if status >= 200 && status < 300 {
		return nil
	}
	e := &Error{Status: status, Texts: errorTexts(body)}
	said := strings.Join(e.Texts, "\n")
	switch {
	case status == http.StatusTooManyRequests || throttleText.MatchString(said):
		e.Kind = KindThrottled
		e.RetryAfter = retryAfter(header, now)
		if e.RetryAfter == 0 && !threadText.MatchString(said) {
			e.RetryAfter = hourlyPause
		}
	case status == http.StatusUnauthorized || refusedText.MatchString(said):
		e.Kind = KindRefused
	case notFoundText.MatchString(said):
		e.Kind = KindNotFound
	case (status == http.StatusForbidden || status == http.StatusNotFound) && foreign(body):
		e.Kind = KindUnavailable // of a firewall or gateway: it says nothing of rights or records
	case status == http.StatusForbidden || permissionText.MatchString(said):
		e.Kind = KindPermission
	case status == http.StatusNotFound:
		e.Kind = KindNotFound
	case status == http.StatusRequestTimeout || status == http.StatusTooEarly || status < 400:
		e.Kind = KindUnavailable
	case status < 500 || invalidText.MatchString(said):
		e.Kind = KindInvalid
	case status == http.StatusInternalServerError && len(e.Texts) > 0:
		e.Kind = KindUnknown
	default:
		e.Kind = KindUnavailable
	}
	return e
}

// foreign says whether a body is none of Autotask's: neither empty nor JSON that has
// one of its keys. What stands between us and the vendor answers pages.
func foreign(body []byte) bool {
	if len(bytes.TrimSpace(body)) == 0 {
		return false
	}
	var answer lenient.Object
	if json.Unmarshal(body, &answer) != nil {
		return true
	}
	return !slices.ContainsFunc([]string{"errors", "Message", "error", "item", "items"}, func(key string) bool { return answer.Get(key) != nil })
}

// errorTexts reads {"errors":["…"]}, also with objects that have a message, and
// the {"Message":"…"} of ASP.NET; none when the body is anything else.
func errorTexts(body []byte) []string {
	var answer lenient.Object
	if json.Unmarshal(body, &answer) != nil {
		return nil
	}
	var texts []string
	add := func(raw json.RawMessage) {
		if text := plainText(messageOf(raw)); text != "" && len(texts) < maxTexts {
			texts = append(texts, text)
		}
	}
	for _, key := range []string{"errors", "Message", "error"} {
		raw := answer.Get(key)
		var list []json.RawMessage
		if json.Unmarshal(raw, &list) == nil {
			for _, item := range list {
				add(item)
			}
			continue
		}
		add(raw)
	}
	return texts
}

func messageOf(raw json.RawMessage) string {
	switch lenient.KindOf(raw) {
	case "text":
		return lenient.Text(raw)
	case "object":
		var o lenient.Object
		if json.Unmarshal(raw, &o) == nil {
			return lenient.Text(o.Get("message"))
		}
	}
	return ""
}

// plainText drops control characters, so that a text cannot forge log lines.
func plainText(text string) string {
	clean := strings.Map(func(r rune) rune {
		if unicode.IsControl(r) {
			return ' '
		}
		return r
	}, text)
	return clip.Text(strings.TrimSpace(clean), maxTextSize)
}

// retryAfter reads Retry-After in seconds or as a date; 0 when there is none.
func retryAfter(header http.Header, now time.Time) time.Duration {
	text := strings.TrimSpace(header.Get("Retry-After"))
	if seconds, err := strconv.Atoi(text); err == nil {
		return time.Duration(min(max(seconds, 0), 3600)) * time.Second
	}
	if at, err := http.ParseTime(text); err == nil {
		return min(max(at.Sub(now), 0), time.Hour)
	}
	return 0
}
