package admin

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"mime"
	"net/http"
	"reflect"

	v1 "channelsync/api/v1"
)

const maxBody = 1 << 20

// decode reads the body of a request into a T and checks it: one JSON object of
// exactly the known fields, each of its type and, trimmed, within its limits. Every error
// is a *v1.Problem that names all wrong fields and repeats no secret.
func decode[T any](c *call) (T, error) {
	var v T
	mediaType, _, err := mime.ParseMediaType(c.r.Header.Get("Content-Type"))
	if err != nil || mediaType != "application/json" {
		return v, v1.NewProblem(http.StatusUnsupportedMediaType, v1.CodeInvalid,
			"The body is not said to be JSON.", "Send the header Content-Type: application/json.")
	}
	body, err := c.body()
	if err != nil {
		return v, err
	}
	return parse[T](c.API, body)
}

// body reads the body of a request whole.
func (c *call) body() ([]byte, error) {
	body, err := io.ReadAll(io.LimitReader(c.r.Body, maxBody+1))
	switch {
	case err != nil:
		return nil, v1.NewProblem(http.StatusBadRequest, v1.CodeInvalid, "The body did not arrive whole.", "Send it again.")
	case len(body) > maxBody:
		return nil, v1.NewProblem(http.StatusRequestEntityTooLarge, v1.CodeInvalid, "The body is larger than 1 MiB.", "")
	}
	c.received()
	return body, nil
}

// noBody refuses the body of a request that takes none, so that {"dryRun":true} never erases
// anything by mistake. Whatever it is said to be, none at all and {} say nothing and pass.
func (c *call) noBody() error {
	if c.r.Body == nil || c.r.Body == http.NoBody {
		return nil
	}
	body, err := c.body()
	if err != nil || len(body) == 0 {
		return err
	}
	_, err = parse[struct{}](c.API, body)
	return err
}

// decodeOptional is decode for a body whose every field may be left out: none at
// all is as good as {}.
func decodeOptional[T any](c *call) (T, error) {
	if c.r.Body == nil || c.r.Body == http.NoBody || c.r.ContentLength == 0 {
		var v T
		return v, nil
	}
	return decode[T](c)
}

// parse is decode without the request.
func parse[T any](a *API, body []byte) (T, error) {
	var v T
	tree, err := readTree(body)
	if err != nil {
		return v, v1.Invalid("The body is not valid JSON.", v1.FieldError{Pointer: "#", Code: "json", Detail: err.Error()})
	}
	if errs := append(shape(tree, reflect.TypeFor[T](), "#"), repeated(body)...); len(errs) > 0 {
		return v, v1.Invalid("The body has fields that are not as expected.", errs...)
	}
	if err := json.Unmarshal(body, &v); err != nil {
		// shape has accepted what the type takes; should they ever differ, say it without quoting the body.
		return v, v1.Invalid("The body is not as expected.", v1.FieldError{
			Pointer: "#", Code: "wrong_type", Detail: "got JSON that does not fit, want the documented fields",
		})
	}
	trim(reflect.ValueOf(&v))
	if errs := a.check(v); len(errs) > 0 {
		return v, v1.Invalid("The body has fields that are not valid.", errs...)
	}
	return v, nil
}

// trim trims every text in v, secrets too: what people enter is tried, compared and
// stored without what nobody sees at its ends.
func trim(v reflect.Value) {
	switch v.Kind() {
	case reflect.Pointer:
		if !v.IsNil() {
			trim(v.Elem())
		}
	case reflect.Struct:
		for i := range v.NumField() {
			if v.Type().Field(i).IsExported() {
				trim(v.Field(i))
			}
		}
	case reflect.Slice:
		for i := range v.Len() {
			trim(v.Index(i))
		}
	case reflect.String:
		v.SetString(v1.Trim(v.String()))
	}
}

// readTree decodes exactly one JSON value, with numbers as they are written.
func readTree(body []byte) (any, error) {
	dec := json.NewDecoder(bytes.NewReader(body))
	dec.UseNumber()
	var tree any
	if err := dec.Decode(&tree); err != nil {
		var syntax *json.SyntaxError
		switch {
		case errors.Is(err, io.EOF):
			return nil, errors.New("got an empty body, want a JSON object")
		case errors.Is(err, io.ErrUnexpectedEOF):
			return nil, errors.New("got JSON that ends too early, want a JSON object")
		case errors.As(err, &syntax):
			return nil, fmt.Errorf("got text that is not JSON at byte %d, want a JSON object", syntax.Offset)
		}
		return nil, errors.New("got text that is not JSON, want a JSON object")
	}
	if _, err := dec.Token(); !errors.Is(err, io.EOF) {
		return nil, errors.New("got more after the JSON object, want it alone")
	}
	return tree, nil
}
