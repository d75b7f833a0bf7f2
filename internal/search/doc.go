// Package search compares what people type with what is stored: accents, case, the kind of
// space, the Unicode form and punctuation do not matter, and a telephone number is found in
// any formatting. It is pure and keeps nothing. sync/ledger searches records with it, and
// whoever lets people name something instead of its id.
package search
