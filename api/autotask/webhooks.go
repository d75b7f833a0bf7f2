package autotask

import (
	"context"
	"fmt"
	"net/http"
	"strconv"
	"unicode/utf8"

	v1 "channelsync/api/v1"
)

// WebhookEntity is a collection of webhook registrations. There is none for
// contracts: the vendor calls out for neither them nor their parts.
type WebhookEntity string

// The registrations we use.
const (
	CompanyWebhooks WebhookEntity = "CompanyWebhooks"
	ContactWebhooks WebhookEntity = "ContactWebhooks"
	// ContractWebhooks does not exist today. entityInformation tells the day it
	// does (supportsWebhookCallouts), and its name follows from the others'.
	ContractWebhooks WebhookEntity = "ContractWebhooks"
)

// Limits of a registration, in characters. (Vendor: Webhooks entity.)
const (
	maxWebhookName   = 50
	maxWebhookURL    = 500
	maxWebhookSecret = 64
	minWebhookSecret = 10
)

// Webhook is a registration as the vendor has it. Its secret cannot be read back.
type Webhook struct {
	ID                         int64  `at:"id"`
	GUID                       string `at:"webhookGUID"`
	Name                       string `at:"name"`
	WebhookURL                 string `at:"webhookUrl"`
	DeactivationURL            string `at:"deactivationUrl"`
	IsActive                   bool   `at:"isActive"`
	IsReady                    *bool  `at:"isReady,optional"`
	IsSubscribedToCreateEvents bool   `at:"isSubscribedToCreateEvents"`
	IsSubscribedToUpdateEvents bool   `at:"isSubscribedToUpdateEvents"`
	IsSubscribedToDeleteEvents bool   `at:"isSubscribedToDeleteEvents"`
	OwnerResourceID            *int64 `at:"ownerResourceID,optional"`
	Missing                    []string
}

// Owner is the resource id of the API user who made the registration: it ends with that user, and the error log shows
// its failures to that user alone. 0 where the build does not say.
func (w Webhook) Owner() int64 {
	if w.OwnerResourceID == nil {
		return 0
	}
	return *w.OwnerResourceID
}

// Ready is false while a registration cannot fire because it has no fields yet.
// Where the build does not say, it counts as ready.
func (w Webhook) Ready() bool { return w.IsReady == nil || *w.IsReady }

// NewWebhook is what a registration is made of; it is subscribed to create,
// update and delete events.
type NewWebhook struct {
	Name            string // at most 50 characters
	WebhookURL      string // at most 500
	DeactivationURL string // at most 500
	Secret          v1.Secret
}

// WebhookChange says what to change; nil leaves as it is.
type WebhookChange struct {
	Name            *string
	WebhookURL      *string
	DeactivationURL *string
	Secret          *v1.Secret
	IsActive        *bool
	CreateEvents    *bool
	UpdateEvents    *bool
	DeleteEvents    *bool
}

// Webhooks lists the registrations whose name begins with prefix, in the order of
// their ids.
func (c *Client) Webhooks(ctx context.Context, entity WebhookEntity, prefix string) ([]Webhook, error) {
	var q Query
	if prefix != "" {
		q.Filter = []Filter{BeginsWith("name", prefix)}
	}
	return allRows[Webhook](ctx, c, string(entity), q)
}

// Webhook reads one registration.
func (c *Client) Webhook(ctx context.Context, entity WebhookEntity, id int64) (Webhook, error) {
	return Get[Webhook](ctx, c, string(entity), id)
}

// CreateWebhook registers a webhook and returns its id. It fires only once it has
// a field (AddWebhookField) and its GUID is known only from reading it.
// KindPermission: the API user's security level may not create (more) webhooks.
func (c *Client) CreateWebhook(ctx context.Context, entity WebhookEntity, w NewWebhook) (int64, error) {
	r := request{operation: "create", entity: string(entity)}
	if err := w.validate(); err != nil {
		return 0, r.fail(KindInvalid, err)
	}
	r.body = map[string]any{
		"name":                              w.Name,
		"webhookUrl":                        w.WebhookURL,
		"deactivationUrl":                   w.DeactivationURL,
		"secretKey":                         w.Secret.Reveal(),
		"isActive":                          true,
		"isSubscribedToCreateEvents":        true,
		"isSubscribedToUpdateEvents":        true,
		"isSubscribedToDeleteEvents":        true,
		"sendThresholdExceededNotification": false,
	}
	return c.create(ctx, r)
}

// ChangeWebhook changes a registration; the vendor wants its id in the body.
func (c *Client) ChangeWebhook(ctx context.Context, entity WebhookEntity, id int64, change WebhookChange) error {
	body := map[string]any{"id": id}
	set(body, "name", change.Name)
	set(body, "webhookUrl", change.WebhookURL)
	set(body, "deactivationUrl", change.DeactivationURL)
	set(body, "isActive", change.IsActive)
	set(body, "isSubscribedToCreateEvents", change.CreateEvents)
	set(body, "isSubscribedToUpdateEvents", change.UpdateEvents)
	set(body, "isSubscribedToDeleteEvents", change.DeleteEvents)
	r := request{operation: "change", entity: string(entity), body: body}
	if change.Secret != nil {
		if err := validateSecret(*change.Secret); err != nil {
			return r.fail(KindInvalid, err)
		}
		body["secretKey"] = change.Secret.Reveal()
	}
	return c.change(ctx, r)
}

// DeleteWebhook removes a registration; one that is gone already is no error.
func (c *Client) DeleteWebhook(ctx context.Context, entity WebhookEntity, id int64) error {
	return c.delete(ctx, string(entity), strconv.FormatInt(id, 10))
}

func (w NewWebhook) validate() error {
	for _, f := range []struct {
		name, value string
		most        int
	}{
		{"name", w.Name, maxWebhookName},
		{"webhookUrl", w.WebhookURL, maxWebhookURL},
		{"deactivationUrl", w.DeactivationURL, maxWebhookURL},
	} {
		if n := utf8.RuneCountInString(f.value); n == 0 || n > f.most {
			return fmt.Errorf("%s: got %d characters, want 1 to %d", f.name, n, f.most)
		}
	}
	return validateSecret(w.Secret)
}

func validateSecret(secret v1.Secret) error {
	if n := utf8.RuneCountInString(secret.Reveal()); n < minWebhookSecret || n > maxWebhookSecret {
		return fmt.Errorf("secretKey: got %d characters, want %d to %d", n, minWebhookSecret, maxWebhookSecret)
	}
	return nil
}

func set[T any](body map[string]any, key string, value *T) {
	if value != nil {
		body[key] = *value
	}
}

// create sends a POST and reads the id of what it made: {"itemId":177}.
func (c *Client) create(ctx context.Context, r request) (int64, error) {
	r.operation, r.method = "create", http.MethodPost
	var id int64
	err := c.do(ctx, r, number("itemId", func(n int64) { id = n }))
	return id, err
}

// change sends a PATCH; the status alone says that it was taken.
func (c *Client) change(ctx context.Context, r request) error {
	r.operation, r.method = "change", http.MethodPatch
	return c.do(ctx, r, ignoreBody)
}

func ignoreBody([]byte) error { return nil }

// delete removes a row. One that is gone, which the vendor says with 404 or with
// 500 and "No matching records found", is what was wanted.
func (c *Client) delete(ctx context.Context, entity, path string) error {
	r := request{operation: "delete", method: http.MethodDelete, entity: entity, path: path}
	err := c.do(ctx, r, ignoreBody)
	if KindOf(err) == KindNotFound {
		return nil
	}
	return err
}

// allRows is a query whose rows are few and all needed: a bad one is an error.
func allRows[T any](ctx context.Context, c *Client, entity string, q Query) ([]T, error) {
	var all []T
	err := Each(ctx, c, entity, q, func(rows Rows[T]) error {
		if len(rows.Bad) > 0 {
			return rows.Bad[0]
		}
		all = append(all, rows.Items...)
		return nil
	})
	return all, err
}
