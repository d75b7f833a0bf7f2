package console

import (
	"net/http"
	"slices"

	"github.com/go-chi/chi/v5"

	v1 "channelsync/api/v1"
)

func (c *Console) tokenRoutes(r chi.Router) {
	r.Get("/tokens", c.show("tokens", (*visit).tokenList))
	r.Post("/tokens", c.makeToken)
	r.Post("/tokens/{token}/rotate", c.asked("tokens", (*visit).rotateToken))
	r.Get("/tokens/{token}/delete", c.show("token-delete", (*visit).tokenOfPath))
	r.Post("/tokens/{token}/delete", c.do((*visit).deleteToken))
}

// tokensData is the tokens, and the form for another one as it was filled in.
type tokensData struct {
	Tokens        []tokenRow
	New           *v1.NewToken // shown this once
	Rotated       string       // the name of the token whose secret New is; empty: it was made
	Name          string
	ExpiresAt     string
	Roles         []filterChoice
	Installations []filterChoice
}

type tokenRow struct {
	v1.Token
	For     []string // the names of its installations; their ids where they are gone
	Expired bool
}

func (v *visit) tokenList() (*page, error) {
	all, err := v.api.Tokens(v.ctx)
	if err != nil {
		return nil, err
	}
	installations, err := v.api.Installations(v.ctx)
	if err != nil {
		return nil, err
	}
	names := map[string]string{}
	d := tokensData{Name: v.field("name"), ExpiresAt: v.field("expiresAt"), Roles: v.roleChoices()}
	for _, in := range installations {
		names[in.ID] = in.Name
		d.Installations = append(d.Installations, filterChoice{
			Value: in.ID, Text: in.Name, Selected: slices.Contains(v.r.PostForm["installations"], in.ID),
		})
	}
	for _, t := range all {
		row := tokenRow{Token: t, Expired: t.ExpiresAt != nil && !t.ExpiresAt.After(v.now())}
		for _, id := range t.Installations {
			if names[id] != "" {
				id = names[id]
			}
			row.For = append(row.For, id)
		}
		d.Tokens = append(d.Tokens, row)
	}
	return &page{Title: "Tokens", Nav: "tokens", Data: d}, nil
}

// roleChoices are the roles in words, the least first.
func (v *visit) roleChoices() []filterChoice {
	selected := v1.Role(v.field("role"))
	if !slices.Contains(v1.Roles, selected) {
		selected = v1.RoleViewer
	}
	words := map[v1.Role]string{
		v1.RoleViewer:   "Viewer: reads",
		v1.RoleOperator: "Operator: also stops, starts, tests, syncs and tries again",
		v1.RoleAdmin:    "Admin: also installs, changes settings, erases and manages tokens",
	}
	var out []filterChoice
	for _, r := range v1.Roles {
		out = append(out, filterChoice{Value: string(r), Text: words[r], Selected: r == selected})
	}
	return out
}

// makeToken makes a token and shows it; when it was refused, the form as it was filled in.
func (c *Console) makeToken(w http.ResponseWriter, r *http.Request) {
	v := &visit{c, w, r, r.Context()}
	if !v.parse() {
		return
	}
	made, err := v.createToken()
	if err == nil {
		v.r.PostForm = nil // another one begins empty
		v.showToken(made, "")
		return
	}
	problem := v.problem(err)
	p, err := v.tokenList()
	if err != nil {
		v.fail(err)
		return
	}
	p.Problem = problem
	c.render(w, r, problem.Status, "tokens", p)
}

func (v *visit) createToken() (v1.NewToken, error) {
	in := v1.CreateToken{Name: v.field("name"), Role: v1.Role(v.field("role")), Installations: v.r.PostForm["installations"]}
	at, err := moment(v.field("expiresAt"))
	if err != nil {
		return v1.NewToken{}, v1.Invalid("The token is not made.", v1.FieldError{Pointer: "#/expiresAt", Code: "time", Detail: err.Error()})
	}
	in.ExpiresAt = at
	return v.api.CreateToken(v.ctx, in)
}

func (v *visit) showToken(made v1.NewToken, rotated string) {
	p, err := v.shownToken(made, rotated)
	if err != nil {
		v.fail(err)
		return
	}
	v.render(v.w, v.r, http.StatusOK, "tokens", p)
}

// shownToken is the list with a secret that is shown this once.
func (v *visit) shownToken(made v1.NewToken, rotated string) (*page, error) {
	p, err := v.tokenList()
	if err != nil {
		return nil, err
	}
	d := p.Data.(tokensData)
	d.New, d.Rotated = &made, rotated
	p.Data = d
	return p, nil
}

func (v *visit) rotateToken() (*page, error) {
	t, err := v.token()
	if err != nil {
		return nil, err
	}
	made, err := v.api.RotateToken(v.ctx, t.ID, false)
	if err != nil {
		return nil, err
	}
	return v.shownToken(made, t.Name)
}

// token finds the token of the path.
func (v *visit) token() (v1.Token, error) {
	all, err := v.api.Tokens(v.ctx)
	if err != nil {
		return v1.Token{}, err
	}
	i := slices.IndexFunc(all, func(t v1.Token) bool { return t.ID == v.r.PathValue("token") })
	if i < 0 {
		return v1.Token{}, v1.NotFound("There is no such token. It may have been deleted.")
	}
	return all[i], nil
}

func (v *visit) tokenOfPath() (*page, error) {
	t, err := v.token()
	if err != nil {
		return nil, err
	}
	return &page{Title: "Delete the token " + t.Name, Nav: "tokens", Data: t}, nil
}

func (v *visit) deleteToken() (done, error) {
	t, err := v.token()
	if err != nil {
		return done{}, err
	}
	if err := v.api.DeleteToken(v.ctx, t.ID); err != nil {
		return done{}, err
	}
	return done{"/tokens", "The token " + t.Name + " is deleted. Whatever used it is refused from now on."}, nil
}
