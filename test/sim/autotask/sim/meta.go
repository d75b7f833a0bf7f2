package sim

import (
	"strconv"

	"channelsync/test/sim/autotask/schema"
)

// info answers what the API user may do with an entity.
func (s *Sim) info(q *request) answer {
	e, modes := q.entity, s.Modes()
	canQuery := !modes.denies(e.Name)
	canCreate := e.CanCreate() && (e.Watches == "" || modes.NoWebhookRight == 0)
	access := func(can bool) string {
		if can {
			return "All"
		}
		return "None"
	}
	type info struct {
		Name      string `json:"name"`
		CanCreate bool   `json:"canCreate"`
		CanDelete bool   `json:"canDelete"`
		CanQuery  bool   `json:"canQuery"`
		CanUpdate bool   `json:"canUpdate"`
		ForCreate string `json:"userAccessForCreate"`
		ForDelete string `json:"userAccessForDelete"`
		ForQuery  string `json:"userAccessForQuery"`
		ForUpdate string `json:"userAccessForUpdate"`
		HasUDF    bool   `json:"hasUserDefinedFields"`
		Webhooks  bool   `json:"supportsWebhookCallouts"`
	}
	return okJSON(map[string]info{"info": {
		Name: e.One, CanCreate: e.CanCreate(), CanDelete: e.CanDelete(), CanQuery: true, CanUpdate: e.CanUpdate(),
		ForCreate: access(canCreate && canQuery), ForDelete: access(e.CanDelete() && canQuery),
		ForQuery: access(canQuery), ForUpdate: access(e.CanUpdate() && canQuery),
		HasUDF: e.HasUDF, Webhooks: e.Wire != "",
	}})
}

type picklistValue struct {
	Value       string `json:"value"` // text here, a whole number in records
	Label       string `json:"label"`
	IsDefault   bool   `json:"isDefaultValue"`
	SortOrder   int    `json:"sortOrder"`
	ParentValue string `json:"parentValue"`
	IsActive    bool   `json:"isActive"`
	IsSystem    bool   `json:"isSystem"`
}

type fieldInfo struct {
	Name         string          `json:"name"`
	DataType     string          `json:"dataType"`
	Length       int             `json:"length"`
	IsRequired   bool            `json:"isRequired"`
	IsReadOnly   bool            `json:"isReadOnly"`
	IsQueryable  bool            `json:"isQueryable"`
	IsReference  bool            `json:"isReference"`
	Reference    string          `json:"referenceEntityType"`
	IsPickList   bool            `json:"isPickList"`
	Picklist     []picklistValue `json:"picklistValues"`
	PicklistFrom string          `json:"picklistParentValueField"`
	IsWebhook    bool            `json:"isSupportedWebhookField"`
}

// fields answers an entity's fields with their picklists.
func (s *Sim) fields(q *request) answer {
	list := []fieldInfo{}
	for pos, f := range q.entity.Fields {
		if pos == len(q.entity.Fields)-1 {
			break // userDefinedFields have a request of their own
		}
		one := ""
		if e, ok := s.schema.Entity(f.Ref); ok {
			one = e.One
		}
		list = append(list, fieldInfo{
			Name: f.Name, DataType: f.Type, Length: f.Length, IsRequired: f.Required || pos == 0, IsReadOnly: f.ReadOnly,
			IsQueryable: !f.NoQuery, IsReference: f.Ref != "", Reference: one,
			IsPickList: f.Picklist != "", Picklist: choices(f, s.schema.Choices(f)), IsWebhook: f.Hook,
		})
	}
	return okJSON(map[string]any{"fields": list})
}

func choices(f schema.Field, list []schema.Choice) []picklistValue {
	var values []picklistValue
	for i, c := range list {
		values = append(values, picklistValue{
			Value: strconv.FormatInt(c.Value, 10), Label: c.Label, IsDefault: f.Default == c.Value,
			SortOrder: i + 1, IsActive: true, IsSystem: true,
		})
	}
	return values
}

// udfs answers the tenant's user-defined fields of an entity.
func (s *Sim) udfs(q *request) answer {
	type udf struct {
		Name       string          `json:"name"`
		Label      string          `json:"label"`
		Type       string          `json:"type"`
		Length     int             `json:"length"`
		IsPickList bool            `json:"isPickList"`
		Picklist   []picklistValue `json:"picklistValues"`
	}
	list := []udf{}
	for _, name := range q.entity.UDFs {
		list = append(list, udf{Name: name, Label: name, Type: "string", Length: 8000})
	}
	return okJSON(map[string]any{"fields": list})
}
