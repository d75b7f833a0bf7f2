// Package tour leads a browser through every page of the console in each of its
// states: nothing installed, the wizard, an installation at work with everything
// there is to see, refused, stopped, uninstalled, and what is shown when something
// is wrong. Whoever walks it looks at each stop: the tests of test/browser for what
// must be true of every page, the program test/browser/shots with a camera.
package tour
