package cli

import (
	"cmp"
	"errors"
	"flag"
	"io/fs"
	"strconv"

	v1 "channelsync/api/v1"
	"channelsync/cmd/channelsync/cli/internal/command"
	"channelsync/cmd/channelsync/config"
	"channelsync/cmd/channelsync/service"
)

const defaultURL = "http://127.0.0.1:8081"

// globals are the flags of every command.
type globals struct {
	url, ca, serverName string
	plaintext           bool
	token, tokenFile    string
}

// flags keep what was set before, as command.Program wants it.
func (g *globals) flags(fs *flag.FlagSet) {
	set := func(to *string) func(string) error { return func(v string) error { *to = v1.Trim(v); return nil } }
	fs.Func("api-url", "`URL` of the admin listener; env CHANNELSYNC_API_URL (default "+defaultURL+")", set(&g.url))
	fs.Func("api-ca", "PEM `FILE` of the only authority that may sign the service's certificate; env CHANNELSYNC_API_CA (default the system's)", set(&g.ca))
	fs.Func("api-server-name", "the `NAME` in the service's certificate, if it is not the host of --api-url; env CHANNELSYNC_API_SERVER_NAME",
		set(&g.serverName))
	fs.BoolFunc("api-plaintext", "send the token over plain http beyond this machine; env CHANNELSYNC_API_PLAINTEXT", func(v string) error {
		said, err := strconv.ParseBool(v)
		if err != nil {
			return errors.New("want true or false")
		}
		g.plaintext = said
		return nil
	})
	fs.Func("admin-token", "`TOKEN` for the admin API; env CHANNELSYNC_ADMIN_TOKEN", set(&g.token))
	fs.Func("admin-token-file", "`FILE` with that token; env CHANNELSYNC_ADMIN_TOKEN_FILE "+
		"(default: admin-token in CHANNELSYNC_DATA_DIR, ./channelsync-data or "+service.DataDir()+")", set(&g.tokenFile))
}

func (s *session) url() string {
	return cmp.Or(s.global.url, s.env("CHANNELSYNC_API_URL"), defaultURL)
}

// token finds the admin token: a flag wins over the environment, which wins over
// the file that an embedded service made. Without any the API says what is missing.
func (s *session) token() (v1.Secret, error) {
	for _, from := range []struct{ value, file, names string }{
		{s.global.token, s.global.tokenFile, "--admin-token and --admin-token-file"},
		{s.env("CHANNELSYNC_ADMIN_TOKEN"), s.env("CHANNELSYNC_ADMIN_TOKEN_FILE"), "CHANNELSYNC_ADMIN_TOKEN and its _FILE"},
	} {
		switch {
		case from.value != "" && from.file != "":
			return "", command.Usage("", "got both %s, want one of them", from.names)
		case from.value != "":
			if from.value == s.global.token {
				s.exposed("--admin-token")
			}
			return v1.Secret(from.value), nil
		case from.file != "":
			v, err := config.ReadSecretFile(from.file)
			return v1.Secret(v), err
		}
	}
	dirs := []string{"channelsync-data", service.DataDir()}
	if dir := s.env("CHANNELSYNC_DATA_DIR"); dir != "" {
		dirs = []string{dir}
	}
	for _, dir := range dirs {
		v, err := config.ReadAdminToken(dir)
		if errors.Is(err, fs.ErrNotExist) || errors.Is(err, fs.ErrPermission) {
			continue
		}
		return v1.Secret(v), err
	}
	return "", nil
}
