package service

import (
	"fmt"
	"math/rand/v2"
	"net"
	"testing"
)

// FreeAddr finds a loopback address that nobody listens on, and that no outgoing
// connection is given before it is listened on: below the ports of those.
func FreeAddr(t testing.TB) string {
	t.Helper()
	for range 100 {
		l, err := net.Listen("tcp", fmt.Sprintf("127.0.0.1:%d", 10_000+rand.IntN(20_000)))
		if err != nil {
			continue
		}
		defer func() { _ = l.Close() }()
		return l.Addr().String()
	}
	t.Fatal("no free port among a hundred")
	return ""
}
