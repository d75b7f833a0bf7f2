package admin

import (
	"io"
	"net/http"

	"github.com/go-chi/chi/v5"

	v1 "channelsync/api/v1"
)

// documentRoutes serves the description of this API by itself.
func (a *API) documentRoutes(r chi.Router) {
	r.Get("/openapi.yaml", func(w http.ResponseWriter, _ *http.Request) {
		h := w.Header()
		h.Set("Content-Type", "application/yaml") // RFC 9512
		h.Set("Cache-Control", "no-store")
		h.Set("X-Content-Type-Options", "nosniff")
		_, _ = io.WriteString(w, v1.OpenAPI()) // the client is gone if this fails
	})
}
