package admin

import (
	"bytes"
	"encoding/json"
	"slices"
	"strconv"
	"strings"

	v1 "channelsync/api/v1"
)

// maxDepth is deeper than any request has fields: shape refuses what lies below.
const maxDepth = 16

// repeated names every field that an object of a JSON text has several times. encoding/json
// takes the last, somebody who checks a request on its way may take the first.
func repeated(body []byte) []v1.FieldError {
	dec := json.NewDecoder(bytes.NewReader(body))
	dec.UseNumber()
	return repeatedIn(dec, nil)
}

// repeatedIn reads one value, which stands at a path.
func repeatedIn(dec *json.Decoder, at []string) (errs []v1.FieldError) {
	if len(at) > maxDepth {
		_ = dec.Decode(new(json.RawMessage)) // past it
		return nil
	}
	open, err := dec.Token()
	if err != nil || open != json.Delim('{') && open != json.Delim('[') {
		return nil
	}
	times := map[string]int{}
	for i := 0; dec.More(); i++ {
		name := strconv.Itoa(i)
		if open == json.Delim('{') {
			key, err := dec.Token()
			if err != nil {
				return errs
			}
			name, _ = key.(string)
			times[name]++
		}
		path := append(slices.Clip(at), escape(shorten(name)))
		if times[name] == 2 {
			errs = append(errs, v1.FieldError{
				Pointer: "#/" + strings.Join(path, "/"), Code: "duplicate_field", Detail: "got a field several times, want it once",
			})
		}
		errs = append(errs, repeatedIn(dec, path)...)
	}
	_, _ = dec.Token() // the end of it
	return errs
}
