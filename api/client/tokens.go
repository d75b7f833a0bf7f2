package client

import (
	"context"
	"net/http"
	"net/url"

	v1 "channelsync/api/v1"
)

// Tokens lists every token but --admin-token, by name.
func (c *Client) Tokens(ctx context.Context) ([]v1.Token, error) {
	out, err := ask[v1.TokenList](ctx, c, Call{Operation: "list tokens", Method: http.MethodGet, Path: "/tokens"})
	return out.Items, err
}

// VerifyAudit says whether the audit is whole.
func (c *Client) VerifyAudit(ctx context.Context) (v1.AuditVerification, error) {
	return ask[v1.AuditVerification](ctx, c, Call{Operation: "verify audit", Method: http.MethodGet, Path: "/audit/verify"})
}

// CreateToken makes a token. It is shown this once.
func (c *Client) CreateToken(ctx context.Context, in v1.CreateToken) (v1.NewToken, error) {
	return ask[v1.NewToken](ctx, c, Call{Operation: "create token", Method: http.MethodPost, Path: "/tokens", In: in})
}

// RotateToken gives a token a new secret, shown this once; the old one is valid for an hour,
// unless now is set.
func (c *Client) RotateToken(ctx context.Context, id string, now bool) (v1.NewToken, error) {
	call := Call{Operation: "rotate token", Method: http.MethodPost, Path: "/tokens/" + url.PathEscape(id) + "/rotate"}
	if now {
		call.Query = url.Values{"now": {"true"}}
	}
	return ask[v1.NewToken](ctx, c, call)
}

// DeleteToken ends a token.
func (c *Client) DeleteToken(ctx context.Context, id string) error {
	return c.Do(ctx, Call{Operation: "delete token", Method: http.MethodDelete, Path: "/tokens/" + url.PathEscape(id)})
}
