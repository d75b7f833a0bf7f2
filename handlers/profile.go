package handlers

import (
	"net/http"
	"net/http/pprof"

	"github.com/go-chi/chi/v5"
)

// profiles serves the Go runtime's profiles. A heap dump can hold anything that the
// process knows, so it is for those who have the token. The command line is not among
// them: secrets may stand in it.
func profiles() http.Handler {
	r := chi.NewRouter()
	r.Get("/", pprof.Index)
	r.Get("/profile", pprof.Profile)
	r.Get("/symbol", pprof.Symbol)
	r.Post("/symbol", pprof.Symbol)
	r.Get("/trace", pprof.Trace)
	r.Get("/{profile}", pprof.Index) // heap, goroutine, allocs, block, mutex, threadcreate
	return r
}
