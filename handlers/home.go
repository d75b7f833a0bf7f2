package handlers

import (
	"bytes"
	"crypto/rand"
	_ "embed"
	"html/template"
	"net/http"

	v1 "channelsync/api/v1"
	"channelsync/handlers/internal/web"
)

//go:embed home.html
var homeSource string

// home is a page without data: it says where things are. No script may run on
// it, nothing may be loaded by it, and its one style carries a nonce.
func home(w http.ResponseWriter, _ *http.Request) {
	nonce := rand.Text()
	var page bytes.Buffer
	t, err := template.New("home").Parse(homeSource)
	if err == nil {
		err = t.Execute(&page, struct{ Nonce string }{nonce})
	}
	if err != nil { // the page is part of the binary, and tested
		web.Problem(w, v1.NewProblem(http.StatusInternalServerError, v1.CodeInternal, "The page cannot be made.", ""))
		return
	}
	h := w.Header()
	h.Set("Content-Type", "text/html; charset=utf-8")
	h.Set("Content-Security-Policy", "default-src 'none'; style-src 'nonce-"+nonce+"'; base-uri 'none'; "+
		"form-action 'none'; frame-ancestors 'none'")
	h.Set("Referrer-Policy", "no-referrer")
	h.Set("X-Content-Type-Options", "nosniff")
	h.Set("Cache-Control", "no-store")
	_, _ = w.Write(page.Bytes()) // the client is gone if this fails
}
