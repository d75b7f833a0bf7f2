package reconcile

import (
	"errors"
	"fmt"
	"net/http"
	"strings"

	"channelsync/api/channelprogram"
)

// CodeTargetFailed is the cause of a record that the target does not take although it works.
const CodeTargetFailed = "target_failed"

// rejected settles a record whose data the target does not take: only an edit helps.
func (it *item) rejected(e *channelprogram.Error) {
	it.fail(targetCode(e), "Channel Program says: "+targetDetail(e), true)
}

// blame says which record fails, what was answered, and what to do.
func (b *batch) blame(it *item, err error) string {
	e, ok := errors.AsType[*channelprogram.Error](err)
	if !ok {
		e = &channelprogram.Error{Code: CodeTargetFailed, Detail: err.Error()}
	}
	says, do := "was answered "+answerText(e), "Correct what the answer names, or ask Channel Program's support why"
	const gateway = "Ask whoever runs Channel Program, or a firewall or gateway in front of it, why"
	switch {
	case late(e):
		says, do = "was not answered ("+e.Detail+")", "Ask Channel Program's support why"
	case e.Code == channelprogram.CodeNetwork:
		says, do = "was answered by a cut connection ("+e.Detail+")", gateway
	case e.Kind == channelprogram.KindBreach:
		says, do = "was answered against the contract of the API ("+e.Detail+")", gateway
	case e.Status == http.StatusRequestEntityTooLarge:
		do = "Shorten the record in Autotask, or ask Channel Program's support for a higher limit"
	case e.Status == http.StatusUnauthorized, e.Status == http.StatusPaymentRequired, e.Status == http.StatusForbidden:
		do = gateway + ", or change what is unusual in the record"
	}
	if e.RequestID != "" {
		do += " (request id " + e.RequestID + ")"
	}
	return fmt.Sprintf("%s %s each time it was sent, while Channel Program works otherwise. %s. An edit of it, or \"Sync now\", sends it at once.",
		it.named(), says, do)
}

// answerText is an answer's status, code and words.
func answerText(e *channelprogram.Error) string {
	text := e.Code
	if e.Status != 0 {
		text = fmt.Sprintf("HTTP %d %s", e.Status, e.Code)
	}
	if detail := targetDetail(e); detail != e.Code {
		text += ": " + strings.TrimRight(detail, ".")
	}
	return text
}

func targetCode(e *channelprogram.Error) string {
	for _, f := range e.Errors {
		if f.Code == channelprogram.CodeCurrencyUnsupported {
			return f.Code
		}
	}
	switch e.Code {
	case channelprogram.CodeCurrencyUnsupported, channelprogram.CodeAmbiguousMatch:
		return e.Code
	}
	if e.Kind == channelprogram.KindFailed {
		return CodeTargetFailed
	}
	return "rejected"
}

// targetDetail is the target's words, with the fields it points at named as ours.
func targetDetail(e *channelprogram.Error) string {
	parts := []string{}
	if e.Detail != "" {
		parts = append(parts, e.Detail)
	}
	for _, f := range e.Errors {
		parts = append(parts, fieldOf(f.Pointer)+": "+f.Detail)
	}
	if len(parts) == 0 {
		parts = append(parts, e.Code)
	}
	return strings.Join(parts, "; ")
}

// fieldOf cuts a JSON Pointer down to the field of the record ("#/inputs/3/data/name" → "name").
func fieldOf(pointer string) string {
	p := strings.TrimPrefix(strings.TrimPrefix(pointer, "#"), "/")
	if rest, ok := strings.CutPrefix(p, "inputs/"); ok {
		if _, after, ok := strings.Cut(rest, "/data/"); ok {
			return after
		}
	}
	return p
}
