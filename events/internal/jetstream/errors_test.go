package jetstream

import (
	"context"
	"fmt"
	"testing"

	"github.com/nats-io/nats.go/jetstream"
)

func TestErrorsAreToldApart(t *testing.T) {
	api := func(code jetstream.ErrorCode, description string) error {
		return fmt.Errorf("nats: %w", &jetstream.APIError{ErrorCode: code, Description: description})
	}
	for _, c := range []struct {
		name         string
		err          error
		full, frozen bool
	}{
		{"none", nil, false, false},
		{"cap", api(10077, "maximum bytes exceeded"), true, false},
		{"disk limit", api(10023, "insufficient resources"), true, false},
		{"account limit", api(10002, "resource limits exceeded for account"), true, false},
		{"write error", api(10077, "write error"), false, true},
		{"no answer", context.DeadlineExceeded, false, true},
		{"caller left", context.Canceled, false, false},
		{"revision", api(10071, "wrong last sequence: 4"), false, false},
	} {
		if IsFull(c.err) != c.full || mayBeFrozen(c.err) != c.frozen {
			t.Errorf("%s: full %t, frozen %t", c.name, IsFull(c.err), mayBeFrozen(c.err))
		}
	}
}
