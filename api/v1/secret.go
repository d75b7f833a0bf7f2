package v1

import (
	"encoding/json"
	"fmt"
)

const masked = "<secret>"

// Secret is text that must never be shown: fmt, JSON and zap all print it as
// "<secret>". Reveal is the only way to the value, so that every place where a
// secret leaves the process can be found by searching for that one word.
type Secret string

// Reveal returns the value itself. Call it only where the value is sent or sealed.
func (s Secret) Reveal() string { return string(s) }

// String masks the value; the empty secret prints as empty, so that "not set" stays visible.
func (s Secret) String() string {
	if s == "" {
		return ""
	}
	return masked
}

// GoString masks the value under %#v.
func (s Secret) GoString() string { return `v1.Secret("` + s.String() + `")` }

// Format masks the value under every verb, %x and %q included.
func (s Secret) Format(f fmt.State, verb rune) {
	if verb == 'v' && f.Flag('#') {
		_, _ = f.Write([]byte(s.GoString()))
		return
	}
	_, _ = f.Write([]byte(s.String()))
}

// MarshalJSON masks the value.
func (s Secret) MarshalJSON() ([]byte, error) { return json.Marshal(s.String()) }

// MarshalText masks the value for encoders that ask for text.
func (s Secret) MarshalText() ([]byte, error) { return []byte(s.String()), nil }

// UnmarshalText takes the value as it came.
func (s *Secret) UnmarshalText(b []byte) error {
	*s = Secret(b)
	return nil
}

// UnmarshalJSON takes the value as it came; only a JSON string is accepted.
func (s *Secret) UnmarshalJSON(b []byte) error {
	var v string
	if err := json.Unmarshal(b, &v); err != nil {
		return fmt.Errorf("a secret must be a JSON string")
	}
	*s = Secret(v)
	return nil
}
