package web

import (
	"bytes"
	"encoding/json"
	"fmt"
	"net/http"

	v1 "channelsync/api/v1"
)

// maxErrors is how many wrong fields an answer names: a small request can have many.
const maxErrors = 20

// Problem writes p as application/problem+json with its own status. Of its errors it
// names the first, and counts the others.
func Problem(w http.ResponseWriter, p *v1.Problem) {
	write(w, p.Status, "application/problem+json", bounded(p))
}

func bounded(p *v1.Problem) *v1.Problem {
	left := len(p.Errors) - maxErrors
	if left <= 0 {
		return p
	}
	short := *p
	short.Errors = p.Errors[:maxErrors]
	if short.Detail += " One more error is not shown."; left > 1 {
		short.Detail = fmt.Sprintf("%s %d more errors are not shown.", p.Detail, left)
	}
	return &short
}

// JSON writes v with the status; a v that cannot be encoded is a 500.
func JSON(w http.ResponseWriter, status int, v any) {
	write(w, status, "application/json", v)
}

func write(w http.ResponseWriter, status int, contentType string, v any) {
	var body bytes.Buffer
	enc := json.NewEncoder(&body)
	enc.SetEscapeHTML(false) // never served as HTML, see nosniff
	if err := enc.Encode(v); err != nil {
		status, contentType = http.StatusInternalServerError, "application/problem+json"
		body.Reset()
		_ = enc.Encode(Internal())
	}
	h := w.Header()
	h.Set("Content-Type", contentType)
	h.Set("Cache-Control", "no-store")
	h.Set("X-Content-Type-Options", "nosniff")
	w.WriteHeader(status)
	_, _ = w.Write(body.Bytes()) // the client is gone if this fails: nobody is left to tell
}
