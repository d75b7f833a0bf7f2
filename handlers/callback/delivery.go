package callback

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"time"

	"go.uber.org/zap"
	"go.uber.org/zap/zapcore"

	callout "channelsync/api/autotask/callback"
	v1 "channelsync/api/v1"
	"channelsync/events"
	"channelsync/handlers/internal/crowd"
	"channelsync/handlers/internal/forwarded"
	"channelsync/handlers/internal/web"
	"channelsync/internal/tracing"
)

const (
	maxBody   = 256 << 10
	bodyOften = 4 << 10
	// The webhook's own count; v1.LogSequence is the journal's.
	logVendorSequence = "vendor_sequence"
)

// delivery is one request on its way through the checks of interfaces §3, and
// what has been learnt of it so far.
type delivery struct {
	*Handler
	w           http.ResponseWriter
	r           *http.Request
	deactivated bool // the path
	traced      bool // the request's context has its span; never before it is authentic
	client      forwarded.Client
	at          time.Time

	installation string // known, once set
	guid         string // of the registration that vouches, once authentic
	change       callout.Event
	receipt      events.Receipt // the journal's, of the change
	cause        error
	answer       answer
	took         time.Duration
}

// handle takes the checks in their pinned order: method, installation, size,
// Deactivated hint, signature, envelope. The places it took are free again when it
// returns or panics.
func (d *delivery) handle() answer {
	if d.r.Method != http.MethodPost {
		return wrongMethod
	}
	id := d.r.PathValue("installation")
	if !web.IsInstallationID(id) {
		return unknown
	}
	arrive := d.arrive()
	defer arrive.leave()
	receiver, found := d.Receivers.Receiver(id)
	if !found {
		return unknown
	}
	d.installation = id
	body, refusal, ok := d.readBody(arrive)
	if !ok {
		return refusal
	}
	signature := d.r.Header.Get(callout.SignatureHeader)
	envelope := callout.OpenEnvelope(body)
	if envelope.Action() == callout.ActionDeactivated || (d.deactivated && signature == "") {
		return d.hint(receiver)
	}
	if !d.authenticate(receiver, signature, body, envelope) {
		d.doubt(receiver, signature, envelope.GUID())
		return unauthentic
	}
	arrive.leave() // authentic: from here on it counts for its installation
	d.beginTrace()
	defer crowd.Vouch(d.r.Context())()
	leave, full := d.authentic.Enter(id, d.Limits.PerInstallation)
	if full != web.NotFull {
		return busy
	}
	defer leave()
	if !d.pace.wait(d.r.Context(), id, len(body)) {
		return tooFast
	}
	return d.take(receiver, body, envelope)
}

// readBody reads the raw bytes, which the signature is over.
func (d *delivery) readBody(arrive *arrival) (body []byte, refusal answer, ok bool) {
	if d.r.ContentLength > maxBody {
		return nil, tooLarge, false
	}
	// Room for the usual body at once; no header makes more than a little of it.
	room := bytes.NewBuffer(make([]byte, 0, min(max(d.r.ContentLength, 0), bodyOften)+bytes.MinRead))
	_, err := room.ReadFrom(arrive.counted(http.MaxBytesReader(d.w, d.r.Body, maxBody)))
	body = room.Bytes()
	if !arrive.arrived() {
		d.w.Header().Set("Connection", "close") // its deadline has passed for good
		return nil, d.failed(limited, errCrowded), false
	}
	if tooBig := (*http.MaxBytesError)(nil); errors.As(err, &tooBig) {
		return nil, tooLarge, false
	}
	if err != nil {
		return nil, d.failed(cutShort, fmt.Errorf("read body: %w", err)), false
	}
	// The server's read deadline has done its work; left standing, it would end
	// the request's context in the middle of a publish after a slow body.
	_ = http.NewResponseController(d.w).SetReadDeadline(time.Time{})
	return body, answer{}, true
}

// doubt tells of a signed body whose signature is wrong although it names a registration of the installation. Few but
// Autotask know its GUID. Nothing of the body has an effect.
func (d *delivery) doubt(receiver Receiver, signature, guid string) {
	if signature == "" || guid == "" || receiver.State == v1.StateUninstalled {
		return
	}
	for _, reg := range receiver.Registrations {
		if strings.EqualFold(reg.GUID, guid) {
			d.Checks.SecretDoubted(d.r.Context(), d.installation, strings.ToLower(reg.GUID))
			return
		}
	}
}

// hint makes the registrations of the installation be looked at over the API.
// Nobody vouches for it, so it has no other effect.
func (d *delivery) hint(receiver Receiver) answer {
	if receiver.State != v1.StateUninstalled && d.hints.pass(d.installation, d.at) {
		d.Checks.CheckSoon(d.installation)
	}
	return hint
}

// take handles an authentic body.
func (d *delivery) take(receiver Receiver, body []byte, envelope callout.Envelope) answer {
	if receiver.State == v1.StateUninstalled {
		return ignored
	}
	c, err := envelope.Decode()
	if err != nil {
		return d.reject(body, err)
	}
	d.change = c
	kind, known := callout.KindOfEntity(c.EntityType)
	if !known || !receiver.Uses[kind] || !changes(c.Action) {
		return ignored
	}
	return d.publish(kind, body)
}

// changes says whether the action is one that we subscribe to.
func changes(action string) bool {
	return slices.ContainsFunc([]string{callout.ActionCreate, callout.ActionUpdate, callout.ActionDelete}, func(known string) bool {
		return strings.EqualFold(action, known)
	})
}

// reject keeps what a signature vouches for but nobody can read.
func (d *delivery) reject(body []byte, cause error) answer {
	ctx, cancel := d.publishDeadline("keep dead letter")
	defer cancel()
	if err := d.Rejects.Keep(ctx, d.installation, body, cause); err != nil {
		return d.failed(unavailable, fmt.Errorf("keep dead letter: %w", named(ctx, err)))
	}
	return d.failed(malformed, cause)
}

func (d *delivery) publish(kind v1.Kind, body []byte) answer {
	ctx, cancel := d.publishDeadline("publish change")
	defer cancel()
	receipt, err := d.Journal.Publish(ctx, events.Change{
		Installation:   d.installation,
		Kind:           kind,
		ID:             d.change.ID,
		Trigger:        v1.TriggerCallback,
		EventTime:      d.change.EventTime,
		Fields:         d.change.Fields,
		WebhookGUID:    d.guid,
		SequenceNumber: d.change.SequenceNumber,
	}, messageID(d.installation, d.guid, d.change, body))
	switch {
	case errors.Is(err, events.ErrBadName), errors.Is(err, events.ErrChangeTooLarge): // whatever it is: sent again it would be the same
		return d.reject(body, err)
	case err != nil:
		return d.failed(unavailable, fmt.Errorf("publish change: %w", named(ctx, err)))
	}
	d.receipt = receipt
	if receipt.Duplicate {
		return duplicate
	}
	return stored
}

func (d *delivery) publishDeadline(operation string) (context.Context, context.CancelFunc) {
	return context.WithTimeoutCause(d.r.Context(), d.Limits.Publish, tooLate{operation + ": not stored", d.Limits.Publish})
}

// tooLate is the cause of a context that ended by its deadline. It is made for each
// delivery, and put into words only when one was too late.
type tooLate struct {
	what   string
	within time.Duration
}

func (e tooLate) Error() string { return e.what + " within " + e.within.String() }

// named puts the operation whose deadline passed in the place of a bare "deadline exceeded".
func named(ctx context.Context, err error) error {
	if errors.Is(err, context.DeadlineExceeded) && context.Cause(ctx) != nil {
		return context.Cause(ctx)
	}
	return err
}

func (d *delivery) failed(a answer, cause error) answer {
	d.cause = cause
	return a
}

// report writes the one line of this delivery, and tells the observer.
func (d *delivery) report(a answer) {
	d.answer, d.took = a, d.Now().Sub(d.at)
	d.observed(a)
	d.noteTrace(a)
	level := zap.InfoLevel
	switch a.result {
	case ResultUnknown, ResultMethod:
		level = zap.DebugLevel // what any scanner of the internet causes
	case ResultUnavailable, ResultBusy, ResultMalformed:
		level = zap.WarnLevel
	}
	d.Log.Log(level, "callback", zap.Inline(d))
}

// MarshalLogObject is the delivery as its line has it. What the body says is logged only
// once it is authentic, the body itself never.
func (d *delivery) MarshalLogObject(line zapcore.ObjectEncoder) error {
	line.AddString(v1.LogInstallation, d.installation)
	line.AddString(v1.LogOutcome, d.answer.result)
	line.AddInt(v1.LogStatus, d.answer.status)
	line.AddDuration(v1.LogDuration, d.took)
	line.AddString(v1.LogRemote, d.client.String())
	if d.change.Action != "" {
		line.AddString(v1.LogAction, d.change.Action)
		line.AddString(v1.LogEntity, d.change.EntityType)
		line.AddInt64(v1.LogRecord, d.change.ID)
		zap.Int64p(logVendorSequence, d.change.SequenceNumber).AddTo(line)
		line.AddUint64(v1.LogSequence, d.receipt.Sequence)
		line.AddInt(v1.LogPlace, d.receipt.Place)
		line.AddBool(v1.LogDuplicate, d.answer.result == ResultDuplicate)
	}
	if d.cause != nil {
		zap.NamedError(v1.LogCause, d.cause).AddTo(line)
	}
	if d.traced {
		tracing.IDsOf(d.r.Context()).AddTo(line)
	}
	return nil
}

// observed tells the observer. The delivery is answered by now: a panic of what only
// counts it must not cut its answer off.
func (d *delivery) observed(a answer) {
	if d.Observer == nil {
		return
	}
	defer func() {
		if v := recover(); v != nil {
			web.LogPanic(d.Log, "observe callback", v)
		}
	}()
	d.Observer.Delivered(d.installation, d.guid, d.change.SequenceNumber, d.at, a.result)
}
