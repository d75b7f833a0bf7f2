package measure

import (
	"fmt"
	"path/filepath"
	"time"

	"channelsync/test/bench/env"
)

// profiled runs work, and beside it takes a CPU profile of the program when profiles are
// wanted: a run that does so is for looking into, not for its figures.
func (r *run) profiled(b *env.Env, name string, d time.Duration, work func() error) error {
	if r.Profiles == "" {
		return work()
	}
	taken := make(chan error, 1)
	go func() {
		query := fmt.Sprintf("profile?seconds=%d", max(1, int(d.Seconds())))
		taken <- b.Profile(r.ctx, query, filepath.Join(r.Profiles, r.name+"-"+name+".pprof"))
	}()
	err := work()
	if failed := <-taken; err == nil {
		err = failed
	}
	return err
}

// heap keeps a profile of the program's memory when profiles are wanted.
func (r *run) heap(b *env.Env, name string) error {
	if r.Profiles == "" {
		return nil
	}
	return b.Profile(r.ctx, "heap?gc=1", filepath.Join(r.Profiles, r.name+"-"+name+"-heap.pprof"))
}
