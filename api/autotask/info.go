package autotask

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"strings"

	"channelsync/api/autotask/internal/lenient"
)

// EntityInfo is what the API user may do with an entity, and what it supports.
// (Vendor: entityInformation.)
type EntityInfo struct {
	CanCreate               bool
	UserAccessForCreate     string // All, None or a restriction; "" where the build does not say
	SupportsWebhookCallouts bool
}

// MayCreate is false when rows of the entity cannot be created at all, or not by this user.
func (i EntityInfo) MayCreate() bool {
	return i.CanCreate && !strings.EqualFold(i.UserAccessForCreate, "none")
}

// FieldInfo is one field of an entity, as this database has it.
type FieldInfo struct {
	Name     string
	Picklist []PicklistValue
}

// PicklistValue is one choice of a field. Value is text here and a number in records.
type PicklistValue struct {
	Value string
	Label string
}

// Threshold is the hourly limit of the whole database and how much of it all
// integrations together used in the last hour.
type Threshold struct {
	Limit int
	Used  int
}

// EntityInformation reads what may be done with an entity.
func (c *Client) EntityInformation(ctx context.Context, entity string) (EntityInfo, error) {
	var info EntityInfo
	err := c.describe(ctx, entity, "entityInformation", func(answer lenient.Object) error {
		var o lenient.Object
		if json.Unmarshal(answer.Get("info"), &o) != nil || o == nil {
			return fmt.Errorf("info: got %s, want an object", lenient.KindOf(answer.Get("info")))
		}
		info = EntityInfo{
			CanCreate:               o.Flag("canCreate"),
			UserAccessForCreate:     lenient.Text(o.Get("userAccessForCreate")),
			SupportsWebhookCallouts: o.Flag("supportsWebhookCallouts"),
		}
		return nil
	})
	return info, err
}

// Fields reads the fields of an entity with their picklists.
func (c *Client) Fields(ctx context.Context, entity string) ([]FieldInfo, error) {
	var fields []FieldInfo
	err := c.describe(ctx, entity, "entityInformation/fields", func(answer lenient.Object) error {
		var list []lenient.Object
		if json.Unmarshal(answer.Get("fields"), &list) != nil || list == nil {
			return fmt.Errorf("fields: got %s, want a list of objects", lenient.KindOf(answer.Get("fields")))
		}
		fields = make([]FieldInfo, 0, len(list))
		for _, o := range list {
			fields = append(fields, FieldInfo{
				Name:     lenient.Text(o.Get("name")),
				Picklist: picklist(o.Get("picklistValues")),
			})
		}
		return nil
	})
	return fields, err
}

// FieldNames are the names of an entity's fields, as older builds lack some.
func (c *Client) FieldNames(ctx context.Context, entity string) ([]string, error) {
	fields, err := c.Fields(ctx, entity)
	if err != nil {
		return nil, err
	}
	names := make([]string, 0, len(fields))
	for _, f := range fields {
		names = append(names, f.Name)
	}
	return names, nil
}

// readThreshold reads the database's hourly count for the budget, in one try. The call
// counts itself, and one is made at a time.
func (c *Client) readThreshold(ctx context.Context) (Threshold, error) {
	var t Threshold
	r := request{operation: "read", method: http.MethodGet, entity: thresholdEntity, read: true}
	failed := c.attempt(ctx, r, nil, object(func(o lenient.Object) error {
		limit, used := lenient.Int(o.Get("externalRequestThreshold")), lenient.Int(o.Get("currentTimeframeRequestCount"))
		if limit == nil || used == nil {
			return errors.New("the answer lacks the threshold or the count")
		}
		t = Threshold{Limit: int(*limit), Used: int(*used)}
		return nil
	}))
	if failed != nil {
		return Threshold{}, failed
	}
	return t, nil
}

func (c *Client) describe(ctx context.Context, entity, path string, into func(lenient.Object) error) error {
	r := request{operation: "describe", method: http.MethodGet, entity: entity, path: path, read: true}
	return c.do(ctx, r, object(into))
}

// object reads an answer that is a JSON object.
func object(into func(lenient.Object) error) func(body []byte) error {
	return func(body []byte) error {
		var answer lenient.Object
		if json.Unmarshal(body, &answer) != nil {
			return errors.New("the answer is not a JSON object")
		}
		return into(answer)
	}
}

// number reads an answer that says a number under the key.
func number(key string, into func(int64)) func(body []byte) error {
	return object(func(answer lenient.Object) error {
		n := lenient.Int(answer.Get(key))
		if n == nil {
			return fmt.Errorf("%s: got %s, want a number", key, lenient.KindOf(answer.Get(key)))
		}
		into(*n)
		return nil
	})
}

func picklist(raw json.RawMessage) []PicklistValue {
	var list []lenient.Object
	if json.Unmarshal(raw, &list) != nil || len(list) == 0 {
		return nil
	}
	values := make([]PicklistValue, 0, len(list))
	for _, o := range list {
		values = append(values, PicklistValue{Value: lenient.Text(o.Get("value")), Label: lenient.Text(o.Get("label"))})
	}
	return values
}
