package admin

import (
	"errors"
	"fmt"
	"reflect"
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/go-playground/validator/v10"

	v1 "channelsync/api/v1"
)

// newValidator reads the validate tags of api/v1 and speaks of fields by their JSON names.
func newValidator() *validator.Validate {
	v := validator.New(validator.WithRequiredStructEnabled())
	v.RegisterTagNameFunc(func(f reflect.StructField) string {
		name, _, _ := strings.Cut(f.Tag.Get("json"), ",")
		return name
	})
	_ = v.RegisterValidation("printed", printed)   // it refuses empty names only
	_ = v.RegisterValidation("readable", readable) // of tags
	_ = v.RegisterValidation("reason", knownCode)
	_ = v.RegisterValidation("cause", knownCode)
	return v
}

// printed wants text without control characters. A user name, a secret or a tracking
// identifier with one cannot be sent to Autotask, and mostly came with a copied line break.
func printed(fl validator.FieldLevel) bool {
	return strings.IndexFunc(fl.Field().String(), unicode.IsControl) < 0
}

// readable wants a name that is what it looks like.
func readable(fl validator.FieldLevel) bool { return v1.Unclear(fl.Field().String()) == "" }

// knownCode wants the code of a reason, an issue or a dead letter.
func knownCode(fl validator.FieldLevel) bool { return v1.KnownCode(fl.Field().String()) }

// check is what the tags say of v, one error for each wrong field.
func (a *API) check(v any) []v1.FieldError {
	err := a.validate.Struct(v)
	if err == nil {
		return nil
	}
	var wrong validator.ValidationErrors
	if !errors.As(err, &wrong) {
		return []v1.FieldError{{Pointer: "#", Code: "invalid", Detail: "got a body that cannot be checked"}}
	}
	errs := make([]v1.FieldError, len(wrong))
	for i, fe := range wrong {
		errs[i] = v1.FieldError{Pointer: pointer(fe.Namespace()), Code: fe.Tag(), Detail: detail(fe)}
	}
	return errs
}

// pointer turns "CreateInstallation.options.include[2]" into "#/options/include/2".
func pointer(namespace string) string {
	_, path, _ := strings.Cut(namespace, ".")
	path = strings.NewReplacer(".", "/", "[", "/", "]", "").Replace(path)
	return "#/" + path
}

// detail says what was got and what is wanted; of a secret only how long it is.
func detail(fe validator.FieldError) string {
	_, secret := fe.Value().(v1.Secret)
	got := "nothing"
	if text := fmt.Sprint(fe.Value()); !secret && text != "" {
		got = fmt.Sprintf("%q", shorten(text))
	}
	count, unit := -1, ""
	switch v := reflect.ValueOf(fe.Value()); v.Kind() {
	case reflect.String:
		count, unit = utf8.RuneCountInString(v.String()), " characters"
	case reflect.Slice:
		count, unit = v.Len(), " items"
		got = "a list"
	}
	switch {
	case fe.Tag() == "required" || (fe.Tag() == "min" && count == 0):
		return "got nothing, want a value"
	case fe.Tag() == "max" && count >= 0:
		return fmt.Sprintf("got %d%s, want at most %s", count, unit, fe.Param())
	case fe.Tag() == "min" && count >= 0:
		return fmt.Sprintf("got %d%s, want at least %s", count, unit, fe.Param())
	case fe.Tag() == "max":
		return fmt.Sprintf("got %v, want at most %s", fe.Value(), fe.Param())
	case fe.Tag() == "min":
		return fmt.Sprintf("got %v, want at least %s", fe.Value(), fe.Param())
	case fe.Tag() == "oneof":
		return "got " + got + ", want " + strings.Join(strings.Fields(fe.Param()), " or ")
	case fe.Tag() == "unique":
		return "got one value twice, want each once"
	case fe.Tag() == "number":
		return "got " + got + ", want a decimal number"
	case fe.Tag() == "printed":
		return "got a line break or another control character, want text without"
	case fe.Tag() == "readable":
		return "got " + v1.Unclear(fmt.Sprint(fe.Value())) + ", want a name that is what it looks like"
	case fe.Tag() == "reason":
		return "got " + got + ", want " + orWords(v1.ReasonCodes())
	case fe.Tag() == "cause":
		return "got " + got + ", want " + orWords(v1.DeadLetterCodes())
	case fe.Tag() == "timezone":
		return "got " + got + ", " + v1.WantTimeZone(fmt.Sprint(fe.Value()))
	case fe.Tag() == "iso4217":
		return "got " + got + ", want an ISO 4217 currency code such as EUR"
	}
	return "got a value that is not valid"
}

// orWords is "a, b or c".
func orWords(words []string) string {
	last := len(words) - 1
	return strings.TrimPrefix(strings.Join(words[:last], ", ")+" or "+words[last], " or ")
}
