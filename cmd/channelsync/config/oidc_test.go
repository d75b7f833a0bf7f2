package config

import "testing"

func TestWrongOIDCSettings(t *testing.T) {
	for _, tc := range []struct {
		args []string
		want string // the whole line
	}{
		{
			args: []string{"--oidc-issuer=http://login.example"},
			want: `--oidc-issuer: got "http://login.example", want an https URL without query, as the issuer itself says it (http only for a loopback host)`,
		},
		{
			args: []string{"--oidc-roles=ops:operator"},
			want: `--oidc-roles: got "ops:operator", want comma-separated value=role pairs, such as ops=operator,finance=viewer`,
		},
		{
			args: []string{"--oidc-roles=ops=root"},
			want: `--oidc-roles: got "ops=root", want one of the roles viewer, operator and admin after each =, such as ops=operator`,
		},
		{
			args: []string{"--oidc-roles=acme=admin:Acme MSP"},
			want: `--oidc-roles: got "acme=admin:Acme MSP", want the id of an installation after each :, as channelsync installation list shows it`,
		},
		{
			args: []string{"--oidc-roles==viewer"},
			want: `--oidc-roles: got "=viewer", want a value of the claim before each =, such as ops=operator`,
		},
		{
			args: []string{"--oidc-roles=a=viewer,a=admin"},
			want: `--oidc-roles: got "a=viewer,a=admin", want each value once`,
		},
		{
			args: []string{"--oidc-issuer=https://login.example", "--oidc-roles=ops=operator"},
			want: `--oidc-issuer: got "https://login.example", want --oidc-client-id too: the id of the console at the issuer`,
		},
		{
			args: []string{"--oidc-issuer=https://login.example", "--oidc-client-id=console"},
			want: `--oidc-issuer: got "https://login.example", want --oidc-roles too: without it nobody could log in`,
		},
		{
			args: []string{"--oidc-issuer=https://login.example", "--oidc-client-id=console", "--oidc-roles=ops=operator", "--admin-listen=0.0.0.0:1", "--admin-plaintext"},
			want: `--oidc-issuer: got "https://login.example", want --admin-url too: the address that the issuer sends people back to`,
		},
		{
			args: []string{"--oidc-client-id=console"},
			want: `--oidc-client-id: got "console", want --oidc-issuer too: without it only tokens log in`,
		},
	} {
		if _, err := Parse(tc.args, env()); err == nil || err.Error() != tc.want {
			t.Errorf("%q:\ngot  %v\nwant %s", tc.args, err, tc.want)
		}
	}
}
