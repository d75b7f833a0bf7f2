package config

import (
	"encoding/base64"
	"errors"
	"math"
	"os"
	"slices"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"

	v1 "channelsync/api/v1"
)

const (
	keyBytes         = 32
	minSigningSecret = 16
)

func want(what string) error { return errors.New("want " + what) }

func nonEmpty(to *string, s string) error {
	if s == "" {
		return want("a value")
	}
	*to = s
	return nil
}

func boolean(to *bool, s string) error {
	v, err := strconv.ParseBool(s)
	if err != nil {
		return want("true or false")
	}
	*to = v
	return nil
}

func among(allowed ...string) func(*string, string) error {
	return func(to *string, s string) error {
		if !slices.Contains(allowed, s) {
			return want("one of " + strings.Join(allowed, ", "))
		}
		*to = s
		return nil
	}
}

// plain takes any text.
func plain[T ~string](to *T, s string) error {
	*to = T(s)
	return nil
}

// into takes what parse answers.
func into[T any](parse func(string) (T, error)) func(*T, string) error {
	return func(to *T, s string) (err error) {
		*to, err = parse(s)
		return err
	}
}

// interval is a duration of a second or more, span one that may be none.
func interval(to *time.Duration, s string) error { return duration(to, s, time.Second) }
func span(to *time.Duration, s string) error     { return duration(to, s, 0) }

// duration takes what Go's ParseDuration takes, from least up.
func duration(to *time.Duration, s string, least time.Duration) error {
	d, err := time.ParseDuration(s)
	if err != nil || d < least {
		return want("a duration of " + least.String() + " or more, such as 500ms, 90s, 15m or 24h")
	}
	*to = d
	return nil
}

// size reads a number of bytes: plain, or with a unit of 1000 (kB, MB, GB, TB)
// or 1024 (KiB, MiB, GiB, TiB) in any case. Empty and "none" are 0: no cap.
func size(s string) (int64, error) {
	t := strings.ToLower(s)
	if t == "" || t == "none" {
		return 0, nil
	}
	digits := strings.TrimRight(t, "abcdefghijklmnopqrstuvwxyz ")
	factor, known := map[string]int64{
		"": 1, "b": 1, "kb": 1e3, "mb": 1e6, "gb": 1e9, "tb": 1e12,
		"kib": 1 << 10, "mib": 1 << 20, "gib": 1 << 30, "tib": 1 << 40,
	}[strings.TrimSpace(t[len(digits):])]
	n, err := strconv.ParseUint(digits, 10, 63)
	if err != nil || !known || n > uint64(math.MaxInt64/factor) {
		return 0, want("a number of bytes, such as 1073741824, 512MiB or 10GB, or none")
	}
	return int64(n) * factor, nil //nolint:gosec // bounded by 63 bits above
}

// list splits at commas, trims, and drops empty parts.
func list(s string) []string {
	var parts []string
	for part := range strings.SplitSeq(s, ",") {
		if part = v1.Trim(part); part != "" {
			parts = append(parts, part)
		}
	}
	return parts
}

// keyRing reads comma-separated base64 keys, with the standard or the URL
// alphabet, padded or not, each of 32 bytes.
func keyRing(to *[]v1.Secret, s string) error {
	var keys []v1.Secret
	for _, part := range list(s) {
		b, err := decodeKey(part)
		if err != nil || len(b) != keyBytes {
			return want("32 bytes in base64 (head -c 32 /dev/urandom | base64), or several of them with commas")
		}
		k := v1.Secret(b)
		if slices.Contains(keys, k) {
			return want("a ring without repeated keys")
		}
		keys = append(keys, k)
	}
	if s != "" && len(keys) == 0 {
		return want("at least one key")
	}
	*to = keys
	return nil
}

func decodeKey(s string) ([]byte, error) {
	s = strings.NewReplacer("-", "+", "_", "/").Replace(strings.TrimRight(s, "="))
	return base64.RawStdEncoding.Strict().DecodeString(s)
}

// tokenBits is how hard the admin token is to guess at least.
const tokenBits = 128

// token reads a bearer token: what an Authorization header can carry (RFC 6750
// b64token, and the rest of visible ASCII too), and nobody guesses.
func token(to *v1.Secret, s string) error {
	if strings.ContainsFunc(s, func(r rune) bool { return r <= ' ' || r > '~' }) {
		return want("visible ASCII characters without spaces")
	}
	if s != "" && bitsAtMost(s) < tokenBits {
		return want("a generated one of 128 random bits or more (openssl rand -hex 32)")
	}
	*to = v1.Secret(s)
	return nil
}

// bitsAtMost is how many random bits a text can have: as many as one of its length has that
// is drawn from the kinds of characters in it. A text of few different ones was not drawn.
func bitsAtMost(s string) float64 {
	different, kinds, hex := map[rune]bool{}, map[string]int{}, true
	for _, r := range s {
		different[r] = true
		hex = hex && strings.ContainsRune("0123456789abcdefABCDEF", r)
		switch {
		case r >= '0' && r <= '9':
			kinds["digit"] = 10
		case r >= 'a' && r <= 'z':
			kinds["lower"] = 26
		case r >= 'A' && r <= 'Z':
			kinds["upper"] = 26
		default:
			kinds["other"] = 32
		}
	}
	if len(different) < 8 {
		return 0
	}
	alphabet := 0
	for _, size := range kinds {
		alphabet += size
	}
	if hex {
		alphabet = min(alphabet, 16)
	}
	return float64(len(s)) * math.Log2(float64(alphabet))
}

// signingSecret takes a secret that cannot be guessed from what it signed.
func signingSecret(to *v1.Secret, s string) error {
	if s != "" && utf8.RuneCountInString(s) < minSigningSecret {
		return want("16 characters or more")
	}
	*to = v1.Secret(s)
	return nil
}

// readableFile takes the path of a file that can be opened.
func readableFile(to *string, s string) error {
	f, err := os.Open(s)
	if err != nil {
		return want("a file that can be read (" + reason(err) + ")")
	}
	defer func() { _ = f.Close() }()
	if info, err := f.Stat(); err != nil || info.IsDir() {
		return want("a file, not a directory")
	}
	*to = s
	return nil
}

// reason is the last part of an error about a path, which is said already.
func reason(err error) string {
	if pe, ok := errors.AsType[*os.PathError](err); ok {
		return pe.Err.Error()
	}
	return err.Error()
}

// roles reads comma-separated value=role pairs, where role:id is the role for one installation. The last = parts them:
// values of a claim may have one.
func roles(s string) (map[string]v1.Grant, error) {
	out := map[string]v1.Grant{}
	for _, part := range list(s) {
		i := strings.LastIndex(part, "=")
		if i < 0 {
			return nil, want("comma-separated value=role pairs, such as ops=operator,finance=viewer")
		}
		value := v1.Trim(part[:i])
		role, only, limited := strings.Cut(v1.Trim(part[i+1:]), ":")
		_, twice := out[value]
		switch {
		case value == "":
			return nil, want("a value of the claim before each =, such as ops=operator")
		case !slices.Contains(v1.Roles, v1.Role(role)):
			return nil, want("one of the roles viewer, operator and admin after each =, such as ops=operator")
		case limited && (len(only) != 26 || strings.Trim(only, "abcdefghijklmnopqrstuvwxyz0123456789") != ""):
			return nil, want("the id of an installation after each :, as channelsync installation list shows it")
		case twice:
			return nil, want("each value once")
		}
		out[value] = v1.Grant{Role: v1.Role(role), Installation: only}
	}
	return out, nil
}
