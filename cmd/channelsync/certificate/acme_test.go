package certificate

import (
	"crypto/tls"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"

	"go.uber.org/zap"
	"golang.org/x/crypto/acme"
)

// Handshakes cost the authority nothing: whoever sends them could use up how often it may
// be asked.
func TestHandshakesOrderNothing(t *testing.T) {
	var asked atomic.Int64
	authority := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		asked.Add(1)
		w.WriteHeader(http.StatusServiceUnavailable)
	}))
	defer authority.Close()
	a := NewACME(ACMEConfig{Domain: "hooks.example.test", Directory: authority.URL, Dir: t.TempDir(), Log: zap.NewNop()})
	defer a.transport.CloseIdleConnections()
	for _, hello := range []*tls.ClientHelloInfo{
		{ServerName: "hooks.example.test"},
		{ServerName: "other.example.test"},
		{},
		{ServerName: "hooks.example.test", SupportedProtos: []string{acme.ALPNProto}},
		{ServerName: "hooks.example.test", SupportedProtos: []string{"h2", acme.ALPNProto}},
	} {
		if cert, err := a.Config().GetCertificate(hello); cert != nil || err == nil {
			t.Errorf("%+v: got %v, %v; want an error", hello, cert, err)
		}
	}
	if n := asked.Load(); n != 0 {
		t.Errorf("the authority was asked %d times", n)
	}
	if said, err := a.Check(t.Context()); err != nil || !strings.HasPrefix(said, "warning: there is no certificate for hooks.example.test yet") {
		t.Errorf("/readyz says %q, %v", said, err)
	}
}
