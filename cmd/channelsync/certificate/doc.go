// Package certificate supplies a listener's certificate: from files, which it reads again
// when they change, or from an ACME authority. It knows nothing about what is served.
// cmd/channelsync/app uses it.
package certificate

import "crypto/tls"

// config is what both sources have in common; clients may choose HTTP/2.
func config(get func(*tls.ClientHelloInfo) (*tls.Certificate, error), protocols ...string) *tls.Config {
	return &tls.Config{
		MinVersion: tls.VersionTLS12, GetCertificate: get, NextProtos: append([]string{"h2", "http/1.1"}, protocols...),
	}
}
