// Package tour leads a browser through every page of the console in each of its
// states: nothing installed, the wizard, an installation at work with everything
// there is to see, refused, stopped, uninstalled, and what is shown when something
// is wrong. Its callers check each stop: the tests of test/browser check what must be true
// of every page, and the program test/browser/shots takes pictures.
package tour
