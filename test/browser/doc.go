// Package browser proves the web console in a real Chromium, as people use it:
// the real service between the two simulated vendors (test/harness/service), its pages
// driven by their accessible names (chrome). It also holds what must be true of
// every page: no finding of axe-core, no sideways scrolling on a phone, no
// script that came with a client's name, no write from another site.
package browser
