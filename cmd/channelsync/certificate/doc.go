// Package certificate is where a listener has its certificate from: files that are read
// again when they change, or an authority that is asked by ACME. It knows nothing of
// what is served. Used by cmd/channelsync/app.
package certificate

import "crypto/tls"

// config is what both have in common; HTTP/2 is spoken to those who want it.
func config(get func(*tls.ClientHelloInfo) (*tls.Certificate, error), protocols ...string) *tls.Config {
	return &tls.Config{
		MinVersion: tls.VersionTLS12, GetCertificate: get, NextProtos: append([]string{"h2", "http/1.1"}, protocols...),
	}
}
