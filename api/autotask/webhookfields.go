package autotask

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"reflect"
	"slices"
	"strconv"
	"strings"

	"channelsync/api/autotask/internal/lenient"
)

// WebhookField is a field that a registration carries.
type WebhookField struct {
	ID                   int64 `at:"id"`
	FieldID              int64 `at:"fieldID"` // see WebhookCatalogue
	WebhookID            int64 `at:"webhookID,optional"`
	IsSubscribedField    bool  `at:"isSubscribedField"`
	IsDisplayAlwaysField bool  `at:"isDisplayAlwaysField,optional"`
	Missing              []string
}

// WebhookCatalogue maps the names of the fields a webhook can carry, in lower
// case, to their ids. Ids differ from database to database.
type WebhookCatalogue map[string]int64

// FieldID is the id of a field, by its REST name in any case.
func (c WebhookCatalogue) FieldID(name string) (int64, bool) {
	id, ok := c[strings.ToLower(name)]
	return id, ok
}

// SubscribedFields are the fields whose change is a change of what we sync.
// Never the activity stamps: any note on a record bumps them, and the vendor
// delays callouts beyond 1,500 an hour per entity.
func (e WebhookEntity) SubscribedFields() []string {
	switch e {
	case CompanyWebhooks:
		return []string{
			"companyName", "companyType", "isActive",
			"address1", "address2", "additionalAddressInformation", "city", "state", "postalCode", "countryID",
			"phone", "alternatePhone1", "alternatePhone2", "webAddress", "classification",
		}
	case ContactWebhooks:
		return []string{
			"companyID", "isActive", "primaryContact", "emailAddress", "emailAddress2", "emailAddress3",
		}
	case ContractWebhooks:
		return []string{
			"companyID", "contractName", "contractType", "contractCategory", "status", "startDate", "endDate", "estimatedCost", "estimatedRevenue",
		}
	}
	return nil
}

// fieldEntity is the collection of the registrations' fields: CompanyWebhookFields.
func (e WebhookEntity) fieldEntity() string { return strings.TrimSuffix(string(e), "s") + "Fields" }

// WebhookCatalogue reads which fields this database can send for the entity.
// (Vendor: the picklist of fieldID; the entity's own field list does not have it.)
func (c *Client) WebhookCatalogue(ctx context.Context, entity WebhookEntity) (WebhookCatalogue, error) {
	fields, err := c.Fields(ctx, entity.fieldEntity())
	if err != nil {
		return nil, err
	}
	i := slices.IndexFunc(fields, func(f FieldInfo) bool { return foldEqual(f.Name, "fieldID") })
	if i < 0 {
		return nil, &Error{
			Kind: KindUndecodable, Operation: "describe", Entity: entity.fieldEntity(),
			Cause: fmt.Errorf("got %d fields, want fieldID among them", len(fields)),
		}
	}
	catalogue := WebhookCatalogue{}
	for _, choice := range fields[i].Picklist {
		if id, ok := lenient.WholeNumber(choice.Value); ok {
			catalogue[strings.ToLower(choice.Label)] = id
		}
	}
	return catalogue, nil
}

// WebhookFields lists the fields of a registration.
func (c *Client) WebhookFields(ctx context.Context, entity WebhookEntity, webhook int64) ([]WebhookField, error) {
	r := request{
		operation: "read", method: http.MethodGet, entity: string(entity), path: fieldsOf(webhook), read: true,
	}
	s, err := shapeOf(reflect.TypeFor[WebhookField](), string(entity))
	if err != nil {
		return nil, err
	}
	var items []json.RawMessage
	if err := c.do(ctx, r, func(body []byte) (err error) {
		items, err = collection(body)
		return err
	}); err != nil {
		return nil, err
	}
	rows := decodeRows[WebhookField](s, items, nil)
	if len(rows.Bad) > 0 {
		return nil, rows.Bad[0]
	}
	return rows.Items, nil
}

// AddWebhookField makes a registration fire when the field changes and carry it.
// The vendor takes one field a call; a registration is ready from its first field.
func (c *Client) AddWebhookField(ctx context.Context, entity WebhookEntity, webhook, field int64) (int64, error) {
	return c.create(ctx, request{
		entity: string(entity), path: fieldsOf(webhook),
		body: map[string]any{
			"fieldID": field, "webhookID": webhook, "isSubscribedField": true, "isDisplayAlwaysField": false,
		},
	})
}

// SubscribeWebhookField makes a field that a registration only displays fire too.
// row is the WebhookField's ID.
func (c *Client) SubscribeWebhookField(ctx context.Context, entity WebhookEntity, webhook, row int64) error {
	return c.change(ctx, request{
		entity: string(entity), path: fieldsOf(webhook),
		body: map[string]any{"id": row, "isSubscribedField": true},
	})
}

// RemoveWebhookField takes a field off a registration; one that is gone already is
// no error. row is the WebhookField's ID.
func (c *Client) RemoveWebhookField(ctx context.Context, entity WebhookEntity, webhook, row int64) error {
	return c.delete(ctx, string(entity), fieldsOf(webhook)+"/"+strconv.FormatInt(row, 10))
}

func fieldsOf(webhook int64) string { return strconv.FormatInt(webhook, 10) + "/Fields" }
