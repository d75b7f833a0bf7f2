package handlers

import (
	"net/http"
	"time"

	"go.uber.org/zap"

	"channelsync/handlers/admin"
	"channelsync/handlers/internal/crowd"
)

// adminWriteTimeout leaves time to write an answer that took all of admin.Timeout.
const adminWriteTimeout = admin.Timeout + 10*time.Second

// NewPublicServer returns the server of the public listener. The caller listens,
// serves and shuts down.
func NewPublicServer(addr string, handler http.Handler, log *zap.Logger) *http.Server {
	s := newServer(addr, handler, log)
	s.WriteTimeout = 20 * time.Second
	return s
}

// NewAdminServer returns the server of the admin listener. It has no write timeout
// of its own, since an event stream has no end: Admin sets one for each request.
func NewAdminServer(addr string, handler http.Handler, log *zap.Logger) *http.Server {
	return newServer(addr, handler, log)
}

func newServer(addr string, handler http.Handler, log *zap.Logger) *http.Server {
	return &http.Server{
		Addr:              addr,
		Handler:           handler,
		ReadHeaderTimeout: 5 * time.Second,
		ReadTimeout:       15 * time.Second,
		IdleTimeout:       60 * time.Second,
		MaxHeaderBytes:    16 << 10,
		ConnContext:       crowd.ConnContext,
		ErrorLog:          zap.NewStdLog(log.Named("http")),
	}
}

// writeWithin gives every answer of the admin listener a time to be taken by, in
// the place of the server's own write timeout. A kept-alive connection carries a
// deadline on to its next request, so each request sets it anew; an event stream
// moves it on by itself.
func writeWithin(d time.Duration) func(http.Handler) http.Handler {
	return func(next http.Handler) http.Handler {
		return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			_ = http.NewResponseController(w).SetWriteDeadline(time.Now().Add(d)) // not every writer has one
			next.ServeHTTP(w, r)
		})
	}
}
