package autotask

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"strings"
)

// EntityInfo is what the API user may do with an entity, and what it supports.
// (Vendor: entityInformation.)
type EntityInfo struct {
	Name                    string
	CanQuery                bool
	CanCreate               bool
	CanUpdate               bool
	CanDelete               bool
	UserAccessForQuery      string // All, None or a restriction; "" where the build does not say
	UserAccessForCreate     string // the same, for creating
	SupportsWebhookCallouts bool
}

// MayQuery is false when the entity cannot be queried at all, or not by this user.
func (i EntityInfo) MayQuery() bool {
	return i.CanQuery && !strings.EqualFold(i.UserAccessForQuery, "none")
}

// MayCreate is false when rows of the entity cannot be created at all, or not by this user.
func (i EntityInfo) MayCreate() bool {
	return i.CanCreate && !strings.EqualFold(i.UserAccessForCreate, "none")
}

// FieldInfo is one field of an entity, as this database has it.
type FieldInfo struct {
	Name           string
	DataType       string
	IsQueryable    bool
	IsWebhookField bool
	Picklist       []PicklistValue
}

// PicklistValue is one choice of a field. Value is text here and a number in records.
type PicklistValue struct {
	Value    string
	Label    string
	IsActive bool
	IsSystem bool
}

// Threshold is the hourly limit of the whole database and how much of it all
// integrations together used in the last Minutes.
type Threshold struct {
	Limit   int
	Used    int
	Minutes int
}

// EntityInformation reads what may be done with an entity.
func (c *Client) EntityInformation(ctx context.Context, entity string) (EntityInfo, error) {
	var info EntityInfo
	err := c.describe(ctx, entity, "entityInformation", func(answer object) error {
		var o object
		if json.Unmarshal(answer.get("info"), &o) != nil || o == nil {
			return fmt.Errorf("info: got %s, want an object", jsonKind(answer.get("info")))
		}
		info = EntityInfo{
			Name:                    textOf(o.get("name")),
			CanQuery:                o.flag("canQuery"),
			CanCreate:               o.flag("canCreate"),
			CanUpdate:               o.flag("canUpdate"),
			CanDelete:               o.flag("canDelete"),
			UserAccessForQuery:      textOf(o.get("userAccessForQuery")),
			UserAccessForCreate:     textOf(o.get("userAccessForCreate")),
			SupportsWebhookCallouts: o.flag("supportsWebhookCallouts"),
		}
		return nil
	})
	return info, err
}

// Fields reads the fields of an entity with their picklists.
func (c *Client) Fields(ctx context.Context, entity string) ([]FieldInfo, error) {
	var fields []FieldInfo
	err := c.describe(ctx, entity, "entityInformation/fields", func(answer object) error {
		var list []object
		if json.Unmarshal(answer.get("fields"), &list) != nil || list == nil {
			return fmt.Errorf("fields: got %s, want a list of objects", jsonKind(answer.get("fields")))
		}
		fields = make([]FieldInfo, 0, len(list))
		for _, o := range list {
			fields = append(fields, FieldInfo{
				Name:           textOf(o.get("name")),
				DataType:       textOf(o.get("dataType")),
				IsQueryable:    o.flag("isQueryable"),
				IsWebhookField: o.flag("isSupportedWebhookField"),
				Picklist:       picklist(o.get("picklistValues")),
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

// ThresholdInformation reads the database's hourly count. The call counts itself
// and one is made at a time, so ask rarely: Budget needs no call.
func (c *Client) ThresholdInformation(ctx context.Context) (Threshold, error) {
	t, err := c.readThreshold(ctx)
	if err == nil {
		c.budget.endReading(c.cfg.Now(), &t)
	}
	return t, err
}

// readThreshold is one try without the budget's own reading, which it serves.
func (c *Client) readThreshold(ctx context.Context) (Threshold, error) {
	var t Threshold
	r := request{operation: "read", method: http.MethodGet, entity: thresholdEntity, read: true}
	failed := c.attempt(ctx, r, nil, func(body []byte) error {
		var o object
		if json.Unmarshal(body, &o) != nil {
			return errors.New("the answer is not a JSON object")
		}
		limit, used := lenientInt(o.get("externalRequestThreshold")), lenientInt(o.get("currentTimeframeRequestCount"))
		if limit == nil || used == nil {
			return errors.New("the answer lacks the threshold or the count")
		}
		t = Threshold{Limit: int(*limit), Used: int(*used), Minutes: 60}
		if minutes := lenientInt(o.get("requestThresholdTimeframe")); minutes != nil {
			t.Minutes = int(*minutes)
		}
		return nil
	})
	if failed != nil {
		return Threshold{}, failed
	}
	return t, nil
}

func (c *Client) describe(ctx context.Context, entity, path string, into func(object) error) error {
	r := request{operation: "describe", method: http.MethodGet, entity: entity, path: path, read: true}
	return c.do(ctx, r, func(body []byte) error {
		var answer object
		if json.Unmarshal(body, &answer) != nil {
			return errors.New("the answer is not a JSON object")
		}
		return into(answer)
	})
}

func picklist(raw json.RawMessage) []PicklistValue {
	var list []object
	if json.Unmarshal(raw, &list) != nil || len(list) == 0 {
		return nil
	}
	values := make([]PicklistValue, 0, len(list))
	for _, o := range list {
		values = append(values, PicklistValue{
			Value:    textOf(o.get("value")),
			Label:    textOf(o.get("label")),
			IsActive: o.flag("isActive"),
			IsSystem: o.flag("isSystem"),
		})
	}
	return values
}

// flag is a boolean of metadata, false where it is missing.
func (o object) flag(key string) bool {
	text := textOf(o.get(key))
	return strings.EqualFold(text, "true") || text == "1"
}
