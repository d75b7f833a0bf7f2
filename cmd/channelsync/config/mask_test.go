package config

import (
	"testing"

	"channelsync/test/harness"
)

func TestSecretURLsShowTheirHostsOnly(t *testing.T) {
	harness.Table(t, maskReceiver, map[string]string{
		"":                                     "",
		"https://ops.example":                  "https://ops.example",
		"https://ops.example:8443/":            "https://ops.example:8443/",
		"https://ops.example/hooks/T0/hush":    "https://ops.example/<secret>",
		"https://ops.example?key=hush":         "https://ops.example/<secret>",
		"https://ops.example#hush":             "https://ops.example/<secret>",
		"https://u:hush@ops.example/":          "https://<secret>",
		"https://u:hu/sh@ops.example/":         "https://<secret>",
		"https://u:hu?sh@ops.example":          "https://<secret>",
		"ops.example/hush":                     "ops.example/<secret>",
		"https://[2001:db8::1]:443/hush":       "https://[2001:db8::1]:443/<secret>",
		"https://ops.example/?to=https://hush": "https://ops.example/<secret>",
	})
}

func TestUserInfoAndQueriesOfURLsAreHidden(t *testing.T) {
	harness.Table(t, maskUserInfo, map[string]string{
		"":                                   "",
		"127.0.0.1:8080":                     "127.0.0.1:8080",
		"https://i.example/x":                "https://i.example/x",
		"https://i.example/x?tok=hush":       "https://i.example/x?<secret>",
		"https://i.example/x?":               "https://i.example/x?",
		"https://u:hu?sh@i.example/x?a=hu":   "https://<secret>@i.example/x?<secret>",
		"https://i.example/x?a=hu@sh":        "https://<secret>@sh",
		"nats://u:hush@a:4222,nats://b:4222": "nats://<secret>@a:4222,nats://b:4222",
		"u:hush@a":                           "<secret>@a",
	})
}
