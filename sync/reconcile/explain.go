package reconcile

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"time"

	"channelsync/api/autotask"
	"channelsync/api/channelprogram"
	"channelsync/sync/projection"
)

// named is a record as a message names it: by its name, where one is known, kind and id.
func (it *item) named() string {
	return fmt.Sprintf("%s (%s %d)", cmp.Or(it.entry.Name, "This record"), it.entry.Kind, it.due.ID)
}

// unreadText says which record cannot be read, what Autotask was asked and answered at that
// time, and what to do about it.
func unreadText(named string, err error, at time.Time) string {
	row, ofRow := errors.AsType[autotask.RowError](err)
	if ofRow && row.Cause == nil {
		return fmt.Sprintf("%s cannot be read. Autotask answered for %s in the field %s: got %s, want %s. "+
			"Correct %s of %s in Autotask: saving it tries this record again, and \"Sync now\" does so at once.",
			named, rowName(row), row.Field, row.Got, row.Want, row.Field, rowName(row))
	}
	open := "this record"
	if ofRow {
		open, err = rowName(row), row.Cause
	}
	asked, says, who := answerOf(err)
	if ofRow {
		asked += ", for " + rowName(row)
	}
	return fmt.Sprintf("%s cannot be read. Autotask was asked for it (%s) and %s, while it answers for others. "+
		"\"Sync now\" asks again at once. If the problem persists, open %s in Autotask, and report its id and the time (%s) to %s.",
		named, asked, says, open, at.UTC().Format("2006-01-02 15:04:05 UTC"), who)
}

func rowName(row autotask.RowError) string {
	if row.ID == 0 {
		return "a row of " + row.Entity
	}
	return fmt.Sprintf("%s %d", row.Entity, row.ID)
}

// answerOf says what was asked, what came of it, and who can tell why.
func answerOf(err error) (asked, says, who string) {
	const support, gateway = "Autotask's support", ", or to whoever runs a firewall or gateway in between"
	e, ok := errors.AsType[*autotask.Error](err)
	if !ok {
		return "a row", "failed: " + strings.TrimRight(err.Error(), ". "), support
	}
	asked, who = e.Operation+" "+e.Entity, support
	var words []string
	words = append(words, e.Texts...)
	if e.Cause != nil {
		words = append(words, e.Cause.Error())
	}
	text := strings.TrimRight(strings.Join(words, "; "), ". ")
	with := func(start string) string {
		if text == "" {
			return start
		}
		return start + ": " + text
	}
	switch {
	case errors.Is(err, context.DeadlineExceeded):
		return asked, with("did not answer"), who
	case e.Kind == autotask.KindUndecodable:
		return asked, with("answered with something that is not from its API"), who + gateway
	case e.Status == 0:
		return asked, with("cut the connection"), who
	case e.Status == http.StatusInternalServerError:
		return asked, with("answered HTTP 500"), who
	default:
		return asked, with(fmt.Sprintf("answered HTTP %d", e.Status)), who + gateway
	}
}

// unsendable says which field keeps a record from being sent, and what to do about it.
func unsendable(named string, err error) string {
	field, ok := errors.AsType[*projection.FieldError](err)
	if !ok {
		return named + " cannot be sent: " + err.Error()
	}
	return fmt.Sprintf("%s cannot be sent: %s. %s in Autotask: it is sent when it changes.", named, field.Error(), field.Do)
}

// CodeTargetFailed is the cause of a record that the target does not take although it works.
const CodeTargetFailed = "target_failed"

// rejected fails a record whose data the target does not take: only an edit helps.
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
		says, do = "got a cut connection instead of an answer ("+e.Detail+")", gateway
	case e.Kind == channelprogram.KindBreach:
		says, do = "got an answer that breaks the API's contract ("+e.Detail+")", gateway
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
