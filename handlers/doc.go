// Package handlers has every path of both listeners in one place, and the limits
// that their servers hold clients to. The public listener serves callbacks and
// /livez and nothing else; the admin listener serves the rest.
//
// It joins the handlers of its sub-packages and answers nothing by itself but
// the front page. It knows no rule of the sync. Called by cmd/channelsync/app.
package handlers
