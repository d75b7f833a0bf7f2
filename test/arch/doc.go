// Package arch holds the rules of the house that a compiler does not know, as
// tests: layers point one way, pure packages stay pure, files stay small,
// packages say what they are for.
//
// It reads the sources of the whole module in process, build constraints aside,
// so that neither a tag nor the test cache can hide a breach; it never builds
// or runs what it reads. Nothing imports it. The rules themselves are tried on
// the small bad modules in testdata.
package arch
