// Package pages measures the console's list of records with 20,000 of them: a real
// sealed ledger, the admin API and the page. It has benchmarks only; nothing imports it.
package pages
