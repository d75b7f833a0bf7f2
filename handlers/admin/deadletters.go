package admin

import (
	"context"
	"fmt"

	"github.com/go-chi/chi/v5"

	v1 "channelsync/api/v1"
)

// DeadLetters shows what is no longer tried, tries it again, or lets it go.
type DeadLetters interface {
	DeadLetterList(ctx context.Context, id, cursor string, limit int) (v1.Page[v1.DeadLetter], error)
	Requeue(ctx context.Context, id string, req v1.RequeueRequest) error
	Dismiss(ctx context.Context, id string, req v1.DismissRequest) error
	// BulkDeadLetters requeues or dismisses several: those named, or all of a filter.
	BulkDeadLetters(ctx context.Context, id string, req v1.BulkDeadLetters) (v1.BulkResult, error)
}

func (a *API) deadLetterRoutes(r chi.Router) {
	r.Get("/installations/{id}/dead-letters", a.serve(withInstallation((*call).listDeadLetters)))
	r.Post("/installations/{id}/dead-letters/requeue", a.serveBody(withBody(decode, (*call).requeueDeadLetters)))
	r.Post("/installations/{id}/dead-letters/dismiss", a.serveBody(withBody(decode, (*call).dismissDeadLetters)))
	r.Post("/installations/{id}/dead-letters/bulk", a.serveBody(withBody(decode, (*call).bulkDeadLetters)))
	r.Post("/installations/{id}/dead-letters/{letter}/dismiss", a.serve(withInstallation((*call).dismissDeadLetter)))
}

func (c *call) listDeadLetters(id string) (reply, error) {
	q := c.query("cursor", "limit")
	cursor, limit := q.cursor(), q.limit()
	if err := q.err(); err != nil {
		return reply{}, err
	}
	page, err := c.DeadLetters.DeadLetterList(c.r.Context(), id, cursor, limit)
	page.Items = nonNil(page.Items)
	return ok(page), err
}

func (c *call) requeueDeadLetters(id string, in v1.RequeueRequest) (reply, error) {
	if errs := wrongRequeue(in); len(errs) > 0 {
		return reply{}, v1.Invalid("The body does not say which dead letters.", errs...)
	}
	c.auditing("dead-letter.requeue", id, describeRequeue(in))
	return accepted(), c.DeadLetters.Requeue(c.r.Context(), id, in)
}

func (c *call) dismissDeadLetter(id string) (reply, error) {
	deadLetter, err := c.deadLetter()
	if err != nil {
		return reply{}, err
	}
	if err := c.query().err(); err != nil {
		return reply{}, err
	}
	c.auditing("dead-letter.dismiss", id, deadLetter)
	return noContent(), c.DeadLetters.Dismiss(c.r.Context(), id, v1.DismissRequest{IDs: []string{deadLetter}})
}

func (c *call) dismissDeadLetters(id string, in v1.DismissRequest) (reply, error) {
	if errs := wrongDismiss(in); len(errs) > 0 {
		return reply{}, v1.Invalid("The body does not say which dead letters.", errs...)
	}
	c.auditing("dead-letter.dismiss", id, describeRequeue(v1.RequeueRequest{IDs: in.IDs, Code: in.Code}))
	return noContent(), c.DeadLetters.Dismiss(c.r.Context(), id, in)
}

// wrongRequeue wants exactly one of ids, code and all, and ids that can exist.
func wrongRequeue(in v1.RequeueRequest) []v1.FieldError {
	said := 0
	for _, given := range []bool{len(in.IDs) > 0, in.Code != "", in.All} {
		if given {
			said++
		}
	}
	if said != 1 {
		return []v1.FieldError{{
			Pointer: "#", Code: "one_of", Detail: fmt.Sprintf("got %d of ids, code and all, want exactly one", said),
		}}
	}
	return wrongIDs(in.IDs)
}

// wrongDismiss wants exactly one of ids and code, and ids that can exist.
func wrongDismiss(in v1.DismissRequest) []v1.FieldError {
	if (len(in.IDs) > 0) == (in.Code != "") {
		return []v1.FieldError{{Pointer: "#", Code: "one_of", Detail: "got both or none of ids and code, want exactly one"}}
	}
	return wrongIDs(in.IDs)
}

func wrongIDs(ids []string) []v1.FieldError {
	var errs []v1.FieldError
	for i, id := range ids {
		if !isToken(id) {
			errs = append(errs, v1.FieldError{
				Pointer: fmt.Sprintf("#/ids/%d", i), Code: "id", Detail: "got text that is no id, want the id of a dead letter",
			})
		}
	}
	return errs
}

func describeRequeue(in v1.RequeueRequest) string {
	switch {
	case in.All:
		return "all"
	case in.Code != "":
		return "code " + shorten(in.Code)
	case len(in.IDs) == 1:
		return in.IDs[0]
	}
	return fmt.Sprintf("%d of them", len(in.IDs))
}
