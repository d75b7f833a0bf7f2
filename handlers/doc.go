// Package handlers has every path of both listeners in one place, and the limits
// that their servers hold clients to. The public listener serves callbacks and
// /livez and nothing else; the admin listener serves the rest.
//
// It joins the handlers of its sub-packages and answers only the front page
// itself. It knows no rule of the sync. cmd/channelsync/app calls it.
package handlers
