// Package lenient reads single values as Autotask writes them: JSON keys in any case, numbers
// as text, times in several forms, decimals that are bounded. It is pure, knows no entity
// and no request. The REST client and package callback use it.
package lenient
