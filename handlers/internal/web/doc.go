// Package web has the parts of HTTP that every handler needs: it writes problems and JSON,
// finds the address that a request came from, and turns a panic into an answer. It decides
// nothing about any route. Only the packages under handlers use it.
package web
