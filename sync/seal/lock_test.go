package seal

import (
	"context"
	"errors"
	"testing"
	"time"

	"channelsync/events/kv"
)

// silentKeys is a table that does not answer for one installation.
type silentKeys struct {
	Keys
	asked chan struct{}
}

const silent = "01hzx3q8r9k2m4n6p8s0t2v4w9"

func (s silentKeys) Get(ctx context.Context, key string) (kv.Entry, error) {
	if key != silent {
		return s.Keys.Get(ctx, key)
	}
	s.asked <- struct{}{}
	<-ctx.Done()
	return kv.Entry{}, ctx.Err()
}

func (s silentKeys) GetOrCreate(ctx context.Context, key string, value func() []byte) (kv.Entry, error) {
	if key != silent {
		return s.Keys.GetOrCreate(ctx, key, value)
	}
	return s.Get(ctx, key)
}

// TestAKeyThatCannotBeReadHoldsNoOtherBack: neither other installations, nor those who ask
// for the same one for longer than they want to.
func TestAKeyThatCannotBeReadHoldsNoOtherBack(t *testing.T) {
	keys := silentKeys{keysTable(t), make(chan struct{}, 1)}
	v := vault(t, ringOf(t, 1), keys)
	ctx, cancel := context.WithCancel(t.Context())
	first := make(chan error, 1)
	go func() {
		_, err := v.Ring(ctx, silent)
		first <- err
	}()
	<-keys.asked
	ring(t, v, inst)
	v.Forget(inst)
	short, end := context.WithTimeout(t.Context(), 10*time.Millisecond)
	defer end()
	if _, err := v.Existing(short, silent); !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("the same one: %v", err)
	}
	cancel()
	if err := <-first; !errors.Is(err, context.Canceled) {
		t.Error(err)
	}
}

// lateKeys is what a replica has that is behind.
type lateKeys struct{ Keys }

func (lateKeys) Get(context.Context, string) (kv.Entry, error) { return kv.Entry{}, kv.ErrNotFound }

func TestAKeyThatAReplicaDoesNotHaveYetIsNotDestroyed(t *testing.T) {
	keys := keysTable(t)
	sealed := ring(t, vault(t, ringOf(t, 1), keys), inst).Seal("a", []byte("secret"))
	late := vault(t, ringOf(t, 1), lateKeys{keys})
	r, err := late.Existing(t.Context(), inst)
	if err != nil {
		t.Fatal(err)
	}
	if plain, err := r.Open("a", sealed); err != nil || string(plain) != "secret" {
		t.Errorf("got %q, %v", plain, err)
	}
	if _, err := late.Existing(t.Context(), "01hzx3q8r9k2m4n6p8s0t2v4w8"); !errors.Is(err, kv.ErrNotFound) {
		t.Errorf("of none: got %v", err)
	}
}
