package admin

import (
	"context"
	"errors"
	"fmt"
	"net/http"

	"github.com/go-chi/chi/v5"

	v1 "channelsync/api/v1"
	"channelsync/handlers/internal/web"
)

// Tokens keeps the tokens of this API.
type Tokens interface {
	List() []v1.Token
	// Create and Rotate answer a token that is shown this once and never again.
	Create(ctx context.Context, in v1.CreateToken) (v1.NewToken, error)
	// Rotate leaves the former secret valid for an hour, unless now is set.
	Rotate(ctx context.Context, id string, now bool) (v1.NewToken, error)
	Delete(ctx context.Context, id string) error
}

func (a *API) tokenRoutes(r chi.Router) {
	r.Get("/tokens", a.serve((*call).listTokens))
	r.Post("/tokens", a.serveBody((*call).createToken))
	r.Post("/tokens/{token}/rotate", a.serve((*call).rotateToken))
	r.Delete("/tokens/{token}", a.serve((*call).deleteToken))
}

func (c *call) listTokens() (reply, error) {
	if err := c.query().err(); err != nil {
		return reply{}, err
	}
	return ok(v1.TokenList{Items: nonNil(c.Tokens.List())}), nil
}

func (c *call) createToken() (reply, error) {
	if err := c.query().err(); err != nil {
		return reply{}, err
	}
	in, err := decode[v1.CreateToken](c)
	if err != nil {
		return reply{}, err
	}
	c.auditing("token.create", "", in.Name+", "+string(in.Role))
	if err := c.scope(in); err != nil {
		return reply{}, err
	}
	made, err := c.Tokens.Create(c.r.Context(), in)
	return reply{status: http.StatusCreated, body: made}, err
}

func isNotFound(err error) bool {
	p, ok := errors.AsType[*v1.Problem](err)
	return ok && p.Status == http.StatusNotFound
}

// scope refuses a list of installations that would mean another thing than it says: none,
// or one that is not there.
func (c *call) scope(in v1.CreateToken) error {
	if in.Installations != nil && len(in.Installations) == 0 {
		return v1.Invalid("The body has fields that are not valid.", v1.FieldError{
			Pointer: "#/installations", Code: "min", Detail: "got an empty list, want at least 1 installation, or leave it out for all",
		})
	}
	var errs []v1.FieldError
	for i, id := range in.Installations {
		err := error(v1.NotFound(""))
		if web.IsInstallationID(id) {
			_, err = c.Installations.Get(c.r.Context(), id)
		}
		if isNotFound(err) {
			errs = append(errs, v1.FieldError{
				Pointer: fmt.Sprintf("#/installations/%d", i), Code: "unknown", Detail: fmt.Sprintf("got %q, want the id of an installation", shorten(id)),
			})
		} else if err != nil {
			return err
		}
	}
	if len(errs) > 0 {
		return v1.Invalid("The body has fields that are not valid.", errs...)
	}
	return nil
}

func (c *call) rotateToken() (reply, error) {
	id, err := c.token()
	if err != nil {
		return reply{}, err
	}
	q := c.query("now")
	now := q.oneOf("now", "true", "false") == "true"
	if err := q.err(); err != nil {
		return reply{}, err
	}
	c.auditing("token.rotate", "", c.tokenName(id))
	made, err := c.Tokens.Rotate(c.r.Context(), id, now)
	return ok(made), err
}

func (c *call) deleteToken() (reply, error) {
	id, err := c.token()
	if err != nil {
		return reply{}, err
	}
	if err := c.query().err(); err != nil {
		return reply{}, err
	}
	c.auditing("token.delete", "", c.tokenName(id))
	return noContent(), c.Tokens.Delete(c.r.Context(), id)
}

// token is the {token} of the path.
func (c *call) token() (string, error) {
	id := c.r.PathValue("token")
	if !isToken(id) {
		return "", v1.NotFound("There is no such token.")
	}
	return id, nil
}

// tokenName is what the audit calls a token: by its name, before that is gone.
func (c *call) tokenName(id string) string {
	for _, t := range c.Tokens.List() {
		if t.ID == id {
			return t.Name
		}
	}
	return id
}
