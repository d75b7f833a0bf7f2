package channelprogram_test

import (
	"strings"
	"testing"

	"channelsync/api/channelprogram"
)

func TestNewBaseURL(t *testing.T) {
	rows := []struct{ got, want, refused string }{
		{got: "https://ingest.example.com", want: "https://ingest.example.com"},
		{got: "https://ingest.example.com/", want: "https://ingest.example.com"},
		{got: "https://ingest.example.com/gate/way/", want: "https://ingest.example.com/gate/way"},
		{got: "https://ingest.example.com:8443", want: "https://ingest.example.com:8443"},
		{got: "http://localhost:9000", want: "http://localhost:9000"},
		{got: "http://127.0.0.1:9000", want: "http://127.0.0.1:9000"},
		{got: "http://127.9.9.9", want: "http://127.9.9.9"},
		{got: "http://[::1]:9000", want: "http://[::1]:9000"},
		{got: "", refused: "got nothing"},
		{got: "http://ingest.example.com", refused: "loopback"},
		{got: "http://localhost.example.com", refused: "loopback"},
		{got: "http://10.0.0.1", refused: "loopback"},
		{got: "ftp://ingest.example.com", refused: "https"},
		{got: "ingest.example.com", refused: "https"},
		{got: "https://", refused: "https"},
		{got: "https://me:hunter2@ingest.example.com", refused: "password"},
		{got: "https://ingest.example.com?x=1", refused: "no query"},
		{got: "https://ingest.example.com#x", refused: "no fragment"},
		{got: "https://me:hunter2@[", refused: "not a URL"},
	}
	for _, row := range rows {
		t.Run(row.got, func(t *testing.T) {
			u, err := channelprogram.NewBaseURL(row.got)
			if row.refused == "" {
				if err != nil || u.String() != row.want {
					t.Fatalf("got %v, %v, want %s", u, err, row.want)
				}
				return
			}
			if err == nil || !strings.Contains(err.Error(), row.refused) {
				t.Fatalf("error %v, want one with %q", err, row.refused)
			}
			if !strings.HasPrefix(err.Error(), "--channel-program-url: got ") || strings.Contains(err.Error(), "hunter2") {
				t.Errorf("error must name the setting and hide a password: %v", err)
			}
		})
	}
}

func TestNewRefusesAWrongConfig(t *testing.T) {
	good := channelprogram.Config{BaseURL: "https://ingest.example.com", ConnectionID: "c", Token: "t"}
	if _, err := channelprogram.New(good); err != nil {
		t.Fatal(err)
	}
	rows := []struct {
		name   string
		change func(*channelprogram.Config)
		want   string
	}{
		{"no base URL", func(c *channelprogram.Config) { c.BaseURL = "" }, "--channel-program-url"},
		{"connection with a slash", func(c *channelprogram.Config) { c.ConnectionID = "a/b" }, "connectionId"},
		{"connection is empty", func(c *channelprogram.Config) { c.ConnectionID = "" }, "connectionId"},
		{"connection too long", func(c *channelprogram.Config) { c.ConnectionID = strings.Repeat("x", 65) }, "connectionId"},
		{"token is empty", func(c *channelprogram.Config) { c.Token = "" }, "token"},
		{"token with a line break", func(c *channelprogram.Config) { c.Token = "hunter2\n" }, "token"},
	}
	for _, row := range rows {
		t.Run(row.name, func(t *testing.T) {
			cfg := good
			row.change(&cfg)
			_, err := channelprogram.New(cfg)
			if err == nil || !strings.Contains(err.Error(), row.want) || strings.Contains(err.Error(), "hunter2") {
				t.Errorf("error %v, want one that names %s", err, row.want)
			}
		})
	}
}
