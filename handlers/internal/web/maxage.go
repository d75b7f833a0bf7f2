package web

import (
	"context"
	"net/http"
	"strconv"
	"strings"
	"time"
)

type maxAge struct{}

// MaxAge returns a context whose requests take answers that are at most so old; less than a
// second: none but new ones.
func MaxAge(ctx context.Context, age time.Duration) context.Context {
	return context.WithValue(ctx, maxAge{}, age)
}

// AskMaxAge puts into a request what its context says of MaxAge.
func AskMaxAge(r *http.Request) {
	if age, _ := r.Context().Value(maxAge{}).(time.Duration); age >= time.Second {
		r.Header.Set("Cache-Control", "max-age="+strconv.Itoa(int(age/time.Second)))
	}
}

// MaxAgeOf is how old an answer may be that a request takes (Cache-Control: max-age, in whole
// seconds): 0, unless it says so, and at most a second.
func MaxAgeOf(r *http.Request) time.Duration {
	for directive := range strings.SplitSeq(r.Header.Get("Cache-Control"), ",") {
		text, ok := strings.CutPrefix(strings.TrimSpace(directive), "max-age=")
		if n, err := strconv.Atoi(text); ok && err == nil && n > 0 {
			return time.Second
		}
	}
	return 0
}
