package projection

import (
	"fmt"
	"strings"
	"unicode/utf8"

	"channelsync/api/channelprogram"
)

// FieldError says which field of a record cannot be projected, and why. It is
// the record's own failure: nothing is pushed until the record changes.
type FieldError struct {
	Field  string // the vendor's name of the field, with its entity
	Reason string
	Do     string // what to do about it in Autotask
}

// Error names the field and says what is wrong with it.
func (e *FieldError) Error() string { return e.Field + " " + e.Reason }

// required is a text that the target wants: trimmed, 1 to channelprogram.MaxName characters.
func required(field, text string) (string, error) {
	text = strings.TrimSpace(text)
	if text == "" {
		return "", &FieldError{Field: field, Reason: "is empty, and the target requires it", Do: "Fill it in"}
	}
	return text, limited(field, text)
}

// limited refuses a name that the target would refuse. It is not cut: no other
// rewriting than trimming is allowed.
func limited(field, text string) error {
	if n := utf8.RuneCountInString(text); n > channelprogram.MaxName {
		return &FieldError{
			Field:  field,
			Reason: fmt.Sprintf("has %d characters, and the target takes at most %d", n, channelprogram.MaxName),
			Do:     "Shorten it",
		}
	}
	return nil
}
