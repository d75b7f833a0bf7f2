package query

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"

	"channelsync/test/sim/autotask/schema"
)

type (
	condition func(schema.Record) bool
	getter    func(schema.Record) any
)

// compiler turns filter nodes into one condition and counts what the vendor limits.
type compiler struct {
	entity *schema.Entity
	ors    int
	hints  []Hint
}

// all is the AND of nodes; must says that every match has to satisfy each of them, so that hints may be taken.
func (c *compiler) all(nodes []node, must bool) (condition, error) {
	conds, err := c.each(nodes, must)
	if err != nil {
		return nil, err
	}
	if len(conds) == 1 {
		return conds[0], nil
	}
	return func(r schema.Record) bool {
		for _, cond := range conds {
			if !cond(r) {
				return false
			}
		}
		return true
	}, nil
}

func (c *compiler) any(nodes []node) (condition, error) {
	c.ors += len(nodes)
	conds, err := c.each(nodes, false)
	if err != nil {
		return nil, err
	}
	return func(r schema.Record) bool {
		return slices.ContainsFunc(conds, func(cond condition) bool { return cond(r) })
	}, nil
}

func (c *compiler) each(nodes []node, must bool) ([]condition, error) {
	conds := make([]condition, 0, len(nodes))
	for _, n := range nodes {
		cond, err := c.one(n, must)
		if err != nil {
			return nil, err
		}
		conds = append(conds, cond)
	}
	return conds, nil
}

func (c *compiler) one(n node, must bool) (condition, error) {
	op := strings.ToLower(n.Op)
	if op == "and" || op == "or" {
		if len(n.Items) == 0 {
			return nil, Error("Value cannot be null. Parameter name: items")
		}
		if op == "and" {
			return c.all(n.Items, must)
		}
		return c.any(n.Items)
	}
	field, get, err := c.operand(n)
	if err != nil {
		return nil, err
	}
	switch op {
	case "exist":
		return func(r schema.Record) bool { return get(r) != nil }, nil
	case "notexist":
		return func(r schema.Record) bool { return get(r) == nil }, nil
	case "in", "notin":
		return c.list(n, op == "notin", must, field, get)
	case "eq", "noteq", "gt", "gte", "lt", "lte", "beginswith", "endswith", "contains":
		return c.compare(n, op, must, field, get)
	}
	// Observed on a real tenant: "noteExist" answered every record with 200. The condition is simply lost.
	return func(schema.Record) bool { return true }, nil
}

// operand is the field a node is about and how to read it.
func (c *compiler) operand(n node) (schema.Field, getter, error) {
	if n.UDF {
		name, ok := c.entity.UDF(n.Field)
		if !ok {
			return schema.Field{}, nil, noField(n.Field, c.entity)
		}
		return schema.Field{Name: name, Type: schema.String}, func(r schema.Record) any {
			if v, ok := r.UDF()[name]; ok {
				return v
			}
			return nil
		}, nil
	}
	pos, ok := c.entity.Pos(n.Field)
	if !ok {
		return schema.Field{}, nil, noField(n.Field, c.entity)
	}
	field := c.entity.Fields[pos]
	if field.NoQuery {
		return field, nil, Error(fmt.Sprintf("%s is not a queryable field in the %s Entity.", field.Name, c.entity.One))
	}
	return field, func(r schema.Record) any { return r[pos] }, nil
}

// list compiles in and notIn. As in SQL, a record without a value matches neither.
func (c *compiler) list(n node, not, must bool, field schema.Field, get getter) (condition, error) {
	var raws []json.RawMessage
	if isNull(n.Value) {
		return nil, Error("Value cannot be null. Parameter name: value")
	}
	if err := json.Unmarshal(n.Value, &raws); err != nil {
		return nil, unexpected(n.Value)
	}
	c.ors += len(raws)
	set := make(map[any]bool, len(raws))
	var ints []int64
	for _, raw := range raws {
		v, err := decode(field, raw)
		if err != nil {
			return nil, err
		}
		set[key(v)] = true
		if id, ok := v.(int64); ok {
			ints = append(ints, id)
		}
	}
	if must && !not && len(ints) == len(raws) {
		c.hint(n, ints)
	}
	return func(r schema.Record) bool {
		v := get(r)
		return v != nil && set[key(v)] != not
	}, nil
}

func (c *compiler) compare(n node, op string, must bool, field schema.Field, get getter) (condition, error) {
	want, err := decode(field, n.Value)
	if err != nil {
		return nil, err
	}
	if id, ok := want.(int64); ok && must && op == "eq" {
		c.hint(n, []int64{id})
	}
	if fn, ok := textOps[op]; ok {
		text, isText := want.(string)
		if !isText {
			return nil, Error(fmt.Sprintf("Invalid operator [%s] for field [%s].", n.Op, field.Name))
		}
		text = strings.ToLower(text)
		return func(r schema.Record) bool {
			v, ok := get(r).(string)
			return ok && fn(strings.ToLower(v), text)
		}, nil
	}
	test := orderOps[op]
	return func(r schema.Record) bool {
		v := get(r)
		return v != nil && test(order(v, want)) // as in SQL, nothing compares with NULL
	}, nil
}

func (c *compiler) hint(n node, values []int64) {
	if pos, ok := c.entity.Pos(n.Field); ok && !n.UDF && (pos == 0 || c.entity.Fields[pos].Index) {
		c.hints = append(c.hints, Hint{pos, values})
	}
}

// decode reads a filter value; a missing one is an error for every operator that needs it.
func decode(field schema.Field, raw json.RawMessage) (any, error) {
	v, err := field.Decode(raw)
	if err != nil {
		return nil, Error(err.Error())
	}
	if v == nil {
		return nil, Error("Value cannot be null. Parameter name: value")
	}
	return v, nil
}
