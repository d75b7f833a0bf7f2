package web

import (
	"errors"
	"fmt"
	"net/http"

	"go.uber.org/zap"

	v1 "channelsync/api/v1"
)

// Recover answers a panic below it with a 500 problem and logs it with its
// stack. http.ErrAbortHandler passes, as net/http wants it.
func Recover(log *zap.Logger) func(http.Handler) http.Handler {
	return func(next http.Handler) http.Handler {
		return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			defer func() {
				v := recover()
				if v == nil {
					return
				}
				if err, ok := v.(error); ok && errors.Is(err, http.ErrAbortHandler) {
					panic(v)
				}
				log.Error("handler panicked", zap.String(v1.LogOperation, r.Method+" "+r.URL.Path),
					zap.String(v1.LogCause, fmt.Sprint(v)), zap.Stack("stack"))
				Problem(w, Internal())
			}()
			next.ServeHTTP(w, r)
		})
	}
}

// Internal is the problem of whatever the user cannot mend; its cause is in the log only.
func Internal() *v1.Problem {
	return v1.NewProblem(http.StatusInternalServerError, v1.CodeInternal,
		"Something went wrong here that is not your doing.", "The log of channelsync has the cause.")
}

// IsInstallationID says whether s has the form of an installation's id: 26
// lower-case letters and digits. Anything else is unknown without being looked up.
func IsInstallationID(s string) bool {
	if len(s) != 26 {
		return false
	}
	for i := range len(s) {
		if c := s[i]; (c < 'a' || c > 'z') && (c < '0' || c > '9') {
			return false
		}
	}
	return true
}
