package channelprogram

import (
	"math"
	"net/http"
	"strconv"
	"strings"
	"time"
)

// MaxRetryAfter caps every wait that the target asks for, so that one absurd
// answer cannot silence a connection for days.
const MaxRetryAfter = time.Hour

// RateLimit is one quota of a RateLimit header.
type RateLimit struct {
	Policy    string
	Remaining int64
	Reset     time.Duration // until the quota is whole again; 0: not said
}

// ParseRateLimit reads a RateLimit header in the form of the IETF draft
// (draft-ietf-httpapi-ratelimit-headers-11, a structured field):
//
//	"default";r=50;t=30, "daily";r=1000;t=36000
//
// A malformed header is no header (false), as the draft asks.
func ParseRateLimit(header string) ([]RateLimit, bool) {
	p := fieldParser{rest: strings.Trim(header, " ")}
	var limits []RateLimit
	for {
		limit, ok := p.limit()
		if !ok {
			return nil, false
		}
		limits = append(limits, limit)
		p.spaces(" \t")
		if p.rest == "" {
			return limits, true
		}
		if !p.take(',') {
			return nil, false
		}
		p.spaces(" \t")
	}
}

// retryAfter is how long an answer asks us to leave the connection alone:
// Retry-After (seconds or a date) wins; else, of the quotas that are used up,
// the longest reset; else the longest reset named. 0 when nothing is said.
func retryAfter(h http.Header, now time.Time) time.Duration {
	if wait, ok := retryAfterHeader(h, now); ok {
		return wait
	}
	limits, ok := ParseRateLimit(strings.Join(h.Values("RateLimit"), ", "))
	if !ok {
		return 0
	}
	var exhausted, longest time.Duration
	for _, l := range limits {
		longest = max(longest, l.Reset)
		if l.Remaining == 0 {
			exhausted = max(exhausted, l.Reset)
		}
	}
	if exhausted > 0 {
		longest = exhausted
	}
	return min(longest, MaxRetryAfter)
}

// retryAfterHeader reads Retry-After alone; a malformed one is none.
func retryAfterHeader(h http.Header, now time.Time) (time.Duration, bool) {
	text := strings.TrimSpace(h.Get("Retry-After"))
	if s, err := strconv.ParseUint(text, 10, 63); err == nil {
		return seconds(int64(s)), true
	}
	if at, err := http.ParseTime(text); err == nil {
		return min(max(at.Sub(now), 0), MaxRetryAfter), true
	}
	return 0, false
}

func seconds(n int64) time.Duration {
	if n > int64(MaxRetryAfter/time.Second) {
		return MaxRetryAfter
	}
	return time.Duration(n) * time.Second
}

// fieldParser reads the part of structured fields (RFC 9651) that the header needs.
type fieldParser struct{ rest string }

func (p *fieldParser) spaces(set string) { p.rest = strings.TrimLeft(p.rest, set) }

func (p *fieldParser) take(c byte) bool {
	if p.rest == "" || p.rest[0] != c {
		return false
	}
	p.rest = p.rest[1:]
	return true
}

// limit reads one list member: a string with the parameters r (required) and t.
func (p *fieldParser) limit() (RateLimit, bool) {
	name, ok := p.text()
	limit, seen := RateLimit{Policy: name}, false
	for ok && p.take(';') {
		p.spaces(" ")
		key := p.word(keyChar)
		if key == "" {
			return limit, false
		}
		value := "?1" // a parameter without a value is the boolean true
		if p.take('=') {
			if value, ok = p.bare(); !ok {
				return limit, false
			}
		}
		switch key {
		case "r":
			limit.Remaining, seen = nonNegative(value)
			ok = seen
		case "t":
			var n int64
			n, ok = nonNegative(value)
			limit.Reset = time.Duration(min(n, math.MaxInt64/int64(time.Second))) * time.Second
		}
	}
	return limit, ok && seen
}

func nonNegative(text string) (int64, bool) {
	n, err := strconv.ParseUint(text, 10, 63)
	return int64(n), err == nil && len(text) <= 15 // an sf-integer has at most 15 digits
}

// text reads an sf-string: printable ASCII in quotes, with \" and \\.
func (p *fieldParser) text() (string, bool) {
	if !p.take('"') {
		return "", false
	}
	var b strings.Builder
	for i := 0; i < len(p.rest); i++ {
		switch c := p.rest[i]; {
		case c == '"':
			p.rest = p.rest[i+1:]
			return b.String(), true
		case c == '\\':
			i++
			if i == len(p.rest) || p.rest[i] != '"' && p.rest[i] != '\\' {
				return "", false
			}
			b.WriteByte(p.rest[i])
		case c < 0x20 || c > 0x7e:
			return "", false
		default:
			b.WriteByte(c)
		}
	}
	return "", false
}

// bare reads a parameter's value: a string, a byte sequence, or anything written as a word.
func (p *fieldParser) bare() (string, bool) {
	switch {
	case p.rest == "":
		return "", false
	case p.rest[0] == '"':
		return p.text()
	case p.rest[0] == ':':
		inside, after, ok := strings.Cut(p.rest[1:], ":")
		p.rest = after
		return inside, ok && strings.IndexFunc(inside, func(r rune) bool { return r > 0x7e || r <= 0x20 }) < 0
	}
	word := p.word(valueChar)
	return word, word != ""
}

func (p *fieldParser) word(allowed func(byte) bool) string {
	i := 0
	for i < len(p.rest) && allowed(p.rest[i]) {
		i++
	}
	word := p.rest[:i]
	p.rest = p.rest[i:]
	return word
}

func keyChar(c byte) bool {
	return c >= 'a' && c <= 'z' || c >= '0' && c <= '9' || strings.IndexByte("_-.*", c) >= 0
}

func valueChar(c byte) bool {
	return c > 0x20 && c < 0x7f && strings.IndexByte(`,;="`, c) < 0
}
