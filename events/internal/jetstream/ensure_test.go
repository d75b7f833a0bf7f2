package jetstream

import (
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/nats-io/nats.go/jetstream"

	"channelsync/test/harness"
)

// What is ours of a stream is brought in line, and what an operator set besides stays.
func TestMergeChangesOnlyWhatIsOurs(t *testing.T) {
	have := jetstream.StreamConfig{
		Name: "S", Subjects: []string{"old"}, Storage: jetstream.FileStorage, Compression: jetstream.S2Compression,
		MaxMsgSize: 100, Metadata: map[string]string{"team": "theirs"},
	}
	want := jetstream.StreamConfig{Name: "S", Subjects: []string{"new"}, Storage: jetstream.FileStorage, Replicas: 3, AllowDirect: true}
	got, err := merge(have, want)
	harness.OK(t, err)
	expected := have
	expected.Subjects, expected.Replicas, expected.AllowDirect, expected.Compression = want.Subjects, 3, true, jetstream.NoCompression
	if diff := cmp.Diff(expected, got); diff != "" {
		t.Errorf("(-want +got)\n%s", diff)
	}
	if _, err := merge(have, jetstream.StreamConfig{Name: "S", Storage: jetstream.MemoryStorage}); err == nil {
		t.Error("a stream on disk was taken for one in memory")
	}
}
