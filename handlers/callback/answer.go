package callback

import (
	"math/rand/v2"
	"net/http"
	"strconv"

	v1 "channelsync/api/v1"
	"channelsync/handlers/internal/web"
)

// Results of a delivery, for an Observer.
const (
	ResultStored      = "stored"
	ResultDuplicate   = "duplicate"
	ResultIgnored     = "ignored"     // authentic, nothing to do
	ResultHint        = "hint"        // Deactivated, or unsigned on its path
	ResultUnauthentic = "unauthentic" // no, wrong or foreign signature, unknown GUID
	ResultMalformed   = "malformed"   // authentic but not the envelope
	ResultUnavailable = "unavailable" // the journal did not take it
	ResultBusy        = "busy"        // too many authentic ones of the installation, or too many bytes a second
	ResultLimited     = "limited"     // cut off: too many of its client on the way
	ResultTooLarge    = "too_large"
	ResultCutShort    = "cut_short" // the body did not arrive
	ResultUnknown     = "unknown"   // no such installation
	ResultMethod      = "method"    // not POST
)

// answer is how a delivery ends. Its texts are constant: nothing of the request
// is ever sent back.
type answer struct {
	result string
	status int
	code   string
	detail string
}

// The answers there are.
var (
	stored      = answer{result: ResultStored, status: http.StatusAccepted}
	duplicate   = answer{result: ResultDuplicate, status: http.StatusNoContent}
	ignored     = answer{result: ResultIgnored, status: http.StatusNoContent}
	hint        = answer{result: ResultHint, status: http.StatusNoContent}
	unauthentic = answer{ResultUnauthentic, http.StatusUnauthorized, v1.CodeUnauthenticated, "The signature and GUID match no webhook of this installation."}
	malformed   = answer{ResultMalformed, http.StatusBadRequest, v1.CodeInvalid, "The body is not the envelope of a callback; it was kept as a dead letter."}
	unavailable = answer{ResultUnavailable, http.StatusServiceUnavailable, v1.CodeUnavailable, "The change could not be stored. Send it again."}
	busy        = answer{ResultBusy, http.StatusServiceUnavailable, v1.CodeUnavailable, "Too many callbacks of this installation are under way. Send it again."}
	tooFast     = answer{ResultBusy, http.StatusServiceUnavailable, v1.CodeUnavailable, "This installation sends more than can be taken. Send it again."}
	limited     = answer{ResultLimited, http.StatusTooManyRequests, v1.CodeUnavailable, "It did not arrive before too many others of this address. Send it again."}
	tooLarge    = answer{ResultTooLarge, http.StatusRequestEntityTooLarge, v1.CodeInvalid, "The body is larger than 256 KiB."}
	cutShort    = answer{ResultCutShort, http.StatusBadRequest, v1.CodeInvalid, "The body did not arrive whole."}
	unknown     = answer{ResultUnknown, http.StatusNotFound, v1.CodeNotFound, "There is no such installation."}
	wrongMethod = answer{ResultMethod, http.StatusMethodNotAllowed, v1.CodeInvalid, "Callbacks are posted."}
)

func (a answer) write(w http.ResponseWriter) {
	switch a.status {
	case http.StatusMethodNotAllowed:
		w.Header().Set("Allow", http.MethodPost)
	case http.StatusServiceUnavailable, http.StatusTooManyRequests:
		// Spread out, so that those rejected together do not come back together.
		w.Header().Set("Retry-After", strconv.Itoa(5+rand.IntN(11))) //nolint:gosec // no secret
	}
	if a.detail == "" {
		w.Header().Set("Cache-Control", "no-store")
		w.WriteHeader(a.status)
		return
	}
	web.Problem(w, v1.NewProblem(a.status, a.code, a.detail, ""))
}
