// Package search compares what people type with what is stored: accents, case, the kind of
// space, the Unicode form and punctuation do not matter, and a telephone number is found in
// any formatting. It is pure and keeps nothing. sync/ledger searches records with it;
// packages that take a name instead of an id find the id with it.
package search
