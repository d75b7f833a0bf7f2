package client

import (
	"context"
	"net/http"
	"net/url"

	v1 "channelsync/api/v1"
)

// Tokens lists every token but --admin-token, by name.
func (c *Client) Tokens(ctx context.Context) ([]v1.Token, error) {
	var out v1.TokenList
	err := c.Do(ctx, Call{Operation: "list tokens", Method: http.MethodGet, Path: "/tokens", Out: &out})
	return out.Items, err
}

// VerifyAudit says whether the audit is whole.
func (c *Client) VerifyAudit(ctx context.Context) (v1.AuditVerification, error) {
	var out v1.AuditVerification
	err := c.Do(ctx, Call{Operation: "verify audit", Method: http.MethodGet, Path: "/audit/verify", Out: &out})
	return out, err
}

// CreateToken makes a token. It is shown this once.
func (c *Client) CreateToken(ctx context.Context, in v1.CreateToken) (v1.NewToken, error) {
	var out v1.NewToken
	err := c.Do(ctx, Call{Operation: "create token", Method: http.MethodPost, Path: "/tokens", In: in, Out: &out})
	return out, err
}

// RotateToken gives a token a new secret, shown this once; the old one is valid for an hour,
// unless now is set.
func (c *Client) RotateToken(ctx context.Context, id string, now bool) (v1.NewToken, error) {
	var out v1.NewToken
	call := Call{Operation: "rotate token", Method: http.MethodPost, Path: "/tokens/" + url.PathEscape(id) + "/rotate", Out: &out}
	if now {
		call.Query = url.Values{"now": {"true"}}
	}
	err := c.Do(ctx, call)
	return out, err
}

// DeleteToken ends a token.
func (c *Client) DeleteToken(ctx context.Context, id string) error {
	return c.Do(ctx, Call{Operation: "delete token", Method: http.MethodDelete, Path: "/tokens/" + url.PathEscape(id)})
}
