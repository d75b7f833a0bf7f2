package telemetry

import (
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"io/fs"
	"net/url"
	"os"
	"strconv"
	"strings"
)

// otlp begins the names of what says how a collector is reached.
const otlp = "OTEL_EXPORTER_OTLP_"

// checkCollector says what is wrong with how a signal reaches its collector. The SDK would go on
// with its defaults: to this machine, with the certificates of the system, as nobody.
func (s signal) checkCollector() []error {
	protocol := s.protocol()
	switch protocol {
	case "http/protobuf", "grpc":
	default:
		return []error{wrong(s.inForce("PROTOCOL"), "http/protobuf or grpc")}
	}
	return append(
		checkNumbers(number{otlp + "TIMEOUT", 1, longestTime}, number{otlp + string(s) + "_TIMEOUT", 1, longestTime}),
		checkEndpoint(s.inForce("ENDPOINT"), protocol == "grpc"), checkRoots(s.inForce("CERTIFICATE")), s.checkIdentity())
}

// inForce is the name of the variable that holds for a signal: its own, or else that of all.
func (s signal) inForce(what string) string {
	if own := otlp + string(s) + "_" + what; env(own) != "" {
		return own
	}
	return otlp + what
}

// checkEndpoint never says what it got, nor why that cannot be read: both may have credentials in them.
func checkEndpoint(name string, grpc bool) error {
	address := env(name)
	switch {
	case address == "" || isURL(address) || grpc && isTarget(address):
		return nil
	case grpc:
		return fmt.Errorf("%s: got something that is no address for grpc (not shown, it may hold a secret), "+
			"want http://host:port, https://host:port, or for TLS host:port with a host that is a name", name)
	}
	return fmt.Errorf("%s: got something that is no URL of a collector (not shown, it may hold a secret), want http:// or https:// with a host", name)
}

func isURL(address string) bool {
	u, err := url.Parse(address)
	return err == nil && (u.Scheme == "http" || u.Scheme == "https") && u.Hostname() != "" &&
		!strings.HasSuffix(u.Host, ":") && (u.Port() == "" || isPort(u.Port()))
}

// isTarget says whether the SDK hands an address to gRPC that is no URL. It reads host:port as a scheme
// with something behind it, and so not at all where the host is an IP address.
func isTarget(address string) bool {
	u, err := url.Parse(address)
	if err != nil {
		return false
	}
	switch u.Scheme {
	case "unix", "dns":
		return strings.Trim(u.Opaque+u.Path, "/") != ""
	}
	return u.Scheme != "" && isPort(u.Opaque) && u.RawQuery == "" && u.Fragment == ""
}

func isPort(text string) bool {
	port, err := strconv.ParseUint(text, 10, 16)
	return err == nil && port > 0
}

func checkRoots(name string) error {
	if env(name) == "" {
		return nil
	}
	pem, err := read(name)
	if err == nil && !x509.NewCertPool().AppendCertsFromPEM(pem) {
		err = fmt.Errorf("%s: got a file without a certificate, want one in PEM", name)
	}
	return err
}

// checkIdentity takes the certificate and its key from the same place, as the SDK does.
func (s signal) checkIdentity() error {
	certificate, key := otlp+"CLIENT_CERTIFICATE", otlp+"CLIENT_KEY"
	if own := otlp + string(s) + "_"; env(own+"CLIENT_CERTIFICATE")+env(own+"CLIENT_KEY") != "" {
		certificate, key = own+"CLIENT_CERTIFICATE", own+"CLIENT_KEY"
	}
	switch {
	case env(certificate)+env(key) == "":
		return nil
	case env(certificate) == "":
		return fmt.Errorf("%s: got nothing, want the certificate of %s", certificate, key)
	case env(key) == "":
		return fmt.Errorf("%s: got nothing, want the key of %s", key, certificate)
	}
	certificatePEM, err := read(certificate)
	if err != nil {
		return err
	}
	keyPEM, err := read(key)
	if err != nil {
		return err
	}
	if _, err := tls.X509KeyPair(certificatePEM, keyPEM); err != nil {
		return fmt.Errorf("%s, %s: want a certificate and its key, in PEM: %w", certificate, key, err)
	}
	return nil
}

// read never says the path: somebody may have put the key itself there.
func read(name string) ([]byte, error) {
	content, err := os.ReadFile(env(name))
	if failed, ok := errors.AsType[*fs.PathError](err); ok {
		err = failed.Err
	}
	if err != nil {
		return nil, fmt.Errorf("%s: want a file that can be read: %w", name, err)
	}
	return content, nil
}
