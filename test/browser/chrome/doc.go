// Package chrome drives a headless Chromium as a person would: it opens pages,
// finds links, buttons and fields by the names that a screen reader reads out, types,
// presses keys, and waits for what must appear. A page that writes an error to
// the browser's console, breaks its content security policy or opens a dialog
// fails its test. It knows nothing of the console's pages. The tests of
// test/browser and the program test/browser/shots use it.
package chrome
