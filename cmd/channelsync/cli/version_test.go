package cli

import (
	"runtime/debug"
	"testing"
)

func TestTheVersionNamesTheCommitAndItsDate(t *testing.T) {
	vcs := func(modified string) []debug.BuildSetting {
		return []debug.BuildSetting{
			{Key: "vcs.revision", Value: "915ee3d0123456789abcdef0123456789abcdef0"},
			{Key: "vcs.time", Value: "2026-11-30T05:55:05Z"},
			{Key: "vcs.modified", Value: modified},
		}
	}
	const commit = ", commit 915ee3d0123456789abcdef0123456789abcdef0 of 2026-11-30T05:55:05Z"
	for _, tc := range []struct {
		version       string
		settings      []debug.BuildSetting
		short, inFull string
	}{
		{"v0.9.0", vcs("false"), "v0.9.0", "channelsync v0.9.0" + commit},
		{
			"v0.9.1-0.20261201060708-915ee3d01234+dirty", vcs("true"), "v0.9.1-0.20261201060708-915ee3d01234+dirty",
			"channelsync v0.9.1-0.20261201060708-915ee3d01234+dirty" + commit + ", with changes",
		},
		{"(devel)", vcs("false"), "devel-915ee3d01234", "channelsync devel-915ee3d01234" + commit},
		{"(devel)", nil, "devel", "channelsync devel"},
		{"", nil, "devel", "channelsync devel"},
		{"v0.9.0", nil, "v0.9.0", "channelsync v0.9.0"}, // by go install of the module
	} {
		b := buildOf(&debug.BuildInfo{Main: debug.Module{Version: tc.version}, Settings: tc.settings})
		if b.version != tc.short || b.String() != tc.inFull {
			t.Errorf("%s: got %q and %q, want %q and %q", tc.version, b.version, b, tc.short, tc.inFull)
		}
	}
}
