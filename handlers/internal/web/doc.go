// Package web holds what every handler of channelsync needs of HTTP: writing
// problems and JSON, the address that a request came from, and turning a panic
// into an answer. It decides nothing about any route. Used by the packages
// under handlers only.
package web
