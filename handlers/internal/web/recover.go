package web

import (
	"errors"
	"fmt"
	"net/http"

	"github.com/go-chi/chi/v5/middleware"
	"go.uber.org/zap"

	v1 "channelsync/api/v1"
)

// Recover answers a panic below it with a 500 problem and logs it with its stack. An
// answer that had begun cannot be taken back: its connection is cut off, so that the
// client does not take a part for the whole. http.ErrAbortHandler passes, as net/http
// wants it.
func Recover(log *zap.Logger) func(http.Handler) http.Handler {
	return func(next http.Handler) http.Handler {
		return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			answer := middleware.NewWrapResponseWriter(w, r.ProtoMajor)
			defer func() {
				v := recover()
				if v == nil {
					return
				}
				if err, ok := v.(error); ok && errors.Is(err, http.ErrAbortHandler) {
					panic(v)
				}
				LogPanic(log, r.Method+" "+r.URL.Path, v)
				if answer.Status() != 0 {
					panic(http.ErrAbortHandler)
				}
				Problem(w, Internal())
			}()
			next.ServeHTTP(answer, r)
		})
	}
}

// LogPanic logs what a deferred function recovered, with the stack of the panic: it
// must be called from that function.
func LogPanic(log *zap.Logger, operation string, v any) {
	log.Error("request failed: its handler panicked", zap.String(v1.LogOperation, operation),
		zap.String(v1.LogCause, fmt.Sprint(v)), zap.Stack("stack"))
}

// Internal is the problem of whatever the user cannot mend; its cause is in the log only.
func Internal() *v1.Problem {
	return v1.NewProblem(http.StatusInternalServerError, v1.CodeInternal,
		"Something went wrong here that is not your doing.", "The log of channelsync has the cause.")
}
