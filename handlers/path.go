package handlers

import (
	"net/http"
	"net/url"
	"slices"
	"strings"

	"channelsync/handlers/internal/access"
)

// FirstParts are the first parts of the paths of the admin listener. A site below one of them could be mistaken for what
// is there.
func FirstParts() []string {
	parts := []string{"livez", "readyz", "metrics", "api", "debug"}
	for _, row := range access.Console() {
		if first, _, _ := strings.Cut(row.Path[1:], "/"); first != "" {
			parts = append(parts, first)
		}
	}
	slices.Sort(parts)
	return slices.Compact(parts)
}

// below serves a site that --admin-url puts under a path of its host. A request may come with that path, from a proxy
// that passes it on as it is, or without it: from a proxy that strips it, from probes, and on the machine itself. None of
// FirstParts begins the path, so a request is never taken for another.
func (s site) below(next http.Handler) http.Handler {
	if s.path == "" {
		return next
	}
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		// The escaped form is compared: an encoded slash is no end of a path.
		rest, under := strings.CutPrefix(r.URL.EscapedPath(), s.path)
		if !under || rest != "" && rest[0] != '/' {
			next.ServeHTTP(w, r)
			return
		}
		inner := *r
		inner.URL = new(url.URL)
		*inner.URL = *r.URL
		inner.URL.Path = strings.TrimPrefix(r.URL.Path, s.path)
		inner.URL.RawPath = strings.TrimPrefix(r.URL.RawPath, s.path)
		if rest == "" {
			inner.URL.Path = "/"
		}
		next.ServeHTTP(w, &inner)
	})
}

// located puts the path before a Location of a handler that knows nothing of it.
func (s site) located(next http.Handler) http.Handler {
	if s.path == "" {
		return next
	}
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { next.ServeHTTP(&located{w, s.path}, r) })
}

type located struct {
	http.ResponseWriter
	path string
}

func (l *located) WriteHeader(status int) {
	if to := l.Header().Get("Location"); strings.HasPrefix(to, "/") {
		l.Header().Set("Location", l.path+to)
	}
	l.ResponseWriter.WriteHeader(status)
}

// Unwrap lets a response controller reach the connection.
func (l *located) Unwrap() http.ResponseWriter { return l.ResponseWriter }
