// Package wine runs the program for Windows under Wine: the real service between both
// simulators, the commands, the service manager's, and the tests of the packages that
// speak to the platform. It holds tests only; make wine runs them.
//
// Wine shows that the program asks Windows the right things. It does not show what only
// Windows does: access lists that files inherit, accounts of services, virus scanners that
// hold files, a power cut.
package wine
