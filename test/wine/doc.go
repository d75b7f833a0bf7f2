// Package wine runs the Windows program under Wine: the real service between both
// simulators, its commands, those of the service manager, and the tests of packages that
// use the platform. It holds tests only; make wine runs them.
//
// Wine shows that the program calls Windows correctly. It does not show what only Windows
// does: inherited access lists, service accounts, virus scanners that hold files open, a
// power cut.
package wine
