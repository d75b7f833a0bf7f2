package channelprogram

import (
	"encoding/json"
	"strconv"
	"strings"
	"testing"

	"pgregory.net/rapid"
)

// Every item is in exactly one chunk, in order, and every chunk keeps the
// limits: count, bytes (unless one item alone is over), no id twice.
func TestChunksKeepOrderAndLimits(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		limits := Limits{
			MaxBatch:     rapid.IntRange(1, 7).Draw(t, "maxBatch"),
			MaxBodyBytes: rapid.IntRange(1, 400).Draw(t, "maxBody"),
		}
		var items []encoded
		for _, n := range rapid.SliceOfN(rapid.IntRange(0, 120), 0, 30).Draw(t, "sizes") {
			id := strconv.Itoa(rapid.IntRange(0, 20).Draw(t, "id"))
			items = append(items, encoded{id: id, data: []byte(`"` + strings.Repeat("x", n) + `"`)})
		}
		next := 0
		for _, run := range runs(len(items), limits, func(i int) (string, int) { return items[i].id, items[i].size() }) {
			chunk := items[run.from:run.to]
			body := batchBody(chunk)
			if len(chunk) == 0 || len(chunk) > limits.MaxBatch {
				t.Fatalf("chunk of %d, limit %d", len(chunk), limits.MaxBatch)
			}
			if len(chunk) > 1 && len(body) > limits.MaxBodyBytes {
				t.Fatalf("body of %d bytes, limit %d", len(body), limits.MaxBodyBytes)
			}
			if run.from != next {
				t.Fatalf("a chunk from place %d, want %d", run.from, next)
			}
			ids := map[string]bool{}
			for _, e := range chunk {
				if ids[e.id] {
					t.Fatalf("id %s twice in a chunk", e.id)
				}
				ids[e.id] = true
				next++
			}
			var decoded struct {
				Inputs []struct {
					ExternalID string `json:"externalId"`
				}
			}
			if err := json.Unmarshal(body, &decoded); err != nil || len(decoded.Inputs) != len(chunk) {
				t.Fatalf("body %s: %v", body, err)
			}
		}
		if next != len(items) {
			t.Fatalf("%d of %d items sent", next, len(items))
		}
	})
}

func TestIdempotencyKey(t *testing.T) {
	key := idempotencyKey("c", opBatchClient, []byte("body"))
	if len(key) != 64 {
		t.Errorf("key %q is no hex SHA-256", key)
	}
	for name, other := range map[string]string{
		"connection": idempotencyKey("d", opBatchClient, []byte("body")),
		"operation":  idempotencyKey("c", opBatchContract, []byte("body")),
		"body":       idempotencyKey("c", opBatchClient, []byte("bodY")),
	} {
		if other == key {
			t.Errorf("another %s gives the same key", name)
		}
	}
	if again := idempotencyKey("c", opBatchClient, []byte("body")); again != key {
		t.Error("the same request gives another key")
	}
}
