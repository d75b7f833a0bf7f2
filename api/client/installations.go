package client

import (
	"context"
	"fmt"
	"net/http"
	"net/url"

	v1 "channelsync/api/v1"
)

// Zones lists the zones that an installation may be in.
func (c *Client) Zones(ctx context.Context) ([]v1.Zone, error) {
	out, err := ask[v1.Zones](ctx, c, Call{Operation: "list zones", Method: http.MethodGet, Path: "/zones"})
	return out.Items, err
}

// ZonesOf lists the zones too, and has Autotask asked which one a user name is in.
func (c *Client) ZonesOf(ctx context.Context, username string) (v1.Zones, error) {
	return ask[v1.Zones](ctx, c, Call{Operation: "find zone", Method: http.MethodGet, Path: "/zones", Query: url.Values{"username": {username}}})
}

// CreateInstallation tries the credentials and keeps the installation.
func (c *Client) CreateInstallation(ctx context.Context, in v1.CreateInstallation) (v1.Installation, error) {
	return ask[v1.Installation](ctx, c, Call{
		Operation: "create installation", Method: http.MethodPost, Path: "/installations",
		In: wireInstallation(in),
	})
}

// TryInstallation tries all that CreateInstallation would, and keeps nothing.
func (c *Client) TryInstallation(ctx context.Context, in v1.CreateInstallation) (v1.Checks, error) {
	return ask[v1.Checks](ctx, c, Call{
		Operation: "try installation", Method: http.MethodPost, Path: "/installations",
		Query: url.Values{"test": {"only"}}, In: wireInstallation(in),
	})
}

// PreviewInstallation tries the same, keeps nothing, and says what the backfill
// would sync. It can take two minutes.
func (c *Client) PreviewInstallation(ctx context.Context, in v1.CreateInstallation) (v1.SetupPreview, error) {
	return ask[v1.SetupPreview](ctx, c, Call{
		Operation: "preview installation", Method: http.MethodPost, Path: "/installations",
		Query: url.Values{"preview": {"only"}}, In: wireInstallation(in),
	})
}

// SetupChoices tries the same, keeps nothing, and says what the options can choose from.
func (c *Client) SetupChoices(ctx context.Context, in v1.CreateInstallation, q v1.ChoiceQuery) (v1.SetupChoices, error) {
	query := url.Values{"choices": {"only"}}
	if q.Counted {
		query.Set("choices", "counted")
	}
	if q.Company != "" {
		query.Set("company", q.Company)
	}
	return ask[v1.SetupChoices](ctx, c, Call{
		Operation: "list choices of a setup", Method: http.MethodPost, Path: "/installations", Query: query, In: wireInstallation(in),
	})
}

// CompareInstallations says which installation each claim is of, and what it says
// otherwise than the service has it.
func (c *Client) CompareInstallations(ctx context.Context, claims []v1.Claim) ([]v1.Comparison, error) {
	in := compareInstallations{Items: make([]claim, len(claims))}
	for i, one := range claims {
		in.Items[i] = wireClaim(one)
	}
	out, err := ask[v1.Comparisons](ctx, c, Call{Operation: "compare installations", Method: http.MethodPost, Path: "/installations/compare", In: in})
	if err == nil && len(out.Items) != len(claims) {
		err = fmt.Errorf("compare installations: got %d answers, want %d", len(out.Items), len(claims))
	}
	return out.Items, err
}

// Installations lists all of them.
func (c *Client) Installations(ctx context.Context) ([]v1.Installation, error) {
	out, err := ask[v1.Page[v1.Installation]](ctx, c, Call{Operation: "list installations", Method: http.MethodGet, Path: "/installations"})
	return out.Items, err
}

// InstallationList lists those that q is about, a page at a time.
func (c *Client) InstallationList(ctx context.Context, q v1.InstallationQuery) (v1.InstallationList, error) {
	query := installationQuery(q)
	if q.Counts {
		query.Set("counts", "true")
	}
	return ask[v1.InstallationList](ctx, c, Call{Operation: "list installations", Method: http.MethodGet, Path: "/installations", Query: query})
}

func installationQuery(q v1.InstallationQuery) url.Values {
	return filtered(pageQuery(q.Cursor, q.Limit), map[string]string{
		"q": q.Q, "state": string(q.State), "standing": string(q.Standing), "issue": q.Issue, "sort": q.Sort,
	})
}

// Installation shows one.
func (c *Client) Installation(ctx context.Context, id string) (v1.Installation, error) {
	return ask[v1.Installation](ctx, c, Call{Operation: "show installation", Method: http.MethodGet, Path: at(id)})
}

// UpdateInstallation changes name and options; what is nil stays as it is.
func (c *Client) UpdateInstallation(
	ctx context.Context, id string, in v1.UpdateInstallation,
) (v1.Installation, error) {
	return ask[v1.Installation](ctx, c, Call{Operation: "update installation", Method: http.MethodPatch, Path: at(id), In: in})
}

// Choices lists what the tenant has that the options choose from.
func (c *Client) Choices(ctx context.Context, id string) (v1.Choices, error) {
	return ask[v1.Choices](ctx, c, Call{Operation: "list choices", Method: http.MethodGet, Path: at(id, "choices")})
}

// PreviewUpdate says what UpdateInstallation would do, and changes nothing.
func (c *Client) PreviewUpdate(ctx context.Context, id string, in v1.UpdateInstallation) (v1.Preview, error) {
	return ask[v1.Preview](ctx, c, Call{
		Operation: "preview update", Method: http.MethodPatch, Path: at(id),
		Query: url.Values{"preview": {"true"}, "list": {"true"}}, In: in,
	})
}

// SetCredentials tries new Autotask credentials and keeps them.
func (c *Client) SetCredentials(ctx context.Context, id string, in v1.Credentials) (v1.Installation, error) {
	return ask[v1.Installation](ctx, c, Call{
		Operation: "set credentials", Method: http.MethodPut, Path: at(id, "credentials"),
		In: wireCredentials(in),
	})
}

// SetChannelProgram tries a new Channel Program connection and keeps it.
func (c *Client) SetChannelProgram(
	ctx context.Context, id string, in v1.ChannelProgramTarget,
) (v1.Installation, error) {
	return ask[v1.Installation](ctx, c, Call{
		Operation: "set channel program", Method: http.MethodPut, Path: at(id, "channel-program"),
		In: wireTarget(in),
	})
}

// TestInstallation tries everything the installation needs.
func (c *Client) TestInstallation(ctx context.Context, id string) (v1.Checks, error) {
	return ask[v1.Checks](ctx, c, Call{Operation: "test installation", Method: http.MethodPost, Path: at(id, "test")})
}

// Act does stop, start, uninstall, reinstall or erase to an installation, or to
// one sync of it; install is for a sync only.
func (c *Client) Act(ctx context.Context, id string, sync v1.Sync, action string) error {
	path, operation := at(id, action), action+" installation"
	if sync != "" {
		path, operation = at(id, "syncs", string(sync), action), action+" sync"
	}
	return c.Do(ctx, Call{Operation: operation, Method: http.MethodPost, Path: path})
}

// RepairWebhooks makes the registrations at Autotask what they should be.
func (c *Client) RepairWebhooks(ctx context.Context, id string) error {
	return c.Do(ctx, Call{Operation: "repair webhooks", Method: http.MethodPost, Path: at(id, "webhooks", "repair")})
}

// RotateWebhookSecret gives the registrations new secrets.
func (c *Client) RotateWebhookSecret(ctx context.Context, id string) error {
	return c.Do(ctx, Call{Operation: "rotate webhook secret", Method: http.MethodPost, Path: at(id, "webhooks", "rotate-secret")})
}

// CreateBridge makes what a sender of the user's own signs callbacks with. The
// secret in it is shown this once. The name may be empty.
func (c *Client) CreateBridge(ctx context.Context, id, name string) (v1.Bridge, error) {
	return ask[v1.Bridge](ctx, c, Call{
		Operation: "create bridge", Method: http.MethodPost, Path: at(id, "bridges"), In: v1.CreateBridge{Name: name},
	})
}

// Bridges lists the bridges of an installation, without their secrets.
func (c *Client) Bridges(ctx context.Context, id string) ([]v1.BridgeStatus, error) {
	out, err := ask[v1.BridgeList](ctx, c, Call{Operation: "list bridges", Method: http.MethodGet, Path: at(id, "bridges")})
	return out.Items, err
}

// RotateBridge gives a bridge a new secret, shown this once; the former one is valid for
// an hour, unless now is set.
func (c *Client) RotateBridge(ctx context.Context, id, guid string, now bool) (v1.Bridge, error) {
	call := Call{Operation: "rotate bridge", Method: http.MethodPost, Path: at(id, "bridges", guid, "rotate")}
	if now {
		call.Query = url.Values{"now": {"true"}}
	}
	return ask[v1.Bridge](ctx, c, call)
}

// EndBridge ends a bridge at once.
func (c *Client) EndBridge(ctx context.Context, id, guid string) error {
	return c.Do(ctx, Call{Operation: "end bridge", Method: http.MethodDelete, Path: at(id, "bridges", guid)})
}

// DecideMassChange pushes the mass change that is pending approval, or drops it.
func (c *Client) DecideMassChange(ctx context.Context, id string, approve bool) error {
	action := "discard"
	if approve {
		action = "approve"
	}
	return c.Do(ctx, Call{Operation: action + " mass change", Method: http.MethodPost, Path: at(id, "held", action)})
}

// at is the path of an installation, or of something under it.
func at(id string, more ...string) string {
	path := "/installations/" + url.PathEscape(id)
	for _, m := range more {
		path += "/" + url.PathEscape(m)
	}
	return path
}
