// Package lenient reads single values as Autotask writes them: JSON keys in any case, numbers
// as text, times in several forms, bounded decimals. It is pure, and knows no entity and no
// request. The REST client and package callback use it.
package lenient
