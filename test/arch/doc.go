// Package arch tests this project's rules that no compiler checks: layers point one
// way, pure packages stay pure, files stay small, packages say what they are for, and
// links in the documentation lead somewhere.
//
// It reads the sources of the whole module in process and ignores build constraints,
// so that neither a tag nor the test cache can hide a breach. It never builds or runs
// what it reads. Nothing imports it. Its tests try the rules on small bad modules in
// testdata.
package arch
