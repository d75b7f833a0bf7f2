package console

import (
	"bytes"
	"context"
	"time"

	"go.uber.org/zap"

	v1 "channelsync/api/v1"
	"channelsync/handlers/internal/identity"
	"channelsync/handlers/internal/web"
)

// liveEvery is how often a page that is being watched is looked at anew.
const liveEvery = 2 * time.Second

// live streams the "live" block of a page, as HTML, each time it is another one
// than the browser has. The script puts it in the place of the old one.
func (v *visit) live(name string, load func(*visit) (*page, error)) {
	ctx, cancel := context.WithCancel(v.ctx)
	defer cancel()
	defer v.closing.Then(v.r, cancel)()
	v.ctx, v.r = ctx, v.r.WithContext(ctx)
	leave, refused := v.openStreams.Take(v.w, identity.Of(ctx).ID)
	if refused != nil {
		v.failWith(refused)
		return
	}
	defer leave()
	stream := web.NewStream(v.w)
	if stream.Comment("live") != nil {
		return
	}
	tick := time.NewTicker(liveEvery)
	defer tick.Stop()
	check := time.NewTicker(identity.CheckEvery)
	defer check.Stop()
	var last []byte
	spoken := v.now()
	for caller := identity.Of(ctx); ; {
		next, err := v.liveBlock(name, load)
		switch {
		case ctx.Err() != nil:
			return
		case err != nil:
			// The page that is open stays as it is; the next look may work.
			v.log.Debug("live page failed", zap.String(v1.LogOperation, name), zap.Error(err))
		case !bytes.Equal(next, last):
			if stream.Event(string(next)) != nil {
				return
			}
			last, spoken = next, v.now()
		}
		if v.now().Sub(spoken) >= web.Heartbeat {
			if stream.Comment("") != nil {
				return
			}
			spoken = v.now()
		}
		for waiting := true; waiting; {
			select {
			case <-ctx.Done():
				return
			case <-check.C:
				if !caller.Valid() {
					_ = stream.Named("ended", "") // the page asks anew, and is sent to the log-in
					return
				}
			case <-tick.C:
				waiting = false
			}
		}
	}
}

func (v *visit) liveBlock(name string, load func(*visit) (*page, error)) ([]byte, error) {
	p, err := load(v)
	if err != nil {
		return nil, err
	}
	var out bytes.Buffer
	if err := v.execute(&out, v.r, name, "live", p); err != nil {
		return nil, err
	}
	return out.Bytes(), nil
}
