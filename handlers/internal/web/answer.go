package web

import (
	"bytes"
	"encoding/json"
	"net/http"

	v1 "channelsync/api/v1"
)

// Problem writes p as application/problem+json with its own status.
func Problem(w http.ResponseWriter, p *v1.Problem) {
	write(w, p.Status, "application/problem+json", p)
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
